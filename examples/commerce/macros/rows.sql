{#- The bronze rows that an error-level quality rule has put into quarantine. Staging leaves them out with an anti join
    on file and line; written as a join (not as "not exists") the big side streams past the small one. -#}
{% macro quarantined(entity) -%}
    (select distinct _file, _line from {{ source('quarantine', entity) }} where severity = 'error')
{%- endmacro %}

{#- All rows of a relation with copy_number: 1 for the row that counts, 2 and up for its repeats. Only keys that do
    repeat go through the window, which makes this cheap where nearly every key is there once. -#}
{% macro number_copies(relation, key, order_by='_arrived_on, _file, _line') -%}
    with repeated as (
        select {{ key }} from {{ relation }} group by {{ key }} having count(*) > 1
    ),

    numbered as (
        select
            {{ key }},
            _file,
            _line,
            cast(row_number() over (partition by {{ key }} order by {{ order_by }}) as integer) as copy_number
        from {{ relation }}
        where {{ key }} in (select {{ key }} from repeated)
    )

    select relation.*, coalesce(numbered.copy_number, 1) as copy_number
    from {{ relation }} as relation
    left join numbered
        on numbered.{{ key }} = relation.{{ key }}
        and numbered._file = relation._file
        and numbered._line = relation._line
{%- endmacro %}
