-- One row per stock movement; repeats and movements of unknown products are held with the reason.
with copies as (
    {{ number_copies(ref('stg_inventory_movements'), 'movement_id') }}
)

select
    copies.* exclude (copy_number, _file, _line, _arrived_on),
    case
        when copies.copy_number > 1 then 'duplicate'
        when product.product_id is null then 'unknown_product'
    end as hold_reason,
    copies._file,
    copies._line,
    copies._arrived_on
from copies
left join {{ ref('int_products') }} as product on product.product_id = copies.product_id and product.hold_reason is null
