{#- How raw text becomes typed values. The plain cast is right for nearly every row and fast; only the others pay for
    the longer attempts. Text that is no value gives NULL. -#}

{% macro parse_id(column) -%}
    try_cast({{ column }} as bigint)
{%- endmacro %}

{% macro parse_integer(column) -%}
    try_cast({{ column }} as integer)
{%- endmacro %}

{#- 1234.5, ' 1,234.50 ', '$1,234.50'. An amount with another currency behind it is none of ours: NULL. -#}
{% macro parse_money(column) -%}
    coalesce(
        try_cast({{ column }} as decimal(18, 2)),
        try_cast(replace(ltrim(trim({{ column }}), '$'), ',', '') as decimal(18, 2))
    )
{%- endmacro %}

{#- A value outside what can be true says nothing: NULL. -#}
{% macro within(expression, least, most) -%}
    case when {{ expression }} between {{ least }} and {{ most }} then {{ expression }} end
{%- endmacro %}

{#- ISO, and the other formats that the shop's systems send; these can be told apart by their separators:
    day/month/year with slashes, month-day-year with dashes, and 'Mar 5, 2026'. Text with a dash in the fifth place
    (2026-) is none of these, which spares nearly every row nine attempts. -#}
{% macro parse_timestamp(column) -%}
    coalesce(
        try_strptime(
            case when {{ column }}[5] <> '-' then trim({{ column }}) end,
            ['%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M', '%d/%m/%Y', '%m-%d-%Y %H:%M:%S', '%m-%d-%Y %H:%M', '%m-%d-%Y',
             '%b %d, %Y %H:%M:%S', '%b %d, %Y %H:%M', '%b %d, %Y']
        ),
        try_cast({{ column }} as timestamp)
    )
{%- endmacro %}

{% macro parse_date(column) -%}
    cast({{ parse_timestamp(column) }} as date)
{%- endmacro %}
