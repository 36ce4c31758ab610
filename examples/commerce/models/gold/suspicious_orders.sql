-- Orders that a person should look at, with the reasons. An order is listed when its weights add up to 2 or more:
--   huge_amount      2  more than three times the amount that only one order in a thousand exceeds
--   burst            2  one of four or more orders of the same customer within the same hour
--   bulk             2  more than three times the units that only one order in a thousand exceeds
--   total_mismatch   1  the stated total and the sum of the lines differ by more than half of the larger
--   big_first_order  1  the customer's first order, and among the largest one in a hundred of the shop
with limits as (
    select
        3 * quantile_disc(gross_amount, 0.999) as huge_amount,
        3 * quantile_disc(units, 0.999) as bulk_units,
        quantile_disc(gross_amount, 0.99) as big_amount
    from {{ ref('fact_orders') }}
),

bursts as (
    select customer_id, date_trunc('hour', ordered_at) as hour, count(*) as orders
    from {{ ref('fact_orders') }}
    group by customer_id, date_trunc('hour', ordered_at)
    having count(*) >= 4
),

judged as (
    select
        orders.*,
        orders.gross_amount > limits.huge_amount as is_huge,
        bursts.orders is not null as is_burst,
        orders.units > limits.bulk_units as is_bulk,
        coalesce(
            abs(orders.stated_total - orders.gross_amount) > 0.5 * greatest(orders.stated_total, orders.gross_amount), false
        ) as is_mismatch,
        coalesce(activity.first_order_id = orders.order_id, false) and orders.gross_amount > limits.big_amount
            as is_big_first
    from {{ ref('fact_orders') }} as orders
    cross join limits
    left join bursts
        on bursts.customer_id = orders.customer_id and bursts.hour = date_trunc('hour', orders.ordered_at)
    left join {{ ref('int_customer_activity') }} as activity on activity.customer_id = orders.customer_id
),

weighted as (
    select
        *,
        2 * cast(is_huge as integer) + 2 * cast(is_burst as integer) + 2 * cast(is_bulk as integer)
            + cast(is_mismatch as integer) + cast(is_big_first as integer) as suspicion
    from judged
    where is_huge or is_burst or is_bulk or is_mismatch
)

select
    order_id,
    customer_id,
    ordered_at,
    status,
    channel,
    payment_method,
    units,
    gross_amount,
    stated_total,
    suspicion,
    concat_ws(
        ', ',
        case when is_huge then 'huge_amount' end,
        case when is_burst then 'burst' end,
        case when is_bulk then 'bulk' end,
        case when is_mismatch then 'total_mismatch' end,
        case when is_big_first then 'big_first_order' end
    ) as reasons
from weighted
where suspicion >= 2
