-- What was sold each day.
select
    cast(sold_at as date) as day,
    count(*) as sales,
    sum(quantity) as items,
    sum(quantity * unit_price) as revenue
from {{ ref('stg_sales') }}
group by 1
order by 1
