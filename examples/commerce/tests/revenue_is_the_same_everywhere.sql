-- The same revenue, cut by month, category, country, channel and segment.
with totals as (
    select 'fact_orders' as source, sum(revenue) as revenue from {{ ref('fact_orders') }}
    union all
    select 'daily_revenue', sum(revenue) from {{ ref('daily_revenue') }}
    union all
    select 'monthly_revenue', sum(revenue) from {{ ref('monthly_revenue') }}
    union all
    select 'revenue_by_category', sum(revenue) from {{ ref('revenue_by_category') }}
    union all
    select 'revenue_by_country', sum(revenue) from {{ ref('revenue_by_country') }}
    union all
    select 'average_order_value', sum(revenue) from {{ ref('average_order_value') }}
    union all
    select 'rfm_segments', sum(revenue) from {{ ref('rfm_segments') }}
    union all
    select 'customer_lifetime_value', sum(historic_value) from {{ ref('customer_lifetime_value') }}
    union all
    select 'cohort_retention', sum(revenue) from {{ ref('cohort_retention') }}
    union all
    select 'dim_customer', sum(lifetime_value) from {{ ref('dim_customer') }} where is_current
)

select *
from totals
where revenue is distinct from (select sum(revenue) from {{ ref('fact_sales') }})
