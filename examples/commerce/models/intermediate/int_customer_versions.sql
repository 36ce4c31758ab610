-- The history of each customer (SCD type 2): one version per change. A record that repeats the previous one is held
-- as a duplicate; of several records that arrived on one day the last one counts. Customers with a single record,
-- nearly all of them, need no window.
with repeated as (
    select customer_id
    from {{ ref('stg_customers') }}
    group by customer_id
    having count(*) > 1
),

history as (
    select
        *,
        row_number() over (partition by customer_id, _arrived_on order by _file desc, _line desc) = 1 as is_last_of_day,
        min(created_at) over (partition by customer_id) as first_created_at
    from {{ ref('stg_customers') }}
    where customer_id in (select customer_id from repeated)
),

compared as (
    select
        *,
        is_last_of_day and (email, name, phone, address, country_code) is distinct from
            lag((email, name, phone, address, country_code)) over (
                partition by customer_id, is_last_of_day order by _arrived_on
            ) as is_change
    from history
),

numbered as (
    select
        * exclude (created_at, first_created_at),
        first_created_at as created_at,
        cast(row_number() over (partition by customer_id, is_change order by _arrived_on) as integer) as version_number
    from compared
),

changed as (
    select
        * exclude (is_last_of_day),
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
    from changed

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
