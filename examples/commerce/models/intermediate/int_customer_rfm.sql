-- Recency, frequency and monetary scores from 1 to 5 by the quintiles of the customers who have bought. Cut points
-- instead of ntile(): customers with equal values get equal scores, whatever order the rows come in.
with cuts as (
    select
        quantile_disc(recency_days, [0.2, 0.4, 0.6, 0.8]) as recency,
        quantile_disc(orders, [0.2, 0.4, 0.6, 0.8]) as frequency,
        quantile_disc(revenue, [0.2, 0.4, 0.6, 0.8]) as monetary
    from {{ ref('int_customer_activity') }}
    where orders > 0
),

scored as (
    select
        activity.customer_id,
        activity.recency_days,
        activity.orders,
        activity.revenue,
        5 - cast(len(list_filter(cuts.recency, lambda cut: activity.recency_days > cut)) as integer) as recency_score,
        1 + cast(len(list_filter(cuts.frequency, lambda cut: activity.orders > cut)) as integer) as frequency_score,
        1 + cast(len(list_filter(cuts.monetary, lambda cut: activity.revenue > cut)) as integer) as monetary_score
    from {{ ref('int_customer_activity') }} as activity
    cross join cuts
    where activity.orders > 0
)

select
    *,
    case
        when recency_score >= 4 and frequency_score >= 4 and monetary_score >= 4 then 'Champions'
        when recency_score >= 3 and frequency_score >= 4 then 'Loyal'
        when recency_score >= 4 and orders = 1 then 'New'
        when recency_score >= 4 then 'Potential Loyalists'
        when recency_score = 3 then 'Needs Attention'
        when frequency_score >= 4 and monetary_score >= 4 and recency_score = 1 then 'Cannot Lose'
        when frequency_score >= 3 or monetary_score >= 4 then 'At Risk'
        when recency_score = 2 then 'Hibernating'
        else 'Lost'
    end as segment
from scored
