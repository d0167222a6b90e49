-- Who waits for an answer that can still come: a oneshot that is empty, its receiver waiting, its sender alive.
-- The longest wait first. Nothing is wrong with the channel: ask what whoever owns the sender does with it. It may lie
-- where nobody looks for it, such as under a wrong key in a map. --min leaves out shorter waits. Without a row all
-- oneshots that somebody waits for have been sent to, or have lost their sender (blockers shows such a wait).
SELECT
	waiter.name AS waiter,
	rx.name AS oneshot,
	wait.waited_ns / 1000000 AS waited_ms,
	owner.name AS sender_owner,
	CASE WHEN owner.exited THEN 'exited' ELSE owner.attrs_json ->> '$.activity' END AS owner_is,
	waker.attrs_json ->> '$.mode' AS known_as,
	waker.attrs_json ->> '$.source' AS owned_since_at,
	rx.attrs_json ->> '$.state' AS state,
	(rx.attrs_json ->> '$.age_ns') / 1000000 AS age_ms,
	rx.site AS made_at,
	wait.attrs_json ->> '$.source' AS waits_at,
	wait.actor_id AS waiter_id,
	wait.resource_id AS oneshot_id,
	waker.holder_id AS sender_owner_id
FROM waits AS wait
CROSS JOIN entities AS rx ON rx.snapshot_id = ?1 AND rx.id = wait.resource_id AND rx.kind = 'oneshot_rx'
CROSS JOIN entities AS waiter ON waiter.snapshot_id = ?1 AND waiter.id = wait.actor_id
CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = rx.id
CROSS JOIN entities AS owner ON owner.snapshot_id = ?1 AND owner.id = waker.holder_id
WHERE wait.snapshot_id = ?1 AND wait.op_kind = 'recv' AND coalesce(wait.waited_ns >= :min_ns, 1)
	AND rx.attrs_json ->> '$.state' = 'empty' AND coalesce(rx.attrs_json ->> '$.sender_closed', 0) = 0
ORDER BY wait.waited_ns DESC NULLS LAST, waiter_id, oneshot_id, wait.row, waker.row
