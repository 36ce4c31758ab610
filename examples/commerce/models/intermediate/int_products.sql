-- One row per product, the last delivered record. A missing price or cost is estimated from the category's usual margin.
with copies as (
    {{ number_copies(ref('stg_products'), 'product_id', '_arrived_on desc, _file desc, _line desc') }}
),

margins as (
    select category, median(cost_price / price) as cost_ratio, median(price) as usual_price
    from copies
    where copy_number = 1 and price > 0 and cost_price >= 0
    group by category
)

select
    copies.product_id,
    copies.name,
    copies.category,
    copies.subcategory,
    copies.supplier,
    {{ money('coalesce(copies.price, copies.cost_price / margins.cost_ratio, margins.usual_price)') }} as price,
    {{ money('coalesce(copies.cost_price, copies.price * margins.cost_ratio, margins.usual_price * margins.cost_ratio)') }}
        as cost_price,
    copies.price is null or copies.cost_price is null as is_estimated,
    copies.stock_quantity,
    copies.created_at,
    case when copies.copy_number > 1 then 'duplicate' end as hold_reason,
    copies._file,
    copies._line,
    copies._arrived_on
from copies
left join margins on margins.category = copies.category
