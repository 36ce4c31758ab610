-- One row per order record with the version of the customer that was valid then. Records that repeat an order and
-- orders whose customer is not known are held: they stay here with the reason and go no further.
with copies as (
    {{ number_copies(ref('stg_orders'), 'order_id') }}
)

select
    copies.order_id,
    copies.customer_id,
    customer.customer_key,
    copies.ordered_at,
    {{ date_key('copies.ordered_at') }} as date_key,
    copies.status,
    {{ is_revenue('copies.status') }} as is_revenue,
    copies.channel,
    copies.payment_method,
    copies.coupon_code,
    coalesce(customer.country_code, 'ZZ') as country_code,
    copies.total_amount,
    case
        when copies.copy_number > 1 then 'duplicate'
        when customer.customer_key is null then 'unknown_customer'
    end as hold_reason,
    copies._file,
    copies._line,
    copies._arrived_on
from copies
left join {{ ref('int_customer_versions') }} as customer
    on customer.customer_id = copies.customer_id
    and customer.hold_reason is null
    and copies.ordered_at < customer.valid_to
    and (copies.ordered_at >= customer.valid_from or customer.version_number = 1)
