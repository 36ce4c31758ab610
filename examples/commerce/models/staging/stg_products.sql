-- Every delivered product record, typed and standardised. A price that cannot be true is left empty.
select
    {{ parse_id('raw.product_id') }} as product_id,
    {{ clean_text('raw.name') }} as name,
    coalesce({{ clean_label('raw.category') }}, 'Unknown') as category,
    coalesce({{ clean_label('raw.subcategory') }}, 'Unknown') as subcategory,
    {{ clean_text('raw.supplier') }} as supplier,
    {{ within(parse_money('raw.price'), 0.01, 100000) }} as price,
    {{ within(parse_money('raw.cost_price'), 0, 100000) }} as cost_price,
    {{ within(parse_integer('raw.stock_quantity'), 0, 10000000) }} as stock_quantity,
    {{ parse_timestamp('raw.created_at') }} as created_at,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'products') }} as raw
anti join {{ quarantined('products') }} as bad on bad._file = raw._file and bad._line = raw._line
