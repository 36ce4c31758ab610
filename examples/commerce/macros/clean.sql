{#- Text standardised: no outer blanks, inner blanks collapsed, empty text is NULL. -#}
{% macro clean_text(column) -%}
    nullif(trim(case when contains({{ column }}, '  ') then regexp_replace({{ column }}, ' +', ' ', 'g') else {{ column }} end), '')
{%- endmacro %}

{#- A code such as a status or a channel: lower case, words joined by underscores. -#}
{% macro clean_code(column) -%}
    nullif({{ code_of(column) }}, '')
{%- endmacro %}

{#- The same for joins: plain functions of one column, which DuckDB works out once per distinct value. -#}
{% macro code_of(column) -%}
    replace(replace(lower(trim({{ column }})), ' ', '_'), '-', '_')
{%- endmacro %}

{#- Names written all in capitals or all in small letters become Title Case; others (McDonald, O'Neil) stay as typed. -#}
{% macro clean_name(column) -%}
    case
        when {{ column }} = upper({{ column }}) or {{ column }} = lower({{ column }}) then
            array_to_string(
                list_transform(string_split(lower({{ clean_text(column) }}), ' '), lambda word: upper(word[1]) || word[2:]),
                ' '
            )
        else {{ clean_text(column) }}
    end
{%- endmacro %}

{#- A label: first letter large, the rest small, however it was typed. -#}
{% macro clean_label(column) -%}
    upper(left({{ clean_text(column) }}, 1)) || lower(substr({{ clean_text(column) }}, 2))
{%- endmacro %}

{#- Lower case without blanks; an address that no mail could reach is NULL. -#}
{% macro clean_email(column) -%}
    case
        when regexp_full_match(lower(trim({{ column }})), '[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}')
            then lower(trim({{ column }}))
    end
{%- endmacro %}

{#- Digits with an optional leading plus, so that two spellings of a number compare equal. -#}
{% macro clean_phone(column) -%}
    nullif(regexp_replace({{ column }}, '[^0-9+]', '', 'g'), '')
{%- endmacro %}
