-- seeds/003-rpc-requests.md, validation query 1, as it is written there
SELECT src_id, dst_id
FROM edges
WHERE snapshot_id = ?1
  AND kind = 'needs'
  AND src_id LIKE 'request:%'
  AND dst_id LIKE 'response:%'
LIMIT 200;
