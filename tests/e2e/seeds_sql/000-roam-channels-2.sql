-- seeds/000-roam-channels.md, validation query 2, as it is written there
SELECT src_id, dst_id
FROM edges
WHERE snapshot_id = ?1
  AND kind = 'needs'
  AND src_id LIKE 'roam-channel:%:tx'
  AND dst_id LIKE 'roam-channel:%:rx'
LIMIT 100;
