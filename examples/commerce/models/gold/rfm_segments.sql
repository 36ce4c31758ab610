-- How many customers each segment has, what they are worth and what to do about them.
with actions as (
    select * from (values
        ('Champions', 'Reward; ask for reviews and referrals'),
        ('Loyal', 'Upsell; loyalty programme'),
        ('Potential Loyalists', 'Membership; recommend related products'),
        ('New', 'Welcome series; help with the second order'),
        ('Needs Attention', 'Limited offers on what they bought'),
        ('At Risk', 'Personal win-back offer'),
        ('Cannot Lose', 'Call or visit; find out why they left'),
        ('Hibernating', 'Occasional reminder'),
        ('Lost', 'Leave alone, or one last offer')
    ) as actions (segment, action)
)

select
    rfm.segment,
    any_value(actions.action) as action,
    cast(count(*) as bigint) as customers,
    {{ rate('count(*)', 'sum(count(*)) over ()') }} as customer_share,
    {{ money('sum(rfm.monetary)') }} as revenue,
    {{ rate('sum(rfm.monetary)', 'sum(sum(rfm.monetary)) over ()') }} as revenue_share,
    round(avg(rfm.recency_days), 1) as average_recency_days,
    round(avg(rfm.frequency), 2) as average_orders,
    {{ money('avg(rfm.monetary)') }} as average_revenue
from {{ ref('customer_rfm') }} as rfm
left join actions on actions.segment = rfm.segment
group by rfm.segment
