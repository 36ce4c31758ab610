-- How likely each buyer is gone. The measure is silence in units of the customer's own rhythm: days since the last
-- order divided by the expected days between orders. Few orders say little about a rhythm, so one interval of the shop's
-- median is averaged in: it is all there is after one order, and hardly counts after ten.
with rhythm as (
    select greatest(median(days_between_orders), 1) as usual_days
    from {{ ref('int_customer_activity') }}
    where orders >= 2 and days_between_orders >= 1
),

measured as (
    select
        activity.customer_id,
        cast(activity.last_ordered_at as date) as last_order_date,
        activity.orders,
        activity.revenue as lifetime_value,
        activity.recency_days,
        greatest(round(
            (coalesce(activity.days_between_orders, 0) * (activity.orders - 1) + coalesce(rhythm.usual_days, 90))
                / activity.orders,
            1
        ), 1) as expected_days_between_orders
    from {{ ref('int_customer_activity') }} as activity
    cross join rhythm
    where activity.orders > 0
)

select
    *,
    round(recency_days / expected_days_between_orders, 2) as silence_ratio,
    case
        when recency_days <= expected_days_between_orders then 'low'
        when recency_days <= 2 * expected_days_between_orders then 'medium'
        when recency_days <= 4 * expected_days_between_orders then 'high'
        else 'churned'
    end as churn_risk
from measured
