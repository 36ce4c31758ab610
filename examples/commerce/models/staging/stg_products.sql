-- Every delivered product record, typed and standardised.
select
    {{ parse_id('raw.product_id') }} as product_id,
    {{ clean_text('raw.name') }} as name,
    coalesce({{ clean_name('raw.category') }}, 'Unknown') as category,
    coalesce({{ clean_name('raw.subcategory') }}, 'Unknown') as subcategory,
    {{ clean_text('raw.supplier') }} as supplier,
    {{ parse_money('raw.price') }} as price,
    {{ parse_money('raw.cost_price') }} as cost_price,
    {{ parse_integer('raw.stock_quantity') }} as stock_quantity,
    {{ parse_timestamp('raw.created_at') }} as created_at,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'products') }} as raw
anti join {{ quarantined('products') }} as bad on bad._file = raw._file and bad._line = raw._line
