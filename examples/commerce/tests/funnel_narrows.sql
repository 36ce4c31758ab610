-- No step has more visits than the one before, and every visit counts once in the first.
select month, channel, step, sessions
from (
    select *, lag(sessions) over (partition by month, channel order by step_number) as sessions_before
    from {{ ref('conversion_funnel') }}
) as steps
where sessions > sessions_before
union all
select null, null, 'visit', funnel.sessions
from (select sum(sessions) as sessions from {{ ref('conversion_funnel') }} where step_number = 1) as funnel
where funnel.sessions <> (select count(*) from {{ ref('int_sessions') }} where hold_reason is null)
