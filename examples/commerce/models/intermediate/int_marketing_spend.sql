-- One row per campaign and day; repeats are held with the reason.
with copies as (
    {{ number_copies(ref('stg_marketing_spend'), 'spend_id') }}
)

select
    * exclude (copy_number, _file, _line, _arrived_on),
    case when copy_number > 1 then 'duplicate' end as hold_reason,
    _file,
    _line,
    _arrived_on
from copies
