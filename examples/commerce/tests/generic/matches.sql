{#- Text that a regular expression finds. Missing is wrong too unless the column is optional. -#}
{% test matches(model, column_name, regex, optional=false) %}
select *
from {{ model }}
where not regexp_matches({{ column_name }}, '{{ regex }}')
    {%- if not optional %} or {{ column_name }} is null{% endif %}
{% endtest %}
