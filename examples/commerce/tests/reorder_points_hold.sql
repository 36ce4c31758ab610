-- Whatever is at or below its reorder point and sells is marked, with a quantity to order.
select product_key, on_hand, reorder_point, stock_status, suggested_order
from {{ ref('inventory_health') }}
where daily_demand > 0
    and ((on_hand <= reorder_point and (stock_status not in ('reorder', 'out_of_stock') or suggested_order <= 0))
        or (on_hand > reorder_point and suggested_order <> 0))
