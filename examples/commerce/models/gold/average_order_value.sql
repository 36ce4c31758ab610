-- What a customer spends per order, by month and sales channel.
select
    cast(date_trunc('month', ordered_at) as date) as month,
    channel,
    cast(count(*) as bigint) as orders,
    {{ money('sum(revenue)') }} as revenue,
    {{ money('sum(revenue) / count(*)') }} as average_order_value,
    {{ money('median(revenue)') }} as median_order_value,
    round(sum(units) / count(*), 2) as units_per_order,
    {{ rate('count(coupon_code)', 'count(*)') }} as coupon_rate
from {{ ref('fact_orders') }}
where is_revenue
group by cast(date_trunc('month', ordered_at) as date), channel
