-- seeds/001-tokio-channels.md, validation query 2, as it is written there
SELECT COUNT(*)
FROM edges
WHERE snapshot_id = ?1
  AND kind = 'needs'
  AND (src_id LIKE 'mpsc:%:tx' AND dst_id LIKE 'mpsc:%:rx'
       OR src_id LIKE 'oneshot:%:tx' AND dst_id LIKE 'oneshot:%:rx'
       OR src_id LIKE 'watch:%:tx' AND dst_id LIKE 'watch:%:rx');
