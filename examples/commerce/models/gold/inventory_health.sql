-- What is in stock according to the catalogue, how long it lasts and when to order more:
--   daily demand  = units sold per day over the last demand_window_days
--   safety stock  = safety_z x standard deviation of daily demand x square root of the lead time
--   reorder point = daily demand x lead time + safety stock
-- Where the catalogue states no stock that can be true, on_hand is empty and the status unknown.
with as_of as (
    select {{ as_of_date() }} as date
),

demand_days as (
    select sales.product_key, sales.date_key, sum(sales.quantity) as units
    from {{ ref('fact_sales') }} as sales
    where sales.is_revenue
        and sales.date_key > (select {{ date_key("date - interval " ~ var('demand_window_days') ~ " day") }} from as_of)
    group by sales.product_key, sales.date_key
),

demand as (
    select
        product_key,
        sum(units) / {{ var('demand_window_days') }} as daily_units,
        -- Days without a sale count as zero: E[x^2] - E[x]^2 over the whole window.
        sqrt(greatest(
            sum(units * units) / {{ var('demand_window_days') }} - power(sum(units) / {{ var('demand_window_days') }}, 2), 0
        )) as daily_deviation
    from demand_days
    group by product_key
),

movements as (
    select
        product_id,
        sum(quantity) filter (
            where movement_type = 'purchase'
                and moved_at >= (select date - interval {{ var('demand_window_days') }} day from as_of)
        ) as received_units,
        max(moved_at) as last_moved_at
    from {{ ref('int_inventory_movements') }}
    where hold_reason is null
    group by product_id
),

measured as (
    select
        product.product_key,
        product.name,
        product.category,
        product.supplier,
        product.stock_quantity as on_hand,
        coalesce(movements.received_units, 0) as received_units,
        coalesce(demand.daily_units, 0) as daily_units,
        cast(ceil({{ var('safety_z') }} * coalesce(demand.daily_deviation, 0) * sqrt({{ var('lead_time_days') }})) as bigint)
            as safety_stock,
        product.cost_price,
        movements.last_moved_at
    from {{ ref('dim_product') }} as product
    left join demand on demand.product_key = product.product_key
    left join movements on movements.product_id = product.product_key
),

planned as (
    select *, cast(ceil(daily_units * {{ var('lead_time_days') }}) as bigint) + safety_stock as reorder_point
    from measured
)

select
    product_key,
    name,
    category,
    supplier,
    cast(on_hand as bigint) as on_hand,
    {{ money('on_hand * cost_price') }} as stock_value,
    cast(received_units as bigint) as received_units,
    round(daily_units, 2) as daily_demand,
    round(on_hand / nullif(daily_units, 0), 1) as days_of_cover,
    safety_stock,
    reorder_point,
    case
        when on_hand is null then 'unknown'
        when on_hand = 0 then 'out_of_stock'
        when daily_units = 0 then 'not_selling'
        when on_hand <= reorder_point then 'reorder'
        when on_hand > daily_units * 180 then 'overstock'
        else 'healthy'
    end as stock_status,
    -- Enough for the lead time and one demand window more.
    case
        when daily_units > 0 and on_hand <= reorder_point
            then cast(ceil(reorder_point + daily_units * {{ var('demand_window_days') }} - on_hand) as bigint)
        else 0
    end as suggested_order,
    last_moved_at
from planned
