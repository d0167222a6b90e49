-- Which channels fill up: those with items in them or with blocked senders, the fullest first.
-- Bounded channels by how full they are, then unbounded ones by how many items they hold; blocked senders before all
-- others. high_watermark is the most that there ever was at once. An empty channel is not shown, whatever it was.
WITH pressed AS MATERIALIZED (
	SELECT id, sum(senders) AS senders, max(waited_ns) AS waited_ns
	FROM (
		SELECT id, 0 AS senders, NULL AS waited_ns
		FROM entities INDEXED BY entities_busy
		WHERE snapshot_id = ?1 AND busy = 1 AND kind IN ('mpsc_tx', 'broadcast_tx', 'roam_channel_tx')
			AND coalesce(attrs_json ->> '$.queue_len', attrs_json ->> '$.queue_depth') > 0
		UNION ALL
		SELECT resource_id, 1, waited_ns FROM waits WHERE snapshot_id = ?1 AND op_kind = 'send'
	)
	GROUP BY id
), channel AS MATERIALIZED (
	SELECT tx.id, tx.kind, tx.name, tx.attrs_json, pressed.senders, pressed.waited_ns,
		coalesce(tx.attrs_json ->> '$.queue_len', tx.attrs_json ->> '$.queue_depth') AS queue_len,
		tx.attrs_json ->> '$.capacity' AS capacity,
		(
			SELECT waker.holder_id
			FROM wakers AS waker
			WHERE waker.snapshot_id = ?1 AND waker.resource_id = tx.id
			ORDER BY waker.held_ns DESC NULLS LAST, waker.row LIMIT 1
		) AS receiver_id
	FROM pressed
	CROSS JOIN entities AS tx ON tx.snapshot_id = ?1 AND tx.id = pressed.id
)
SELECT
	channel.name AS channel,
	channel.kind,
	channel.queue_len,
	channel.capacity,
	100 * channel.queue_len / nullif(channel.capacity, 0) AS percent,
	channel.senders AS blocked_senders,
	channel.waited_ns / 1000000 AS waited_ms,
	receiver.name AS receiver,
	CASE WHEN receiver.exited THEN 'exited' ELSE receiver.attrs_json ->> '$.activity' END AS receiver_is,
	channel.attrs_json ->> '$.high_watermark' AS high_watermark,
	channel.attrs_json ->> '$.sent_total' AS sent_total,
	channel.attrs_json ->> '$.recv_total' AS recv_total,
	channel.id AS channel_id,
	channel.receiver_id
FROM channel
LEFT JOIN entities AS receiver ON receiver.snapshot_id = ?1 AND receiver.id = channel.receiver_id
ORDER BY blocked_senders > 0 DESC, percent DESC NULLS LAST, channel.queue_len DESC, channel_id
