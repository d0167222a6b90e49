-- seeds/000-roam-channels.md, validation query 1, as it is written there
SELECT COUNT(*)
FROM nodes
WHERE snapshot_id = ?1 AND kind IN ('roam_channel_tx','roam_channel_rx');
