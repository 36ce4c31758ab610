-- Sales per day, every day of the period, also those without an order.
with orders as (
    select
        cast(ordered_at as date) as date,
        count(*) filter (where is_revenue) as orders,
        count(distinct customer_id) filter (where is_revenue) as customers,
        sum(units) filter (where is_revenue) as units,
        sum(revenue) as revenue,
        sum(cost) as cost,
        sum(profit) as profit,
        sum(gross_amount) filter (where status in ('cancelled', 'returned', 'refunded')) as lost_amount
    from {{ ref('fact_orders') }}
    group by cast(ordered_at as date)
),

new_customers as (
    select cast(first_ordered_at as date) as date, count(*) as new_customers
    from {{ ref('int_customer_activity') }}
    where orders > 0
    group by cast(first_ordered_at as date)
),

days as (
    select date, date_key
    from {{ ref('dim_date') }}
    where date between (select min(date) from orders) and (select max(date) from orders)
)

select
    days.date,
    days.date_key,
    cast(coalesce(orders.orders, 0) as bigint) as orders,
    cast(coalesce(orders.customers, 0) as bigint) as customers,
    cast(coalesce(new_customers.new_customers, 0) as bigint) as new_customers,
    cast(coalesce(orders.units, 0) as bigint) as units,
    {{ money('coalesce(orders.revenue, 0)') }} as revenue,
    {{ money('coalesce(orders.cost, 0)') }} as cost,
    {{ money('coalesce(orders.profit, 0)') }} as profit,
    {{ rate('orders.profit', 'orders.revenue') }} as margin_rate,
    {{ money('orders.revenue / nullif(orders.orders, 0)') }} as average_order_value,
    {{ money('coalesce(orders.lost_amount, 0)') }} as lost_amount,
    {{ money('avg(coalesce(orders.revenue, 0)) over (order by days.date rows between 6 preceding and current row)') }}
        as revenue_7_day_average
from days
left join orders on orders.date = days.date
left join new_customers on new_customers.date = days.date
