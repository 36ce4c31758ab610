-- What each buyer has brought and is likely to bring over the next clv_horizon_days (365):
--   predicted_value = average profit per order x expected orders x probability of being still a customer
--   expected orders = horizon / expected days between orders (see churn_risk)
--   probability     = 1 while silent for at most one usual interval, then halved for every further interval
-- historic_value is revenue so far; predicted_value and total_value are profit, which is what may be spent on keeping them.
select
    activity.customer_id,
    activity.orders,
    activity.revenue as historic_value,
    activity.profit as historic_profit,
    {{ money('activity.revenue / activity.orders') }} as average_order_value,
    round({{ var('clv_horizon_days') }} / greatest(churn.expected_days_between_orders, 1), 2) as expected_orders,
    round(power(0.5, greatest(churn.silence_ratio - 1, 0)), 4) as probability_active,
    {{ money('greatest(activity.profit, 0) / activity.orders'
        ~ ' * ' ~ var('clv_horizon_days') ~ ' / greatest(churn.expected_days_between_orders, 1)'
        ~ ' * power(0.5, greatest(churn.silence_ratio - 1, 0))') }} as predicted_value,
    {{ money('activity.profit + cast(greatest(activity.profit, 0) / activity.orders'
        ~ ' * ' ~ var('clv_horizon_days') ~ ' / greatest(churn.expected_days_between_orders, 1)'
        ~ ' * power(0.5, greatest(churn.silence_ratio - 1, 0)) as decimal(18, 2))') }} as total_value
from {{ ref('int_customer_activity') }} as activity
inner join {{ ref('churn_risk') }} as churn on churn.customer_id = activity.customer_id
