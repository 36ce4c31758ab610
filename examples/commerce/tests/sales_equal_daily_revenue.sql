-- Every cent of the order lines is in the daily table, and nothing else.
with sales as (
    select sum(revenue) as revenue, sum(cost) as cost, sum(profit) as profit from {{ ref('fact_sales') }}
),

daily as (
    select sum(revenue) as revenue, sum(cost) as cost, sum(profit) as profit from {{ ref('daily_revenue') }}
)

select *
from sales
cross join daily
where (sales.revenue, sales.cost, sales.profit) is distinct from (daily.revenue, daily.cost, daily.profit)
