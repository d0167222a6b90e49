-- seeds/002-mpsc-channels.md, validation query 1, as it is written there
SELECT id, json_extract(attrs_json, '$.queue_len') AS q, json_extract(attrs_json, '$.capacity') AS cap
FROM nodes
WHERE snapshot_id = ?1 AND kind = 'mpsc'
ORDER BY q DESC;
