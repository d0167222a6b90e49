-- seeds/002-mpsc-channels.md, validation query 2, as it is written there
SELECT src_id, dst_id
FROM edges
WHERE snapshot_id = ?1
  AND kind = 'needs'
  AND src_id LIKE 'mpsc:%:tx'
  AND dst_id LIKE 'mpsc:%:rx'
LIMIT 100;
