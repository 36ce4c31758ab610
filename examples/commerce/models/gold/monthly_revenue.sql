-- Sales per calendar month with growth against the month before and the same month a year ago. The last month is
-- complete only when the data reaches its end.
with active as (
    select date_trunc('month', ordered_at) as month, count(distinct customer_id) as customers
    from {{ ref('fact_orders') }}
    where is_revenue
    group by date_trunc('month', ordered_at)
),

months as (
    select
        cast(date_trunc('month', date) as date) as month,
        sum(orders) as orders,
        sum(new_customers) as new_customers,
        sum(units) as units,
        sum(revenue) as revenue,
        sum(cost) as cost,
        sum(profit) as profit,
        sum(lost_amount) as lost_amount,
        max(date) = last_day(max(date)) as is_complete
    from {{ ref('daily_revenue') }}
    group by cast(date_trunc('month', date) as date)
)

select
    months.month,
    cast(months.orders as bigint) as orders,
    cast(coalesce(active.customers, 0) as bigint) as customers,
    cast(months.new_customers as bigint) as new_customers,
    cast(months.units as bigint) as units,
    {{ money('months.revenue') }} as revenue,
    {{ money('months.cost') }} as cost,
    {{ money('months.profit') }} as profit,
    {{ rate('months.profit', 'months.revenue') }} as margin_rate,
    {{ money('months.revenue / nullif(months.orders, 0)') }} as average_order_value,
    {{ money('months.lost_amount') }} as lost_amount,
    {{ rate('months.revenue - before.revenue', 'before.revenue') }} as growth_rate,
    {{ rate('months.revenue - year_ago.revenue', 'year_ago.revenue') }} as growth_rate_year,
    months.is_complete
from months
left join active on active.month = months.month
left join months as before on before.month = months.month - interval 1 month
left join months as year_ago on year_ago.month = months.month - interval 1 year
