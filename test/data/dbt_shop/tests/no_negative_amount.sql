select * from {{ ref('buyers_summary') }} where amount < 0
