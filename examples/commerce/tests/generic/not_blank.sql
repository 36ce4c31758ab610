{#- Text that says something. Missing is wrong too unless the column is optional. -#}
{% test not_blank(model, column_name, optional=false) %}
select *
from {{ model }}
where trim({{ column_name }}) = ''
    {%- if not optional %} or {{ column_name }} is null{% endif %}
{% endtest %}
