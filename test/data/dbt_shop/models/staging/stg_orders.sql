select order_id, buyer_id, ordered_at, state, {{ money('cents') }} as amount
from {{ ref('orders') }}
