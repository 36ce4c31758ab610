-- What each campaign cost on each day.
select
    {{ parse_id('raw.spend_id') }} as spend_id,
    {{ parse_date('raw.date') }} as spend_date,
    coalesce(channel.channel, 'unknown') as channel,
    {{ clean_label('raw.campaign') }} as campaign,
    {{ parse_money('raw.spend') }} as spend,
    {{ parse_id('raw.impressions') }} as impressions,
    {{ parse_id('raw.clicks') }} as clicks,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'marketing_spend') }} as raw
anti join {{ quarantined('marketing_spend') }} as bad on bad._file = raw._file and bad._line = raw._line
left join {{ ref('channel_map') }} as channel on channel.raw_channel = {{ code_of('raw.channel') }}
