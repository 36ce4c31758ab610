-- Every version of every customer. Segment and lifetime value describe the customer as of now on all versions.
with by_email as (
    -- Accounts with the same address, or with the same telephone number and name, are most likely one person. Which to
    -- keep is a decision for people: the later account points to the earliest one, nothing is merged.
    select email, min(customer_id) as first_customer_id
    from {{ ref('int_customer_versions') }}
    where is_current and email is not null
    group by email
    having count(*) > 1
),

by_phone as (
    select phone, lower(name) as name_key, min(customer_id) as first_customer_id
    from {{ ref('int_customer_versions') }}
    where is_current and phone is not null
    group by phone, lower(name)
    having count(*) > 1
)

select
    version.customer_key,
    version.customer_id,
    version.version_number,
    version.name,
    version.email,
    version.phone,
    version.address,
    version.country_code,
    coalesce(country.country_name, 'Unknown') as country,
    coalesce(country.region, 'Unknown') as region,
    coalesce(rfm.segment, 'Prospects') as segment,
    activity.revenue as lifetime_value,
    activity.orders as lifetime_orders,
    nullif(coalesce(by_email.first_customer_id, by_phone.first_customer_id), version.customer_id) as possible_duplicate_of,
    version.created_at,
    version.valid_from,
    version.valid_to,
    version.is_current
from {{ ref('int_customer_versions') }} as version
inner join {{ ref('int_customer_activity') }} as activity on activity.customer_id = version.customer_id
left join {{ ref('int_customer_rfm') }} as rfm on rfm.customer_id = version.customer_id
left join by_email on by_email.email = version.email
left join by_phone on by_phone.phone = version.phone and by_phone.name_key = lower(version.name)
left join (select distinct country_code, country_name, region from {{ ref('country_aliases') }}) as country
    on country.country_code = version.country_code
where version.hold_reason is null
