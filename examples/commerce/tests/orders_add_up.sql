-- Orders, customers and units say the same in every table.
with counts as (
    select
        (select count(*) from {{ ref('fact_orders') }} where is_revenue) as orders,
        (select sum(orders) from {{ ref('daily_revenue') }}) as daily_orders,
        (select sum(orders) from {{ ref('monthly_revenue') }}) as monthly_orders,
        (select sum(orders) from {{ ref('revenue_by_country') }}) as country_orders,
        (select sum(orders) from {{ ref('average_order_value') }}) as channel_orders,
        (select sum(quantity) from {{ ref('fact_sales') }} where is_revenue) as units,
        (select sum(units) from {{ ref('daily_revenue') }}) as daily_units,
        (select sum(units) from {{ ref('revenue_by_category') }}) as category_units
)

select *
from counts
where orders is distinct from daily_orders
    or orders is distinct from monthly_orders
    or orders is distinct from country_orders
    or orders is distinct from channel_orders
    or units is distinct from daily_units
    or units is distinct from category_units
