{#- True for a bronze row (alias "raw") that no error-level quality rule has put into quarantine. -#}
{% macro not_quarantined(entity) -%}
    not exists (
        select 1
        from {{ source('quarantine', entity) }} as bad
        where bad.severity = 'error' and bad._file = raw._file and bad._line = raw._line
    )
{%- endmacro %}

{#- All rows of a relation with copy_number: 1 for the row that counts, 2 and up for its repeats. Only keys that do
    repeat go through the window, which makes this cheap where nearly every key is there once. -#}
{% macro number_copies(relation, key, order_by='_arrived_on, _file, _line') -%}
    select relation.*, 1 as copy_number
    from {{ relation }} as relation
    where relation.{{ key }} not in (select {{ key }} from {{ relation }} group by {{ key }} having count(*) > 1)
    union all
    select relation.*, cast(row_number() over (partition by {{ key }} order by {{ order_by }}) as integer) as copy_number
    from {{ relation }} as relation
    where relation.{{ key }} in (select {{ key }} from {{ relation }} group by {{ key }} having count(*) > 1)
{%- endmacro %}
