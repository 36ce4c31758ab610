-- The events of each visit, one row per event, numbered in the order in which the visit recorded them.
with visits as (
    select
        session_id,
        try(from_json(
            events,
            '[{"page": "VARCHAR", "event_type": "VARCHAR", "at": "VARCHAR", "product_id": "VARCHAR"}]'
        )) as events
    from {{ ref('stg_sessions') }} as visit
    anti join (select _file, _line from {{ ref('int_sessions') }} where hold_reason is not null) as held
        on held._file = visit._file and held._line = visit._line
),

flattened as (
    select session_id, unnest(events) as event, generate_subscripts(events, 1) as event_number
    from visits
)

select
    session_id,
    cast(event_number as integer) as event_number,
    {{ clean_code('event.event_type') }} as event_type,
    event.page as page,
    {{ parse_timestamp('event.at') }} as happened_at,
    {{ parse_id('event.product_id') }} as product_id
from flattened
