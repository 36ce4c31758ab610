{#- One row per buyer. -#}
with orders as (
    select buyer_id, count(*) as orders, sum(amount) as amount, max(ordered_at) as last_at
    from {{ ref('paid_orders') }}
    group by buyer_id
)

select
    b.buyer_id,
    b.name,
    coalesce(o.orders, 0) as orders,
    o.amount,
    {% for percent in [var('fee_percent'), 10] -%}
    round(o.amount * {{ percent }} / 100, 2) as fee_{{ percent }},
    {% endfor -%}
    {{ dbt.datediff('b.joined', 'o.last_at', 'day') }} as days
from {{ ref('stg_buyers') }} as b
left join orders as o on o.buyer_id = b.buyer_id
