-- Who waits for room in a channel: each blocked sender, how full the channel is, and who owns the receiver.
-- The longest wait first. --min leaves out shorter ones. A queue that has room again is about to wake its senders. Of a
-- broadcast channel "others" counts further receivers; receiver is null if nobody is known to have it.
WITH wanted AS MATERIALIZED (
	SELECT DISTINCT resource_id FROM waits WHERE snapshot_id = ?1 AND op_kind = 'send'
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
	owner.name AS receiver,
	held.others,
	CASE WHEN owner.exited THEN 'exited' ELSE owner.attrs_json ->> '$.activity' END AS receiver_is,
	channel.attrs_json ->> '$.queue_len' AS queue_len,
	channel.attrs_json ->> '$.capacity' AS capacity,
	wait.attrs_json ->> '$.source' AS waits_at,
	wait.actor_id AS waiter_id,
	wait.resource_id AS channel_id,
	held.holder_id AS receiver_id
FROM waits AS wait
CROSS JOIN entities AS waiter ON waiter.snapshot_id = ?1 AND waiter.id = wait.actor_id
CROSS JOIN entities AS channel ON channel.snapshot_id = ?1 AND channel.id = wait.resource_id
LEFT JOIN held ON held.resource_id = wait.resource_id
LEFT JOIN entities AS owner ON owner.snapshot_id = ?1 AND owner.id = held.holder_id
WHERE wait.snapshot_id = ?1 AND wait.op_kind = 'send' AND coalesce(wait.waited_ns >= :min_ns, 1)
ORDER BY wait.waited_ns DESC NULLS LAST, waiter_id, channel_id, wait.row
