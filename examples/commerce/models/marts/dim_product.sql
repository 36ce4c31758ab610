-- Every product as it is now.
select
    product_id as product_key,
    product_id,
    name,
    category,
    subcategory,
    supplier,
    price,
    cost_price,
    {{ rate('price - cost_price', 'price') }} as margin_rate,
    is_estimated,
    stock_quantity,
    created_at
from {{ ref('int_products') }}
where hold_reason is null
