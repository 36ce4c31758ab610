select buyer_id, coalesce(name, 'nobody') as name, zip, joined, newsletter, credit from {{ ref('buyers') }}
