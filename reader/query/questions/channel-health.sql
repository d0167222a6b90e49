-- What is wrong or odd with channels: closed ends, lost items, full queues, receivers that wait on idle ones.
-- A row for each channel and problem, the worst first: "closed, and somebody waits" should not last; "items lost" were
-- sent and will never be received; "nobody receives": the receiver is gone or closed, and senders are still there;
-- "full": senders wait for room; "nobody sends": all senders are gone or closed, and the receiver is still there;
-- "receivers wait": it is empty, which is no mistake in itself. items is what is queued, lost what was thrown away or
-- missed. A channel without any of this is not shown.
WITH waiter AS MATERIALIZED (
	SELECT resource_id, count(iif(op_kind = 'send', 1, NULL)) AS senders, count(iif(op_kind = 'recv', 1, NULL)) AS receivers,
		max(waited_ns) AS waited_ns
	FROM waits
	WHERE snapshot_id = ?1 AND op_kind IN ('send', 'recv')
	GROUP BY resource_id
), busy AS MATERIALIZED (
	-- By the sending end, which stands for the channel.
	SELECT resource_id AS id, senders, receivers, waited_ns FROM waiter
	UNION ALL
	SELECT channels.tx_id, waiter.senders, waiter.receivers, waiter.waited_ns
	FROM waiter
	CROSS JOIN channels ON channels.snapshot_id = ?1 AND channels.rx_id = waiter.resource_id
	UNION ALL
	SELECT id, 0, 0, NULL FROM entities INDEXED BY entities_busy WHERE snapshot_id = ?1 AND busy = 1
), odd AS MATERIALIZED (
	SELECT id, sum(senders) AS senders, sum(receivers) AS receivers, max(waited_ns) AS waited_ns FROM busy GROUP BY id
), channel AS MATERIALIZED (
	SELECT entity.id, entity.name, entity.kind, entity.site,
		coalesce(entity.attrs_json ->> '$.sender_closed', entity.attrs_json ->> '$.closed', 0) AS sender_closed,
		coalesce(entity.attrs_json ->> '$.receiver_closed', entity.attrs_json ->> '$.closed', 0) AS receiver_closed,
		coalesce(entity.attrs_json ->> '$.queue_len', entity.attrs_json ->> '$.queue_depth') AS items,
		entity.attrs_json ->> '$.capacity' AS capacity,
		coalesce(entity.attrs_json ->> '$.discarded_total', entity.attrs_json ->> '$.missed_total', 0) AS lost,
		coalesce(entity.attrs_json ->> '$.close_cause', entity.attrs_json ->> '$.state') AS why,
		entity.attrs_json ->> '$.state' AS state,
		odd.senders, odd.receivers, odd.waited_ns
	FROM odd
	CROSS JOIN entities AS entity ON entity.snapshot_id = ?1 AND entity.id = odd.id
	WHERE entity.kind IN ('mpsc_tx', 'oneshot_tx', 'watch_tx', 'broadcast_tx', 'broadcast_rx', 'roam_channel_tx')
), problem AS (
	SELECT 1 AS rank, 'closed, and somebody waits' AS problem, * FROM channel
	WHERE (sender_closed OR receiver_closed) AND senders + receivers > 0
	UNION ALL
	SELECT 2, 'items lost', * FROM channel WHERE lost > 0 OR receiver_closed AND items > 0 AND why = 'receiver_gone'
	UNION ALL
	SELECT 3, 'nobody receives', * FROM channel WHERE receiver_closed AND NOT sender_closed AND kind <> 'broadcast_rx'
	UNION ALL
	SELECT 4, 'full', * FROM channel WHERE senders > 0 AND items >= capacity AND NOT receiver_closed AND NOT sender_closed
	UNION ALL
	SELECT 5, 'nobody sends', * FROM channel
	WHERE sender_closed AND NOT receiver_closed AND kind <> 'broadcast_rx' AND coalesce(state, '') NOT IN ('sent', 'received')
	UNION ALL
	SELECT 6, 'receivers wait', * FROM channel
	WHERE receivers > 0 AND coalesce(items, 0) = 0 AND NOT receiver_closed AND NOT sender_closed AND kind <> 'broadcast_rx'
)
SELECT
	name AS channel,
	kind,
	problem,
	waited_ns / 1000000 AS waited_ms,
	items,
	capacity,
	senders AS blocked_senders,
	receivers AS blocked_receivers,
	lost,
	why AS closed_because,
	site AS made_at,
	id AS channel_id
FROM problem
ORDER BY rank, waited_ns DESC NULLS LAST, lost DESC, items DESC, id
