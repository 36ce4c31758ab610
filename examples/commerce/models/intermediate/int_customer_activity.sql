-- What each customer has bought so far, over all versions of the customer; only orders that are sales count.
select
    customer.customer_id,
    cast(count(orders.order_id) as bigint) as orders,
    {{ money('coalesce(sum(orders.revenue), 0)') }} as revenue,
    {{ money('coalesce(sum(orders.profit), 0)') }} as profit,
    min(orders.ordered_at) as first_ordered_at,
    max(orders.ordered_at) as last_ordered_at,
    arg_min(orders.order_id, (orders.ordered_at, orders.order_id)) as first_order_id,
    cast(date_diff('day', cast(max(orders.ordered_at) as date), {{ as_of_date() }}) as integer) as recency_days,
    -- The customer's own rhythm; needs two orders.
    round(
        date_diff('hour', min(orders.ordered_at), max(orders.ordered_at)) / 24.0 / nullif(count(orders.order_id) - 1, 0), 2
    ) as days_between_orders
from {{ ref('int_customer_versions') }} as customer
left join {{ ref('fact_orders') }} as orders
    on orders.customer_id = customer.customer_id and orders.is_revenue
where customer.is_current
group by customer.customer_id
