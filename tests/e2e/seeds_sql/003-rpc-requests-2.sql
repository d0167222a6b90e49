-- seeds/003-rpc-requests.md, validation query 2, as it is written there
SELECT COUNT(*)
FROM nodes r
LEFT JOIN nodes s
  ON s.snapshot_id = r.snapshot_id
 AND s.kind = 'response'
 AND json_extract(s.attrs_json, '$.correlation_key') = json_extract(r.attrs_json, '$.correlation_key')
WHERE r.snapshot_id = ?1
  AND r.kind = 'request'
  AND s.id IS NULL;
