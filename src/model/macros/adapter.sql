{#- Names that projects override, and what their macros call of dbt's own. -#}

{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
    {{ return(adapter.dispatch('generate_schema_name', 'dbt')(custom_schema_name, node)) }}
{%- endmacro %}

{% macro default__generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- else -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}

{% macro generate_schema_name_for_env(custom_schema_name, node) -%}
    {%- if target.name == 'prod' and custom_schema_name is not none -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }}
    {%- endif -%}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {{ return(adapter.dispatch('generate_alias_name', 'dbt')(custom_alias_name, node)) }}
{%- endmacro %}

{% macro default__generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}
        {{ custom_alias_name | trim }}
    {%- elif node.version -%}
        {{ node.name ~ "_v" ~ (node.version | replace(".", "_")) }}
    {%- else -%}
        {{ node.name }}
    {%- endif -%}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {{ return(target.database if custom_database_name is none else custom_database_name | trim) }}
{%- endmacro %}

{% macro default__generate_database_name(custom_database_name=none, node=none) -%}
    {{ return(target.database if custom_database_name is none else custom_database_name | trim) }}
{%- endmacro %}

{% macro should_full_refresh() %}
    {%- set own = config.get('full_refresh') -%}
    {{ return(flags.FULL_REFRESH if own is none else own) }}
{% endmacro %}

{% macro noop_statement(name=none, message=none, code=none, rows_affected=none, res=none) %}
{% endmacro %}

{% macro load_relation(relation) %}
    {{ return(adapter.get_relation(relation.database, relation.schema, relation.identifier)) }}
{% endmacro %}

{% macro load_cached_relation(relation) %}
    {{ return(adapter.get_relation(relation.database, relation.schema, relation.identifier)) }}
{% endmacro %}

{% macro get_columns_in_relation(relation) %}
    {{ return(adapter.get_columns_in_relation(relation)) }}
{% endmacro %}

{% macro get_columns_in_query(select_sql) %}
    {{ return(adapter.get_columns_in_query(select_sql) | map(attribute='name') | list) }}
{% endmacro %}

{% macro get_column_schema_from_query(select_sql) %}
    {{ return(adapter.get_columns_in_query(select_sql)) }}
{% endmacro %}

{% macro check_relation_exists(relation) %}
    {{ return(load_relation(relation) is not none) }}
{% endmacro %}

{% macro drop_relation_if_exists(relation) %}
    {%- if relation is not none -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{% endmacro %}

{% macro drop_relation(relation) %}
    {%- do adapter.drop_relation(relation) -%}
{% endmacro %}

{% macro create_schema(relation) %}
    {%- do adapter.create_schema(relation) -%}
{% endmacro %}

{% macro make_temp_relation(base_relation, suffix='__dbt_tmp') %}
    {{ return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix})) }}
{% endmacro %}

{% macro truncate_relation(relation) %}
    {{ exceptions.raise_compiler_error("truncate_relation is not available: a lake table is replaced as a whole by its model") }}
{% endmacro %}

{% macro information_schema_name(database) %}information_schema{% endmacro %}

{% macro get_relation_comment(relation, node) %}{% endmacro %}

{% macro statement_block(sql) %}{{ run_query(sql) }}{% endmacro %}

{% macro in_transaction(sql) %}{{ return({'sql': sql, 'transaction': true}) }}{% endmacro %}

{% macro before_begin(sql) %}{{ return({'sql': sql, 'transaction': false}) }}{% endmacro %}

{% macro after_commit(sql) %}{{ return({'sql': sql, 'transaction': false}) }}{% endmacro %}

{% macro get_powers_of_two(upper_bound) %}
    {%- if upper_bound <= 0 -%}
        {{ exceptions.raise_compiler_error("upper bound must be positive") }}
    {%- endif -%}
    {%- for power in range(1, 100) -%}
        {%- if upper_bound <= 2 ** power -%}{{ return(power) }}{%- endif -%}
    {%- endfor -%}
{% endmacro %}
