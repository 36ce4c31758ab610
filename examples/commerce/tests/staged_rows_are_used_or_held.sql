-- No row is lost between staging and the facts: staged = used + held.
with counts as (
    select
        'customers' as entity,
        (select count(*) from {{ ref('stg_customers') }}) as staged,
        (select count(*) from {{ ref('dim_customer') }}) as used
    union all
    select 'products', (select count(*) from {{ ref('stg_products') }}), (select count(*) from {{ ref('dim_product') }})
    union all
    select 'orders', (select count(*) from {{ ref('stg_orders') }}), (select count(*) from {{ ref('fact_orders') }})
    union all
    select 'order_items', (select count(*) from {{ ref('stg_order_items') }}), (select count(*) from {{ ref('fact_sales') }})
),

held as (
    select entity, count(*) as held
    from {{ ref('held_rows') }}
    group by entity
)

select counts.entity, counts.staged, counts.used, held.held
from counts
left join held on held.entity = counts.entity
where counts.staged <> counts.used + coalesce(held.held, 0)
