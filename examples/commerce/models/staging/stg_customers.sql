-- Every delivered customer record, typed and standardised; several records of one customer are its versions.
select
    {{ parse_id('raw.customer_id') }} as customer_id,
    {{ clean_email('raw.email') }} as email,
    {{ clean_name('raw.name') }} as name,
    {{ clean_phone('raw.phone') }} as phone,
    {{ clean_text('raw.address') }} as address,
    coalesce(country.country_code, 'ZZ') as country_code,
    {{ parse_timestamp('raw.created_at') }} as created_at,
    raw._file,
    raw._line,
    raw._arrived_on
from {{ source('bronze', 'customers') }} as raw
anti join {{ quarantined('customers') }} as bad on bad._file = raw._file and bad._line = raw._line
left join {{ ref('country_aliases') }} as country on country.alias = lower(trim(raw.country))
