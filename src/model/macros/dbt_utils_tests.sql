{#- The generic tests of dbt_utils that projects use most. -#}

{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{%- set names = [] -%}
{%- for column in combination_of_columns -%}
    {%- do names.append(adapter.quote(column) if quote_columns else column) -%}
{%- endfor %}
select {{ names | join(', ') }}
from {{ model }}
group by {{ names | join(', ') }}
having count(*) > 1
{% endtest %}

{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
select *
from {{ model }}
where 1 = 2
{%- if min_value is not none %}
    or not {{ column_name }} > {{- '=' if inclusive }} {{ min_value }}
{%- endif %}
{%- if max_value is not none %}
    or not {{ column_name }} < {{- '=' if inclusive }} {{ max_value }}
{%- endif %}
{% endtest %}

{% test expression_is_true(model, expression, column_name=None) %}
select {{ '*' if should_store_failures() else '1' }}
from {{ model }}
where not({{ column_name ~ ' ' if column_name is not none else '' }}{{ expression }})
{% endtest %}

{% test equal_rowcount(model, compare_model) %}
{{ config(fail_calc='sum(coalesce(diff_count, 0))') }}
select abs((select count(*) from {{ model }}) - (select count(*) from {{ compare_model }})) as diff_count
{% endtest %}

{% test fewer_rows_than(model, compare_model) %}
{{ config(fail_calc='sum(coalesce(row_count_delta, 0))') }}
select greatest((select count(*) from {{ model }}) - (select count(*) from {{ compare_model }}) + 1, 0) as row_count_delta
{% endtest %}

{% test equality(model, compare_model, compare_columns=None, exclude_columns=None) %}
{%- if execute -%}
{%- set names = [] -%}
{%- if compare_columns -%}
    {%- for name in compare_columns -%}{%- do names.append(adapter.quote(name)) -%}{%- endfor -%}
{%- else -%}
    {%- for name in dbt_utils.get_filtered_columns_in_relation(model, exclude_columns or []) -%}
        {%- do names.append(adapter.quote(name)) -%}
    {%- endfor -%}
{%- endif -%}
{%- set columns = names | join(', ') %}
select 'a_minus_b' as which_diff, * from (select {{ columns }} from {{ model }} except select {{ columns }} from {{ compare_model }})
union all
select 'b_minus_a' as which_diff, * from (select {{ columns }} from {{ compare_model }} except select {{ columns }} from {{ model }})
{%- endif -%}
{% endtest %}

{% test not_null_proportion(model, column_name=none, at_least=0, at_most=1.0) %}
select *
from (
    select sum(case when {{ column_name }} is null then 0 else 1 end) / cast(count(*) as double) as not_null_proportion
    from {{ model }}
)
where not_null_proportion < {{ at_least }} or not_null_proportion > {{ at_most }}
{% endtest %}

{% test relationships_where(model, column_name, to, field, from_condition='1=1', to_condition='1=1') %}
with left_table as (
    select {{ column_name }} as id
    from {{ model }}
    where {{ column_name }} is not null and {{ from_condition }}
),

right_table as (
    select {{ field }} as id
    from {{ to }}
    where {{ field }} is not null and {{ to_condition }}
)

select left_table.id, right_table.id as right_id
from left_table
left join right_table on left_table.id = right_table.id
where right_table.id is null
{% endtest %}

{% test recency(model, field, datepart, interval, ignore_time_component=False) %}
select most_recent, threshold
from (
    select
        max({{ field }}){% if ignore_time_component %}::date{% else %}::timestamp{% endif %} as most_recent,
        {{ dbt.dateadd(datepart, interval * -1, 'now()::timestamp') }}{% if ignore_time_component %}::date{% endif %} as threshold
    from {{ model }}
)
where most_recent is null or most_recent < threshold
{% endtest %}

{% test at_least_one(model, column_name) %}
select 1 as no_value
from {{ model }}
having count({{ column_name }}) = 0
{% endtest %}

{% test not_constant(model, column_name) %}
select count(distinct {{ column_name }}) as filler_column
from {{ model }}
having count(distinct {{ column_name }}) = 1
{% endtest %}

{% test not_empty_string(model, column_name, trim_whitespace=true) %}
select {{ column_name }}
from {{ model }}
where {% if trim_whitespace %}trim({{ column_name }}){% else %}{{ column_name }}{% endif %} = ''
{% endtest %}

{% test not_accepted_values(model, column_name, values, quote=True) %}
select distinct {{ column_name }} as value_field
from {{ model }}
where {{ column_name }} in (
    {%- for value in values %}
    {% if quote %}'{{ value }}'{% else %}{{ value }}{% endif %}{% if not loop.last %},{% endif %}
    {%- endfor %}
)
{% endtest %}

{% test cardinality_equality(model, column_name, to, field) %}
with table_a as (select {{ column_name }} as value, count(*) as num_rows from {{ model }} group by all),
table_b as (select {{ field }} as value, count(*) as num_rows from {{ to }} group by all)
(select * from table_a except select * from table_b)
union all
(select * from table_b except select * from table_a)
{% endtest %}

{% test sequential_values(model, column_name, interval=1, datepart=None) %}
select *
from (
    select {{ column_name }}, lag({{ column_name }}) over (order by {{ column_name }}) as previous_{{ column_name }}
    from {{ model }}
)
where {% if datepart -%}
    {{ column_name }}::timestamp != {{ dbt.dateadd(datepart, interval, 'previous_' ~ column_name) }}::timestamp
{%- else -%}
    {{ column_name }} != previous_{{ column_name }} + {{ interval }}
{%- endif %}
{% endtest %}

{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=None, gaps='allowed', zero_length_range_allowed=False) %}
{%- set comparison = {'not_allowed': '=', 'allowed': '<=', 'required': '<'}[gaps] %}
select *
from (
    select
        {% if partition_by %}{{ partition_by }} as partition_by_col,{% endif %}
        {{ lower_bound_column }} as lower_bound,
        {{ upper_bound_column }} as upper_bound,
        lead({{ lower_bound_column }}) over ({% if partition_by %}partition by {{ partition_by }} {% endif %}order by {{ lower_bound_column }}, {{ upper_bound_column }}) as next_lower_bound
    from {{ model }}
)
where not (
    coalesce(lower_bound <{{ '=' if zero_length_range_allowed }} upper_bound, false)
    and coalesce(upper_bound {{ comparison }} next_lower_bound, next_lower_bound is null)
)
{% endtest %}
