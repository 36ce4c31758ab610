-- What winning one new customer cost, per month and channel: spend on the channel divided by the customers whose first
-- order came in that month through a visit from that channel. A first order without a known visit counts as
-- 'unattributed'; channels without spend show what came for free. Unattributed customers make every channel look
-- dearer than it is; blended_cost divides all spend of the month by all its new customers.
with visits as (
    select order_id, arg_min(channel, (started_at, session_id)) as channel
    from {{ ref('int_sessions') }}
    where order_id is not null and hold_reason is null
    group by order_id
),

new_customers as (
    select
        cast(date_trunc('month', activity.first_ordered_at) as date) as month,
        coalesce(visits.channel, 'unattributed') as channel,
        count(*) as new_customers
    from {{ ref('int_customer_activity') }} as activity
    left join visits on visits.order_id = activity.first_order_id
    where activity.orders > 0
    group by all
),

spend as (
    select
        cast(date_trunc('month', spend_date) as date) as month,
        channel,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from {{ ref('int_marketing_spend') }}
    where hold_reason is null
    group by all
)

select
    coalesce(spend.month, new_customers.month) as month,
    coalesce(spend.channel, new_customers.channel) as channel,
    {{ money('coalesce(spend.spend, 0)') }} as spend,
    cast(coalesce(spend.impressions, 0) as bigint) as impressions,
    cast(coalesce(spend.clicks, 0) as bigint) as clicks,
    cast(coalesce(new_customers.new_customers, 0) as bigint) as new_customers,
    {{ money('spend.spend / nullif(new_customers.new_customers, 0)') }} as acquisition_cost,
    {{ money('sum(spend.spend) over by_month / nullif(sum(new_customers.new_customers) over by_month, 0)') }} as blended_cost
from spend
full join new_customers on new_customers.month = spend.month and new_customers.channel = spend.channel
window by_month as (partition by coalesce(spend.month, new_customers.month))
