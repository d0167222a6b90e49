-- Which semaphores starve: somebody waits for permits, and who has them.
-- A row for each semaphore and each who holds permits of it, at most 20; the longest wait first. asked is what the one
-- who waits longest wants. unattributed permits are out without anybody known to have them. A wait for no more than is
-- available is about to end by itself, and not shown.
WITH waiter AS MATERIALIZED (
	SELECT wait.resource_id, wait.actor_id, wait.attrs_json ->> '$.details.permits' AS asked,
		count(*) AS waiters, max(coalesce(wait.waited_ns, -1)) AS waited_ns
	FROM waits AS wait
	CROSS JOIN entities AS semaphore ON semaphore.snapshot_id = ?1 AND semaphore.id = wait.resource_id
	WHERE wait.snapshot_id = ?1 AND wait.op_kind = 'acquire'
		AND coalesce((wait.attrs_json ->> '$.details.permits') > (semaphore.attrs_json ->> '$.available'), 1)
	GROUP BY wait.resource_id
), held AS MATERIALIZED (
	SELECT waiter.resource_id, waker.holder_id, waker.held_ns, waker.count AS permits,
		row_number() OVER (PARTITION BY waiter.resource_id ORDER BY waker.held_ns DESC NULLS LAST, waker.row) AS place
	FROM waiter
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = waiter.resource_id
)
SELECT
	semaphore.name AS semaphore,
	waiter.waiters,
	nullif(waiter.waited_ns, -1) / 1000000 AS waited_ms,
	first.name AS longest_waiter,
	waiter.asked,
	holder.name AS held_by,
	held.permits,
	(held.held_ns + 999999) / 1000000 AS held_ms,
	CASE WHEN holder.exited THEN 'exited' ELSE holder.attrs_json ->> '$.activity' END AS holder_is,
	semaphore.attrs_json ->> '$.available' AS available,
	semaphore.attrs_json ->> '$.max' AS max,
	semaphore.attrs_json ->> '$.unattributed_out' AS unattributed,
	waiter.resource_id AS semaphore_id,
	waiter.actor_id AS longest_waiter_id,
	held.holder_id
FROM waiter
CROSS JOIN entities AS semaphore ON semaphore.snapshot_id = ?1 AND semaphore.id = waiter.resource_id
CROSS JOIN entities AS first ON first.snapshot_id = ?1 AND first.id = waiter.actor_id
LEFT JOIN held ON held.resource_id = waiter.resource_id AND held.place <= 20
LEFT JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = held.holder_id
ORDER BY waiter.waited_ns DESC, semaphore_id, held.place
