{% snapshot order_states %}
{{ config(target_schema='history', unique_key='order_id', strategy='check', check_cols=['state']) }}
select order_id, state from {{ ref('stg_orders') }}
{% endsnapshot %}
