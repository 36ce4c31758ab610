-- All spend is in the acquisition table.
select spent, shown
from (
    select
        (select coalesce(sum(spend), 0) from {{ ref('int_marketing_spend') }} where hold_reason is null) as spent,
        (select coalesce(sum(spend), 0) from {{ ref('customer_acquisition_cost') }}) as shown
) as totals
where spent <> shown
