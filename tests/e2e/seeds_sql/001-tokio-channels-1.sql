-- seeds/001-tokio-channels.md, validation query 1, as it is written there
SELECT kind, COUNT(*)
FROM nodes
WHERE snapshot_id = ?1
  AND kind IN ('mpsc_tx','mpsc_rx','oneshot_tx','oneshot_rx','watch_tx','watch_rx')
GROUP BY kind;
