-- The hundred products with the most revenue, over the whole period.
with sales as (
    select product_key, sum(quantity) as units, sum(revenue) as revenue, sum(profit) as profit
    from {{ ref('fact_sales') }}
    where is_revenue
    group by product_key
),

ranked as (
    select
        sales.*,
        row_number() over (order by sales.revenue desc, sales.product_key) as rank,
        row_number() over (partition by product.category order by sales.revenue desc, sales.product_key) as rank_in_category,
        {{ rate('sales.revenue', 'sum(sales.revenue) over ()') }} as revenue_share,
        product.name,
        product.category,
        product.subcategory
    from sales
    inner join {{ ref('dim_product') }} as product on product.product_key = sales.product_key
),

top as (
    select * from ranked where rank <= 100
),

-- Distinct orders are dear to count: only for the products that are shown.
orders as (
    select product_key, count(distinct order_id) as orders
    from {{ ref('fact_sales') }}
    where is_revenue and product_key in (select product_key from top)
    group by product_key
)

select
    cast(top.rank as integer) as rank,
    top.product_key,
    top.name,
    top.category,
    top.subcategory,
    cast(orders.orders as bigint) as orders,
    cast(top.units as bigint) as units,
    {{ money('top.revenue') }} as revenue,
    {{ money('top.profit') }} as profit,
    {{ rate('top.profit', 'top.revenue') }} as margin_rate,
    top.revenue_share,
    cast(top.rank_in_category as integer) as rank_in_category
from top
inner join orders on orders.product_key = top.product_key
