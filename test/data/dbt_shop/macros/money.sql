{% macro money(column, scale=2) -%}
    cast({{ column }} / 100.0 as decimal(18, {{ scale }}))
{%- endmacro %}

{% macro state_list() -%}
    {%- for state in var('paid') -%}'{{ state }}'{% if not loop.last %}, {% endif %}{%- endfor -%}
{%- endmacro %}

{% test at_most(model, column_name, limit_value) %}
select * from {{ model }} where {{ column_name }} > {{ limit_value }}
{% endtest %}
