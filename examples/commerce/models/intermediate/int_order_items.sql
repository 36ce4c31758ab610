-- One row per order line with what the order and the product say about it. Lines that repeat another, whose order or
-- product is not known, are held with the reason.
with copies as (
    {{ number_copies(ref('stg_order_items'), 'item_id') }}
)

select
    copies.item_id,
    copies.order_id,
    copies.product_id,
    orders.customer_key,
    orders.date_key,
    coalesce(orders.is_revenue, false) as is_revenue,
    copies.quantity,
    copies.unit_price,
    product.cost_price as unit_cost,
    case
        when copies.copy_number > 1 then 'duplicate'
        when orders.order_id is null then 'unknown_order'
        when product.product_id is null then 'unknown_product'
    end as hold_reason,
    copies._file,
    copies._line,
    copies._arrived_on
from copies
left join {{ ref('int_orders') }} as orders on orders.order_id = copies.order_id and orders.hold_reason is null
left join {{ ref('int_products') }} as product on product.product_id = copies.product_id and product.hold_reason is null
