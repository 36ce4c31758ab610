-- Sales per month, category and subcategory.
with sales as (
    -- Days and products first: the months and names then meet thousands of rows, not millions.
    select
        date_key // 100 as month_key,
        product_key,
        sum(quantity) as units,
        sum(revenue) as revenue,
        sum(cost) as cost,
        sum(profit) as profit
    from {{ ref('fact_sales') }}
    where is_revenue
    group by date_key // 100, product_key
)

select
    make_date(sales.month_key // 100, sales.month_key % 100, 1) as month,
    product.category,
    product.subcategory,
    cast(sum(sales.units) as bigint) as units,
    {{ money('sum(sales.revenue)') }} as revenue,
    {{ money('sum(sales.cost)') }} as cost,
    {{ money('sum(sales.profit)') }} as profit,
    {{ rate('sum(sales.profit)', 'sum(sales.revenue)') }} as margin_rate,
    {{ rate('sum(sales.revenue)', 'sum(sum(sales.revenue)) over (partition by sales.month_key)') }} as revenue_share
from sales
inner join {{ ref('dim_product') }} as product on product.product_key = sales.product_key
group by sales.month_key, product.category, product.subcategory
