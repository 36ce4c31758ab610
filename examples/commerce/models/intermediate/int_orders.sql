-- One row per order record with the version of the customer that was valid then. Records that repeat an order and
-- orders whose customer is not known are held: they stay here with the reason and go no further.
with copies as (
    {{ number_copies(ref('stg_orders'), 'order_id') }}
),

customers as (
    select
        customer_id,
        customer_key,
        country_code,
        -- An order from before the account was opened belongs to the first version.
        case when version_number = 1 then timestamp '1900-01-01 00:00:00' else valid_from end as first_moment,
        valid_to
    from {{ ref('int_customer_versions') }}
    where hold_reason is null
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
left join customers as customer
    on customer.customer_id = copies.customer_id
    and copies.ordered_at >= customer.first_moment
    and copies.ordered_at < customer.valid_to
