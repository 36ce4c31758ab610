{#- What projects use most of the package dbt_utils, for those that have not installed it. -#}

{% macro generate_surrogate_key(field_list) -%}
    {{ return(adapter.dispatch('generate_surrogate_key', 'dbt_utils')(field_list)) }}
{%- endmacro %}
{% macro default__generate_surrogate_key(field_list) -%}
    {%- set default_null_value = '' if var('surrogate_key_treat_nulls_as_empty_strings', False) else '_dbt_utils_surrogate_key_null_' -%}
    {%- set fields = [] -%}
    {%- for field in field_list -%}
        {%- do fields.append("coalesce(cast(" ~ field ~ " as " ~ dbt.type_string() ~ "), '" ~ default_null_value ~ "')") -%}
        {%- if not loop.last -%}{%- do fields.append("'-'") -%}{%- endif -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(fields)) }}
{%- endmacro %}
{% macro surrogate_key(field_list) -%}{{ return(dbt_utils.generate_surrogate_key(field_list)) }}{%- endmacro %}

{% macro get_filtered_columns_in_relation(from, except=[]) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set unwanted = except | map('lower') | list -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_columns_in_relation(from) -%}
        {%- if column.column | lower not in unwanted -%}{%- do names.append(column.column) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{% macro star(from, relation_alias=False, except=[], prefix='', suffix='', quote_identifiers=True, rename={}) -%}
    {%- if not execute -%}{{ return('*') }}{%- endif -%}
    {%- set names = dbt_utils.get_filtered_columns_in_relation(from, except) -%}
    {%- if names | length == 0 -%}
        {{ return('/* no columns returned from star() macro */') }}
    {%- endif -%}
    {%- for name in names -%}
        {%- if relation_alias %}{{ relation_alias }}.{% endif -%}
        {%- if quote_identifiers -%}{{ adapter.quote(name) | trim }}{%- else -%}{{ name | trim }}{%- endif -%}
        {%- if prefix != '' or suffix != '' %} as {{ adapter.quote(prefix ~ name ~ suffix) | trim }}{% endif -%}
        {%- if not loop.last %},{{ '\n  ' }}{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro get_column_values(table, column, order_by='count(*) desc', max_records=none, default=none, where=none) -%}
    {%- if not execute -%}{{ return(default if default is not none else []) }}{%- endif -%}
    {%- if load_relation(table) is none and default is not none -%}{{ return(default) }}{%- endif -%}
    {%- set rows = run_query(
        "select " ~ column ~ " as value from " ~ table
        ~ (" where " ~ where if where is not none else "")
        ~ " group by " ~ column ~ " order by " ~ order_by
        ~ (" limit " ~ max_records if max_records is not none else "")) -%}
    {{ return(rows.columns[0].values() | list) }}
{%- endmacro %}

{% macro get_single_value(sql_statement, default=none) -%}
    {%- if not execute -%}{{ return(default) }}{%- endif -%}
    {%- set rows = run_query(sql_statement) -%}
    {{ return(rows.columns[0].values()[0] if rows.rows | length > 0 else default) }}
{%- endmacro %}

{% macro get_query_results_as_dict(query) -%}
    {%- set answer = {} -%}
    {%- if execute -%}
        {%- set rows = run_query(query) -%}
        {%- for column in rows.columns -%}{%- do answer.update({column.name: column.values() | list}) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(answer) }}
{%- endmacro %}

{% macro pivot(column, values, alias=True, agg='sum', cmp='=', prefix='', suffix='', then_value=1, else_value=0, quote_identifiers=True, distinct=False) -%}
    {%- for value in values %}
    {{ agg }}(
        {% if distinct %}distinct {% endif -%}
        case when {{ column }} {{ cmp }} '{{ dbt.escape_single_quotes(value | string) }}'
            then {{ then_value }}
            else {{ else_value }}
        end
    )
        {%- if alias %}
            {%- if quote_identifiers %} as {{ adapter.quote(prefix ~ value ~ suffix) }}
            {%- else %} as {{ dbt_utils.slugify(prefix ~ value ~ suffix) }}
            {%- endif -%}
        {%- endif -%}
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro unpivot(relation=none, cast_to='varchar', exclude=none, remove=none, field_name='field_name', value_name='value', quote_identifiers=False) -%}
    {%- set keep = (exclude or []) | map('lower') | list -%}
    {%- set gone = (remove or []) | map('lower') | list -%}
    {%- set fields = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- if column.name | lower not in keep and column.name | lower not in gone -%}
                {%- do fields.append(column.name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for name in fields %}
    select
        {%- for kept in (exclude or []) %}
        {{ adapter.quote(kept) if quote_identifiers else kept }},
        {%- endfor %}
        cast('{{ name }}' as varchar) as {{ adapter.quote(field_name) if quote_identifiers else field_name }},
        cast({{ adapter.quote(name) }} as {{ cast_to }}) as {{ adapter.quote(value_name) if quote_identifiers else value_name }}
    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor -%}
{%- endmacro %}

{% macro union_relations(relations, column_override=none, include=[], exclude=[], source_column_name='_dbt_source_relation', where=none) -%}
    {%- set column_override = column_override if column_override is not none else {} -%}
    {%- set wanted = include | map('lower') | list -%}
    {%- set unwanted = exclude | map('lower') | list -%}
    {%- set names = [] -%}
    {%- set types = {} -%}
    {%- set columns_of = {} -%}
    {%- if execute -%}
        {%- for relation in relations -%}
            {%- set own = [] -%}
            {%- for column in adapter.get_columns_in_relation(relation) -%}
                {%- if column.name | lower not in unwanted and (wanted | length == 0 or column.name | lower in wanted) -%}
                    {%- do own.append(column.name) -%}
                    {%- if column.name not in names -%}
                        {%- do names.append(column.name) -%}
                        {%- do types.update({column.name: column.data_type}) -%}
                    {%- endif -%}
                {%- endif -%}
            {%- endfor -%}
            {%- do columns_of.update({relation | string: own}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for relation in relations %}
    (
        select
            {%- if source_column_name is not none %}
            cast('{{ relation }}' as varchar) as {{ source_column_name }},
            {%- endif %}
            {%- for name in names %}
            cast({{ adapter.quote(name) if name in columns_of.get(relation | string, []) else 'null' }} as {{ column_override.get(name, types[name]) }}) as {{ adapter.quote(name) }}{% if not loop.last %},{% endif %}
            {%- endfor %}
            {%- if names | length == 0 %} *{% endif %}
        from {{ relation }}
        {%- if where %} where {{ where }}{% endif %}
    )
    {% if not loop.last %}union all{% endif %}
    {%- endfor -%}
{%- endmacro %}

{% macro date_spine(datepart, start_date, end_date) -%}
    {{ return(dbt.date_spine(datepart, start_date, end_date)) }}
{%- endmacro %}

{% macro generate_series(upper_bound) -%}{{ return(dbt.generate_series(upper_bound)) }}{%- endmacro %}

{% macro group_by(n) -%}
    group by {% for i in range(1, n + 1) %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}
{%- endmacro %}

{% macro deduplicate(relation, partition_by, order_by) -%}
    select *
    from {{ relation }}
    qualify row_number() over (partition by {{ partition_by }} order by {{ order_by }}) = 1
{%- endmacro %}

{% macro safe_divide(numerator, denominator) -%}
    ( {{ numerator }} ) / nullif( ( {{ denominator }} ), 0)
{%- endmacro %}
{% macro safe_add(field_list) -%}
    {% for field in field_list %}coalesce({{ field }}, 0){% if not loop.last %} +{{ '\n  ' }}{% endif %}{% endfor %}
{%- endmacro %}
{% macro safe_subtract(field_list) -%}
    {% for field in field_list %}coalesce({{ field }}, 0){% if not loop.last %} -{{ '\n  ' }}{% endif %}{% endfor %}
{%- endmacro %}
{% macro nullcheck(cols) -%}
    {%- for col in cols %}nullif({{ col.name }}, '') as {{ col.name }}{% if not loop.last %}, {% endif %}{%- endfor -%}
{%- endmacro %}
{% macro slugify(string) -%}
    {%- set lowered = string | lower -%}
    {%- set lowered = modules.re.sub('[ -]+', '_', lowered) -%}
    {%- set lowered = modules.re.sub('[^a-z0-9_]+', '', lowered) -%}
    {%- set lowered = modules.re.sub('^[0-9]', '_' ~ lowered[:1], lowered) -%}
    {{ return(lowered) }}
{%- endmacro %}
{% macro pretty_time(format='%H:%M:%S') -%}{{ return(modules.datetime.datetime.now().strftime(format)) }}{%- endmacro %}
{% macro pretty_log_format(message) -%}{{ return(dbt_utils.pretty_time() ~ ' + ' ~ message) }}{%- endmacro %}
{% macro log_info(message) -%}{{ log(dbt_utils.pretty_log_format(message), info=True) }}{%- endmacro %}
{% macro haversine_distance(lat1, lon1, lat2, lon2, unit='mi') -%}
    2 * {{ 6371 if unit == 'km' else 3961 }} * asin(sqrt(power(sin(radians({{ lat2 }} - {{ lat1 }}) / 2), 2) +
    cos(radians({{ lat1 }})) * cos(radians({{ lat2 }})) * power(sin(radians({{ lon2 }} - {{ lon1 }}) / 2), 2)))
{%- endmacro %}
{% macro width_bucket(expr, min_value, max_value, num_buckets) -%}
    case
        when {{ expr }} < {{ min_value }} then 0
        when {{ expr }} >= {{ max_value }} then {{ num_buckets }} + 1
        else cast(floor(({{ expr }} - {{ min_value }}) / (({{ max_value }} - {{ min_value }}) / cast({{ num_buckets }} as double))) as integer) + 1
    end
{%- endmacro %}
{% macro get_url_parameter(field, url_parameter) -%}
    nullif(split_part(split_part({{ field }}, '{{ url_parameter }}=', 2), '&', 1), '')
{%- endmacro %}
{% macro get_url_host(field) -%}
    split_part(split_part(replace(replace(replace({{ field }}, 'android-app://', ''), 'http://', ''), 'https://', ''), '/', 1), '?', 1)
{%- endmacro %}
{% macro get_url_path(field) -%}
    nullif(regexp_extract({{ field }}, '^(?:[a-z-]+://)?[^/?]*/?([^?]*)', 1), '')
{%- endmacro %}
{% macro get_relations_by_pattern(schema_pattern, table_pattern, exclude='', database=none) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set found = [] -%}
    {%- set rows = run_query(
        "select table_schema, table_name from information_schema.tables where table_schema ilike '" ~ schema_pattern
        ~ "' and table_name ilike '" ~ table_pattern ~ "' and table_name not ilike '" ~ exclude ~ "' order by all") -%}
    {%- for row in rows.rows -%}
        {%- do found.append(api.Relation.create(database=database or target.database, schema=row[0], identifier=row[1])) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
{% macro get_relations_by_prefix(schema, prefix, exclude='', database=none) -%}
    {{ return(dbt_utils.get_relations_by_pattern(schema, prefix ~ '%', exclude, database)) }}
{%- endmacro %}
