-- One row per visit; a repeated record is held. A customer or order that is not known is cleared, the visit stays.
with copies as (
    {{ number_copies(ref('stg_sessions'), 'session_id') }}
)

select
    copies.session_id,
    customer.customer_id,
    copies.started_at,
    cast(copies.started_at as date) as session_date,
    copies.device,
    copies.channel,
    copies.landing_page,
    orders.order_id,
    case when copies.copy_number > 1 then 'duplicate' end as hold_reason,
    copies._file,
    copies._line,
    copies._arrived_on
from copies
left join {{ ref('int_customer_versions') }} as customer
    on customer.customer_id = copies.customer_id and customer.is_current
left join {{ ref('int_orders') }} as orders on orders.order_id = copies.order_id and orders.hold_reason is null
