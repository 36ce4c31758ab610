-- What winning one new customer cost, per month and channel. A new customer belongs to the channel of the last recorded
-- visit before or at the first order. Visits are recorded for a sample only: customers without one are in the row
-- 'unattributed', and estimated_customers spreads them over the channels as the attributed ones of the month are spread.
--   acquisition_cost = spend on the channel / estimated_customers
--   blended_cost     = all spend of the month / all new customers of the month
with new_customers as (
    select customer_id, first_ordered_at, date_trunc('month', first_ordered_at) as month
    from {{ ref('int_customer_activity') }}
    where orders > 0
),

touches as (
    select new_customers.customer_id, arg_max(visits.channel, (visits.started_at, visits.session_id)) as channel
    from new_customers
    inner join {{ ref('int_sessions') }} as visits
        on visits.customer_id = new_customers.customer_id
        and visits.started_at <= new_customers.first_ordered_at
    where visits.hold_reason is null
    group by new_customers.customer_id
),

won as (
    select
        new_customers.month,
        coalesce(touches.channel, 'unattributed') as channel,
        count(*) as customers
    from new_customers
    left join touches on touches.customer_id = new_customers.customer_id
    group by all
),

estimated as (
    select
        month,
        channel,
        customers,
        sum(customers) over (partition by month) as month_customers,
        case when channel = 'unattributed' then 0 else customers end
            / nullif(sum(customers) filter (where channel <> 'unattributed') over (partition by month), 0) as share
    from won
),

spent as (
    select
        date_trunc('month', spend_date) as month,
        channel,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from {{ ref('int_marketing_spend') }}
    where hold_reason is null
    group by all
),

combined as (
    select
        coalesce(spent.month, estimated.month) as month,
        coalesce(spent.channel, estimated.channel) as channel,
        coalesce(spent.spend, 0) as spend,
        coalesce(spent.impressions, 0) as impressions,
        coalesce(spent.clicks, 0) as clicks,
        coalesce(estimated.customers, 0) as new_customers,
        coalesce(estimated.month_customers * estimated.share, 0) as estimated_customers
    from spent
    full join estimated on estimated.month = spent.month and estimated.channel = spent.channel
)

select
    cast(month as date) as month,
    channel,
    {{ money('spend') }} as spend,
    cast(impressions as bigint) as impressions,
    cast(clicks as bigint) as clicks,
    cast(new_customers as bigint) as new_customers,
    round(estimated_customers, 2) as estimated_customers,
    case when spend > 0 then {{ money('spend / nullif(estimated_customers, 0)') }} end as acquisition_cost,
    {{ money('sum(spend) over by_month / nullif(sum(new_customers) over by_month, 0)') }} as blended_cost
from combined
window by_month as (partition by month)
