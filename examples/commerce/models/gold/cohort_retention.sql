-- Of the customers who first bought in a month, how many bought again n months later. Only months that the data
-- reaches appear; a cohort month without any buyer shows zero.
with purchases as (
    select
        customer_id,
        date_trunc('month', ordered_at) as month,
        sum(revenue) as revenue
    from {{ ref('fact_orders') }}
    where is_revenue
    group by customer_id, date_trunc('month', ordered_at)
),

cohorts as (
    select customer_id, date_trunc('month', first_ordered_at) as cohort_month
    from {{ ref('int_customer_activity') }}
    where orders > 0
),

sizes as (
    select cohort_month, count(*) as customers
    from cohorts
    group by cohort_month
),

activity as (
    select
        cohorts.cohort_month,
        date_diff('month', cohorts.cohort_month, purchases.month) as months_since_first,
        count(*) as active_customers,
        sum(purchases.revenue) as revenue
    from purchases
    inner join cohorts on cohorts.customer_id = purchases.customer_id
    group by all
),

grid as (
    select
        cohort_month,
        customers,
        unnest(generate_series(0, date_diff('month', cohort_month, (select max(month) from purchases)))) as months_since_first
    from sizes
)

select
    cast(grid.cohort_month as date) as cohort_month,
    cast(grid.months_since_first as integer) as months_since_first,
    cast(grid.customers as bigint) as cohort_customers,
    cast(coalesce(activity.active_customers, 0) as bigint) as active_customers,
    {{ rate('coalesce(activity.active_customers, 0)', 'grid.customers') }} as retention_rate,
    {{ money('coalesce(activity.revenue, 0)') }} as revenue
from grid
left join activity
    on activity.cohort_month = grid.cohort_month and activity.months_since_first = grid.months_since_first
