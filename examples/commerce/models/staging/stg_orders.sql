-- Every delivered order record, typed and standardised. The column channel was renamed to sales_channel half-way. The
-- shipping address stays in bronze: nothing here needs it, and personal data is best kept in few places.
select
    {{ parse_id('raw.order_id') }} as order_id,
    {{ parse_id('raw.customer_id') }} as customer_id,
    {{ parse_timestamp('raw.order_date') }} as ordered_at,
    coalesce({{ clean_code('raw.status') }}, 'unknown') as status,
    {{ within(parse_money('raw.total_amount'), 0, 1000000) }} as total_amount,
    coalesce({{ clean_code('raw.payment_method') }}, 'unknown') as payment_method,
    coalesce(channel.channel, 'unknown') as channel,
    upper({{ clean_text('raw.coupon_code') }}) as coupon_code,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'orders') }} as raw
anti join {{ quarantined('orders') }} as bad on bad._file = raw._file and bad._line = raw._line
left join {{ ref('channel_map') }} as channel
    on channel.raw_channel = coalesce({{ code_of('raw.sales_channel') }}, {{ code_of('raw.channel') }})
