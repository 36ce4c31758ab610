{#- The generic tests that every dbt project may use. Each selects the rows (or values) that fail. -#}

{% test unique(model, column_name) %}
select
    {{ column_name }} as unique_field,
    count(*) as n_records
from {{ model }}
where {{ column_name }} is not null
group by {{ column_name }}
having count(*) > 1
{% endtest %}

{% test not_null(model, column_name) %}
{%- set column_list = '*' if should_store_failures() else column_name %}
select {{ column_list }}
from {{ model }}
where {{ column_name }} is null
{% endtest %}

{#- No CTEs in the next two: DuckDB would write them out before it looks at who reads them. -#}
{% test accepted_values(model, column_name, values, quote=True) %}
select *
from (
    select {{ column_name }} as value_field, count(*) as n_records
    from {{ model }}
    group by {{ column_name }}
) as all_values
where value_field not in (
    {%- for value in values %}
    {% if quote %}'{{ value | string | replace("'", "''") }}'{% else %}{{ value }}{% endif %}{% if not loop.last %},{% endif %}
    {%- endfor %}
)
{% endtest %}

{% test relationships(model, column_name, to, field) %}
select from_field
from (
    select {{ column_name }} as from_field
    from {{ model }}
    where {{ column_name }} is not null
) as child
where not exists (
    select 1
    from (select {{ field }} as to_field from {{ to }}) as parent
    where parent.to_field = child.from_field
)
{% endtest %}

{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where -%}
        (select * from {{ relation }} where {{ where }}) dbt_subquery
    {%- else -%}
        {%- do return(relation) -%}
    {%- endif -%}
{%- endmacro %}

{% macro should_store_failures() %}
    {%- set own = config.get('store_failures') -%}
    {%- do return(flags.STORE_FAILURES if own is none else own) -%}
{% endmacro %}
