-- Orders that a person should look at, with the reasons. An order is listed when its weights add up to 2 or more:
--   huge_amount      2  an amount that only one order in a thousand exceeds
--   burst            2  one of three or more orders of the same customer within the same hour
--   bulk             1  as many pieces as only one order in a thousand has
--   total_mismatch   1  the stated total is missing, cannot be true, or is off the sum of the lines by more than a tenth
--   big_first_order  1  the customer's first order, and among the largest one in a hundred
--   out_of_habit     1  five times what the customer spends on average (from three orders on)
with limits as (
    select
        quantile_disc(gross_amount, 0.999) as huge_amount,
        quantile_disc(units, 0.999) as bulk_units,
        quantile_disc(gross_amount, 0.99) as big_amount
    from {{ ref('fact_orders') }}
),

bursts as (
    select customer_id, date_trunc('hour', ordered_at) as hour
    from {{ ref('fact_orders') }}
    group by customer_id, date_trunc('hour', ordered_at)
    having count(*) >= 3
),

judged as (
    select
        orders.*,
        orders.gross_amount > limits.huge_amount as is_huge,
        bursts.hour is not null as is_burst,
        orders.units > limits.bulk_units as is_bulk,
        orders.stated_total is null
            or abs(orders.stated_total - orders.gross_amount) > greatest(orders.stated_total, orders.gross_amount) / 10
            as is_mismatch,
        coalesce(activity.first_order_id = orders.order_id, false) and orders.gross_amount > limits.big_amount
            as is_big_first,
        coalesce(activity.orders >= 3 and orders.gross_amount > 5 * activity.revenue / activity.orders, false) as is_unusual
    from {{ ref('fact_orders') }} as orders
    cross join limits
    left join bursts
        on bursts.customer_id = orders.customer_id and bursts.hour = date_trunc('hour', orders.ordered_at)
    left join {{ ref('int_customer_activity') }} as activity on activity.customer_id = orders.customer_id
),

weighted as (
    select
        *,
        2 * cast(is_huge as integer) + 2 * cast(is_burst as integer) + cast(is_bulk as integer)
            + cast(is_mismatch as integer) + cast(is_big_first as integer) + cast(is_unusual as integer) as suspicion
    from judged
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
        case when is_big_first then 'big_first_order' end,
        case when is_unusual then 'out_of_habit' end
    ) as reasons
from weighted
where suspicion >= 2
