-- Every delivered order line, typed.
select
    {{ parse_id('raw.item_id') }} as item_id,
    {{ parse_id('raw.order_id') }} as order_id,
    {{ parse_id('raw.product_id') }} as product_id,
    {{ parse_integer('raw.quantity') }} as quantity,
    {{ parse_money('raw.unit_price') }} as unit_price,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'order_items') }} as raw
anti join {{ quarantined('order_items') }} as bad on bad._file = raw._file and bad._line = raw._line
