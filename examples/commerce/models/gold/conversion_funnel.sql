-- How far visits got, per month and channel. A visit has reached a step when it shows that step or a later one:
-- whoever pays has looked at a product, even when the page view went missing.
with reached as (
    select
        session_id,
        max(case
            when event_type = 'purchase' then 5
            when event_type = 'checkout' then 4
            when event_type = 'cart' then 3
            when product_id is not null then 2
            else 1
        end) as step
    from {{ ref('int_session_events') }}
    group by session_id
),

visits as (
    select
        cast(date_trunc('month', sessions.session_date) as date) as month,
        sessions.channel,
        greatest(coalesce(reached.step, 1), case when sessions.order_id is not null then 5 else 1 end) as step,
        count(*) as sessions
    from {{ ref('int_sessions') }} as sessions
    left join reached on reached.session_id = sessions.session_id
    where sessions.hold_reason is null
    group by all
),

steps as (
    select * from (values
        (1, 'visit'), (2, 'product_view'), (3, 'add_to_cart'), (4, 'checkout'), (5, 'purchase')
    ) as steps (step_number, step)
),

funnel as (
    select
        visits.month,
        visits.channel,
        steps.step_number,
        steps.step,
        coalesce(sum(visits.sessions) filter (where visits.step >= steps.step_number), 0) as sessions
    from visits
    cross join steps
    group by all
)

select
    month,
    channel,
    cast(step_number as integer) as step_number,
    step,
    cast(sessions as bigint) as sessions,
    {{ rate('sessions', 'first_value(sessions) over steps_in_order') }} as rate_from_visit,
    {{ rate('sessions', 'lag(sessions, 1, sessions) over steps_in_order') }} as rate_from_previous_step
from funnel
window steps_in_order as (partition by month, channel order by step_number)
