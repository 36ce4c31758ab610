-- Sales per month and country. An order belongs to the country where the customer lived when ordering.
select
    cast(date_trunc('month', orders.ordered_at) as date) as month,
    orders.country_code,
    coalesce(any_value(country.country_name), 'Unknown') as country,
    coalesce(any_value(country.region), 'Unknown') as region,
    cast(count(*) as bigint) as orders,
    cast(count(distinct orders.customer_id) as bigint) as customers,
    {{ money('sum(orders.revenue)') }} as revenue,
    {{ money('sum(orders.profit)') }} as profit,
    {{ money('sum(orders.revenue) / count(*)') }} as average_order_value,
    {{ rate('sum(orders.revenue)', "sum(sum(orders.revenue)) over (partition by cast(date_trunc('month', orders.ordered_at) as date))") }}
        as revenue_share
from {{ ref('fact_orders') }} as orders
left join (select distinct country_code, country_name, region from {{ ref('country_aliases') }}) as country
    on country.country_code = orders.country_code
where orders.is_revenue
group by cast(date_trunc('month', orders.ordered_at) as date), orders.country_code
