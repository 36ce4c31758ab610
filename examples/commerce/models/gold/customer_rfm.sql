-- Recency, frequency and monetary value of every customer who has bought, scored from 1 (worst) to 5 (best).
select
    rfm.customer_id,
    customer.name,
    customer.country_code,
    rfm.recency_days,
    rfm.orders as frequency,
    rfm.revenue as monetary,
    rfm.recency_score,
    rfm.frequency_score,
    rfm.monetary_score,
    rfm.recency_score * 100 + rfm.frequency_score * 10 + rfm.monetary_score as rfm_score,
    rfm.segment
from {{ ref('int_customer_rfm') }} as rfm
inner join {{ ref('int_customer_versions') }} as customer
    on customer.customer_id = rfm.customer_id and customer.is_current
