{#- A value from min to max. Missing is wrong too unless the column is optional. -#}
{% test between(model, column_name, min, max, optional=false) %}
select *
from {{ model }}
where {{ column_name }} < {{ min }} or {{ column_name }} > {{ max }}
    {%- if not optional %} or {{ column_name }} is null{% endif %}
{% endtest %}
