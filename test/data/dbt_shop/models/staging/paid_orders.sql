{{ config(materialized='ephemeral') }}
select * from {{ ref('stg_orders') }} where state in ({{ state_list() }})
