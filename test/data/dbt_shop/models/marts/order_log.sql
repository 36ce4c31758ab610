{{ config(materialized='incremental', unique_key='order_id', incremental_strategy='delete+insert') }}
select order_id, state, amount, cast(date_trunc('day', ordered_at) as date) as day
from {{ ref('stg_orders') }}
{% if is_incremental() %}
where ordered_at > (select max(day) from {{ this }})
{% endif %}
