-- What is pending, cancelled or returned brings no revenue.
select order_id, status, revenue
from {{ ref('fact_orders') }}
where (revenue <> 0 or cost <> 0) and status not in ('{{ var("revenue_statuses") | join("', '") }}')
