{#- The day the data speaks of: the day of the last order, so that a rebuild tomorrow gives the same answer. -#}
{% macro as_of_date() -%}
    (select cast(max(ordered_at) as date) from {{ ref('fact_orders') }})
{%- endmacro %}

{% macro is_revenue(status) -%}
    {{ status }} in ('{{ var("revenue_statuses") | join("', '") }}')
{%- endmacro %}

{#- The day as a number, yyyymmdd. -#}
{% macro date_key(column) -%}
    cast(year({{ column }}) * 10000 + month({{ column }}) * 100 + day({{ column }}) as integer)
{%- endmacro %}

{#- NULL instead of a division by zero; four digits are enough for a rate. -#}
{% macro rate(part, whole) -%}
    round(cast({{ part }} as double) / nullif({{ whole }}, 0), 4)
{%- endmacro %}

{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 2))
{%- endmacro %}
