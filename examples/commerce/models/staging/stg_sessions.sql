-- Every visit. The events stay JSON text here; int_session_events gives each its own row.
select
    nullif(trim(raw.session_id), '') as session_id,
    {{ parse_id('raw.customer_id') }} as customer_id,
    {{ parse_timestamp('raw.started_at') }} as started_at,
    coalesce({{ clean_code('raw.device') }}, 'unknown') as device,
    coalesce(channel.channel, 'unknown') as channel,
    {{ clean_text('raw.landing_page') }} as landing_page,
    raw.events,
    {{ parse_id('raw.order_id') }} as order_id,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'sessions') }} as raw
anti join {{ quarantined('sessions') }} as bad on bad._file = raw._file and bad._line = raw._line
left join {{ ref('channel_map') }} as channel on channel.raw_channel = {{ code_of('raw.channel') }}
