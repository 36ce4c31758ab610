-- One row per order. Amounts come from its lines; stated_total is what the shop's system wrote on the order.
with lines as (
    select
        order_id,
        count(*) as line_count,
        sum(quantity) as units,
        sum(gross_amount) as gross_amount,
        sum(cost) as cost
    from {{ ref('fact_sales') }}
    group by order_id
)

select
    orders.order_id,
    orders.date_key,
    orders.customer_key,
    orders.customer_id,
    orders.ordered_at,
    orders.status,
    orders.is_revenue,
    orders.channel,
    orders.payment_method,
    orders.coupon_code,
    orders.country_code,
    cast(coalesce(lines.line_count, 0) as bigint) as line_count,
    cast(coalesce(lines.units, 0) as bigint) as units,
    {{ money('coalesce(lines.gross_amount, 0)') }} as gross_amount,
    {{ money('case when orders.is_revenue then coalesce(lines.gross_amount, 0) else 0 end') }} as revenue,
    {{ money('coalesce(lines.cost, 0)') }} as cost,
    {{ money('case when orders.is_revenue then coalesce(lines.gross_amount - lines.cost, 0) else 0 end') }} as profit,
    orders.total_amount as stated_total
from {{ ref('int_orders') }} as orders
left join lines on lines.order_id = orders.order_id
where orders.hold_reason is null
