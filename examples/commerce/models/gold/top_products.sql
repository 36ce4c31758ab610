-- The hundred products with the most revenue, over the whole period.
with sales as (
    select
        product_key,
        count(distinct order_id) as orders,
        sum(quantity) as units,
        sum(revenue) as revenue,
        sum(profit) as profit
    from {{ ref('fact_sales') }}
    where is_revenue
    group by product_key
),

ranked as (
    select
        cast(row_number() over (order by sales.revenue desc, sales.product_key) as integer) as rank,
        cast(row_number() over (partition by product.category order by sales.revenue desc, sales.product_key) as integer)
            as rank_in_category,
        {{ rate('sales.revenue', 'sum(sales.revenue) over ()') }} as revenue_share,
        sales.*,
        product.name,
        product.category,
        product.subcategory
    from sales
    inner join {{ ref('dim_product') }} as product on product.product_key = sales.product_key
)

select
    rank,
    product_key,
    name,
    category,
    subcategory,
    cast(orders as bigint) as orders,
    cast(units as bigint) as units,
    {{ money('revenue') }} as revenue,
    {{ money('profit') }} as profit,
    {{ rate('profit', 'revenue') }} as margin_rate,
    revenue_share,
    rank_in_category
from ranked
where rank <= 100
