-- Every sale that broke no rule, typed.
select
    cast(sale_id as bigint) as sale_id,
    cast(sold_at as timestamp) as sold_at,
    nullif(trim(customer), '') as customer,
    trim(product) as product,
    cast(quantity as integer) as quantity,
    cast(unit_price as decimal(18, 2)) as unit_price
from {{ source('bronze', 'sales') }} as raw
where not exists (
    select 1
    from {{ source('quarantine', 'sales') }} as bad
    where bad.severity = 'error' and bad._file = raw._file and bad._line = raw._line
)
