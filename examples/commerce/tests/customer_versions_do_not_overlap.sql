-- A customer has exactly one version at any time and exactly one that is current.
with versions as (
    select
        customer_id,
        valid_from,
        valid_to,
        is_current,
        lead(valid_from) over (partition by customer_id order by version_number) as next_from
    from {{ ref('dim_customer') }}
    where customer_id in (select customer_id from {{ ref('dim_customer') }} where version_number > 1)
)

select customer_id, valid_from, valid_to
from versions
where valid_from > valid_to
    or next_from <> valid_to
    or is_current <> (next_from is null)
union all
select customer_id, null, null
from {{ ref('dim_customer') }}
group by customer_id
having count(*) filter (where is_current) <> 1
