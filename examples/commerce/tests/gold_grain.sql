-- One row per combination of the columns that a gold table is about.
{% set grains = {
    'conversion_funnel': ['month', 'channel', 'step_number'],
    'average_order_value': ['month', 'channel'],
    'customer_acquisition_cost': ['month', 'channel'],
    'revenue_by_category': ['month', 'category', 'subcategory'],
    'revenue_by_country': ['month', 'country_code'],
    'cohort_retention': ['cohort_month', 'months_since_first'],
    'product_recommendations': ['product_key', 'recommended_product_key'],
} %}
{% for model, columns in grains.items() %}
select '{{ model }}' as model, count(*) as copies
from {{ ref(model) }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% if not loop.last %}union all{% endif %}
{% endfor %}
