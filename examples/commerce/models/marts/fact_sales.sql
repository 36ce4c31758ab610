-- One row per order line. Revenue, cost and profit are zero while the order is no sale (pending) and when it stopped
-- being one (cancelled, returned), so that a plain sum is always right; gross_amount is what was asked for.
select
    item_id as sales_key,
    order_id,
    date_key,
    customer_key,
    product_id as product_key,
    is_revenue,
    quantity,
    unit_price,
    {{ money('quantity * unit_price') }} as gross_amount,
    {{ money('case when is_revenue then quantity * unit_price else 0 end') }} as revenue,
    {{ money('case when is_revenue then quantity * unit_cost else 0 end') }} as cost,
    {{ money('case when is_revenue then quantity * (unit_price - unit_cost) else 0 end') }} as profit
from {{ ref('int_order_items') }}
where hold_reason is null
