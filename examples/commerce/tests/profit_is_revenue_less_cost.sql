-- On every order line and in every table that shows all three.
{% for model in ['fact_sales', 'fact_orders', 'daily_revenue', 'monthly_revenue', 'revenue_by_category'] %}
select '{{ model }}' as model, revenue, cost, profit
from {{ ref(model) }}
where profit <> revenue - cost
{% if not loop.last %}union all{% endif %}
{% endfor %}
