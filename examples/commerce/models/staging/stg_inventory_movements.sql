-- Every stock movement; Parquet brings its types along. Quantity is signed: what comes in is positive.
select
    cast(raw.movement_id as bigint) as movement_id,
    cast(raw.product_id as bigint) as product_id,
    coalesce(upper({{ clean_code('raw.warehouse') }}), 'UNKNOWN') as warehouse,
    {{ clean_code('raw.movement_type') }} as movement_type,
    cast(raw.quantity as integer) as quantity,
    {{ within(money('raw.unit_cost'), 0, 100000) }} as unit_cost,
    cast(raw.moved_at as timestamp) as moved_at,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'inventory_movements') }} as raw
anti join {{ quarantined('inventory_movements') }} as bad on bad._file = raw._file and bad._line = raw._line
