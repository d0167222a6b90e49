-- Who waits for an item of a channel: each blocked receiver, and who could send.
-- The longest wait first. --min leaves out shorter ones. That a receiver waits is no mistake in itself: see whether
-- those who could send do anything else. Of several senders the one that has its handle longest is named, "others"
-- counts the rest; sender is null if nobody is known to have one. handles is what the channel itself counts.
WITH wanted AS MATERIALIZED (
	SELECT DISTINCT resource_id FROM waits WHERE snapshot_id = ?1 AND op_kind = 'recv'
), held AS MATERIALIZED (
	SELECT wanted.resource_id, waker.holder_id, count(*) - 1 AS others, max(coalesce(waker.held_ns, -1)) AS held_ns
	FROM wanted
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = wanted.resource_id
	GROUP BY wanted.resource_id
)
SELECT
	waiter.name AS waiter,
	channel.kind AS kind,
	channel.name AS channel,
	wait.waited_ns / 1000000 AS waited_ms,
	owner.name AS sender,
	held.others,
	CASE WHEN owner.exited THEN 'exited' ELSE owner.attrs_json ->> '$.activity' END AS sender_is,
	channel.attrs_json ->> '$.queue_len' AS queue_len,
	channel.attrs_json ->> '$.capacity' AS capacity,
	channel.attrs_json ->> '$.sender_count' AS handles,
	wait.attrs_json ->> '$.source' AS waits_at,
	wait.actor_id AS waiter_id,
	wait.resource_id AS channel_id,
	held.holder_id AS sender_id
FROM waits AS wait
CROSS JOIN entities AS waiter ON waiter.snapshot_id = ?1 AND waiter.id = wait.actor_id
CROSS JOIN entities AS channel ON channel.snapshot_id = ?1 AND channel.id = wait.resource_id
LEFT JOIN held ON held.resource_id = wait.resource_id
LEFT JOIN entities AS owner ON owner.snapshot_id = ?1 AND owner.id = held.holder_id
WHERE wait.snapshot_id = ?1 AND wait.op_kind = 'recv' AND coalesce(wait.waited_ns >= :min_ns, 1)
ORDER BY wait.waited_ns DESC NULLS LAST, waiter_id, channel_id, wait.row
