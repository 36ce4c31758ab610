-- Days whose revenue is far from what the four weeks before and the weekday let expect. Median and median absolute
-- deviation instead of mean and standard deviation: one odd day must not hide the next.
with weekdays as (
    select
        dayofweek(date) as weekday,
        avg(revenue) / nullif((select avg(revenue) from {{ ref('daily_revenue') }}), 0) as factor
    from {{ ref('daily_revenue') }}
    group by dayofweek(date)
),

levelled as (
    select daily.date, daily.revenue, weekdays.factor, daily.revenue / nullif(weekdays.factor, 0) as level
    from {{ ref('daily_revenue') }} as daily
    inner join weekdays on weekdays.weekday = dayofweek(daily.date)
),

compared as (
    select
        date,
        revenue,
        factor,
        level,
        count(level) over before as days_before,
        median(level) over before as usual_level,
        mad(level) over before as deviation
    from levelled
    window before as (order by date rows between 28 preceding and 1 preceding)
),

scored as (
    select
        date,
        revenue,
        usual_level * factor as expected_revenue,
        -- 1.4826 makes the median absolute deviation comparable with a standard deviation.
        (level - usual_level) / nullif(1.4826 * deviation, 0) as score
    from compared
    where days_before >= 14
)

select
    date,
    revenue,
    {{ money('expected_revenue') }} as expected_revenue,
    {{ money('revenue - cast(expected_revenue as decimal(18, 2))') }} as difference,
    round(score, 2) as score,
    case when score > 0 then 'high' else 'low' end as direction,
    case when abs(score) >= 5 then 'severe' else 'notable' end as severity
from scored
where abs(score) >= 3.5
