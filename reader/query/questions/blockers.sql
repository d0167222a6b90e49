-- Who blocks whom: each blocked operation, since when, and who could end it.
-- The longest wait first; those of unknown length last. --min leaves out shorter ones. Of several who hold a resource
-- the one that has it longest is named, and "others" says how many more there are (holders lists them all). held_by is
-- null if nobody is known (dangling-edges has those). Of a full channel the receiver's owner is named, of an empty one
-- a sender's.
WITH wanted AS MATERIALIZED (
	SELECT DISTINCT resource_id FROM waits WHERE snapshot_id = ?1
), held AS MATERIALIZED (
	SELECT wanted.resource_id, waker.holder_id, count(*) - 1 AS others, max(coalesce(waker.held_ns, -1)) AS held_ns
	FROM wanted
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = wanted.resource_id
	GROUP BY wanted.resource_id
)
SELECT
	waiter.name AS waiter,
	wait.op_kind AS operation,
	resource.kind AS kind,
	resource.name AS resource,
	wait.waited_ns / 1000000 AS waited_ms,
	holder.name AS held_by,
	held.others,
	(nullif(held.held_ns, -1) + 999999) / 1000000 AS held_ms,
	CASE WHEN holder.exited THEN 'exited' ELSE holder.attrs_json ->> '$.activity' END AS holder_is,
	wait.actor_id AS waiter_id,
	wait.resource_id,
	held.holder_id
FROM waits AS wait
CROSS JOIN entities AS waiter ON waiter.snapshot_id = ?1 AND waiter.id = wait.actor_id
CROSS JOIN entities AS resource ON resource.snapshot_id = ?1 AND resource.id = wait.resource_id
LEFT JOIN held ON held.resource_id = wait.resource_id
LEFT JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = held.holder_id
WHERE wait.snapshot_id = ?1 AND coalesce(wait.waited_ns >= :min_ns, 1)
ORDER BY wait.waited_ns DESC NULLS LAST, waiter_id, wait.resource_id, wait.row
