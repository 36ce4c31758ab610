-- Products bought together, among the most ordered products:
--   support    = orders with both / all orders
--   confidence = orders with both / orders with the first: how often the second comes along
--   lift       = confidence / share of all orders that have the second: above 1 means more often than by chance
-- Pairs of fewer than three orders prove nothing, pairs with a lift below 1 avoid each other: neither is listed.
with sold as (
    select product_key, count(*) as lines
    from {{ ref('fact_sales') }}
    where is_revenue
    group by product_key
),

popular as (
    select product_key
    from sold
    order by lines desc, product_key
    limit {{ var('basket_products') }}
),

baskets as (
    select distinct order_id, product_key
    from {{ ref('fact_sales') }}
    where is_revenue and product_key in (select product_key from popular)
),

product_orders as (
    select product_key, count(*) as orders
    from baskets
    group by product_key
),

pairs as (
    select first.product_key as first_key, second.product_key as second_key, count(*) as orders_together
    from baskets as first
    inner join baskets as second on second.order_id = first.order_id and first.product_key < second.product_key
    group by first.product_key, second.product_key
),

both_ways as (
    select first_key as product_key, second_key as recommended_product_key, orders_together from pairs
    union all
    select second_key, first_key, orders_together from pairs
),

measured as (
    select
        both_ways.*,
        both_ways.orders_together / totals.orders as support,
        both_ways.orders_together / this_product.orders as confidence,
        both_ways.orders_together / this_product.orders / (other_product.orders / totals.orders) as lift
    from both_ways
    inner join product_orders as this_product on this_product.product_key = both_ways.product_key
    inner join product_orders as other_product on other_product.product_key = both_ways.recommended_product_key
    cross join (select count(*) as orders from {{ ref('fact_orders') }} where is_revenue and line_count > 0) as totals
),

ranked as (
    select
        *,
        row_number() over (
            partition by product_key order by lift desc, orders_together desc, recommended_product_key
        ) as rank
    from measured
    where orders_together >= 3 and lift >= 1
)

select
    ranked.product_key,
    product.name as product,
    cast(ranked.rank as integer) as rank,
    ranked.recommended_product_key,
    recommended.name as recommended_product,
    cast(ranked.orders_together as bigint) as orders_together,
    round(ranked.support, 6) as support,
    round(ranked.confidence, 4) as confidence,
    round(ranked.lift, 3) as lift
from ranked
inner join {{ ref('dim_product') }} as product on product.product_key = ranked.product_key
inner join {{ ref('dim_product') }} as recommended on recommended.product_key = ranked.recommended_product_key
where ranked.rank <= 5
