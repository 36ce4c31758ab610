-- The history of each customer (SCD type 2): one version per change, in the order in which the records arrived. A record
-- that repeats the one before it is held as a duplicate. When a change happened is not recorded: a version holds from the
-- day on which its record arrived, the first one from the opening of the account; one that was replaced on the day it
-- arrived has no duration. Customers with a single record, nearly all of them, need no window.
with repeated as (
    select customer_id
    from {{ ref('stg_customers') }}
    group by customer_id
    having count(*) > 1
),

compared as (
    select
        * exclude (created_at),
        min(created_at) over (partition by customer_id) as created_at,
        (email, name, phone, address, country_code) is distinct from
            lag((email, name, phone, address, country_code)) over (
                partition by customer_id order by _arrived_on, _file, _line
            ) as is_change
    from {{ ref('stg_customers') }}
    where customer_id in (select customer_id from repeated)
),

numbered as (
    select
        *,
        cast(row_number() over (partition by customer_id, is_change order by _arrived_on, _file, _line) as integer)
            as version_number
    from compared
),

dated as (
    select
        *,
        case
            when version_number = 1 then coalesce(created_at, cast(_arrived_on as timestamp))
            else greatest(cast(_arrived_on as timestamp), created_at)
        end as valid_from
    from numbered
),

versions as (
    select
        *,
        lead(valid_from) over (partition by customer_id, is_change order by version_number) as next_valid_from
    from dated

    union all by name

    select
        *,
        true as is_change,
        1 as version_number,
        coalesce(created_at, cast(_arrived_on as timestamp)) as valid_from,
        cast(null as timestamp) as next_valid_from
    from {{ ref('stg_customers') }}
    where customer_id not in (select customer_id from repeated)
)

select
    case when is_change then customer_id * 100 + version_number end as customer_key,
    customer_id,
    case when is_change then version_number end as version_number,
    email,
    name,
    phone,
    address,
    country_code,
    created_at,
    valid_from,
    case when is_change then coalesce(next_valid_from, timestamp '9999-12-31 00:00:00') end as valid_to,
    is_change and next_valid_from is null as is_current,
    case when not is_change then 'duplicate' end as hold_reason,
    _file,
    _line,
    _arrived_on
from versions
