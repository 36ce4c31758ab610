-- Everyone with a sale is a new customer once, has one score, one risk, one value and one cohort.
with counts as (
    select
        (select count(*) from {{ ref('int_customer_activity') }} where orders > 0) as buyers,
        (select sum(new_customers) from {{ ref('daily_revenue') }}) as daily,
        (select sum(new_customers) from {{ ref('customer_acquisition_cost') }}) as acquired,
        (select count(*) from {{ ref('customer_rfm') }}) as scored,
        (select sum(customers) from {{ ref('rfm_segments') }}) as segmented,
        (select count(*) from {{ ref('churn_risk') }}) as judged,
        (select count(*) from {{ ref('customer_lifetime_value') }}) as valued,
        (select sum(cohort_customers) from {{ ref('cohort_retention') }} where months_since_first = 0) as in_cohorts
)

select *
from counts
where buyers is distinct from daily
    or buyers is distinct from acquired
    or buyers is distinct from scored
    or buyers is distinct from segmented
    or buyers is distinct from judged
    or buyers is distinct from valued
    or buyers is distinct from in_cohorts
