-- Every staged row that took no further part, with the reason: what went in is what came out plus these.
{% for entity in ['customer_versions', 'products', 'orders', 'order_items', 'inventory_movements', 'marketing_spend', 'sessions'] %}
select '{{ "customers" if entity == "customer_versions" else entity }}' as entity, _file, _line, hold_reason
from {{ ref('int_' ~ entity) }}
where hold_reason is not null
{% if not loop.last %}union all{% endif %}
{% endfor %}
