-- Every day from the first year with orders to the end of the last.
with bounds as (
    select
        date_trunc('year', min(ordered_at)) as first_day,
        date_trunc('year', max(ordered_at)) + interval 1 year - interval 1 day as last_day
    from {{ ref('int_orders') }}
    where hold_reason is null
),

days as (
    select cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as date
    from bounds
)

select
    {{ date_key('date') }} as date_key,
    date,
    cast(year(date) as integer) as year,
    cast(quarter(date) as integer) as quarter,
    cast(month(date) as integer) as month,
    monthname(date) as month_name,
    cast(date_trunc('month', date) as date) as first_of_month,
    cast(weekofyear(date) as integer) as iso_week,
    cast(isodow(date) as integer) as day_of_week,
    dayname(date) as day_name,
    isodow(date) >= 6 as is_weekend
from days
