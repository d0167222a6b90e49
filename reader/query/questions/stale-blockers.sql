-- Waits that last too long, each with all who could end it: where both were called, and what they do.
-- Too long is --min, or five seconds. A row for each holder, as long as there are at most 20 of a resource: more are
-- named by holders. The longest wait first; those of unknown length are among them, last. polls counts how often the
-- operation was tried; gives_up_in_ms is null if it waits for ever.
WITH late AS MATERIALIZED (
	SELECT * FROM waits
	WHERE snapshot_id = ?1 AND coalesce(waited_ns >= CASE WHEN :min_ns > 0 THEN :min_ns ELSE 5000000000 END, 1)
), wanted AS MATERIALIZED (
	SELECT DISTINCT resource_id FROM late
), held AS MATERIALIZED (
	SELECT wanted.resource_id, waker.holder_id, waker.held_ns, waker.attrs_json ->> '$.source' AS held_at,
		row_number() OVER (PARTITION BY wanted.resource_id ORDER BY waker.held_ns DESC NULLS LAST, waker.row) AS place
	FROM wanted
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = wanted.resource_id
), told AS MATERIALIZED (
	SELECT resource_id, holder_id, held_ns, held_at, place FROM held WHERE place <= 20
	UNION ALL
	SELECT resource_id, NULL, NULL, NULL, 0 FROM wanted WHERE resource_id NOT IN (SELECT resource_id FROM held)
)
SELECT
	waiter.name AS waiter,
	wait.op_kind AS operation,
	resource.kind AS kind,
	resource.name AS resource,
	wait.waited_ns / 1000000 AS waited_ms,
	holder.name AS held_by,
	(told.held_ns + 999999) / 1000000 AS held_ms,
	CASE WHEN holder.exited THEN 'exited' ELSE holder.attrs_json ->> '$.activity' END AS holder_is,
	wait.attrs_json ->> '$.source' AS waits_at,
	told.held_at,
	wait.attrs_json ->> '$.poll_count' AS polls,
	max((wait.attrs_json ->> '$.details.until_ptime_ms') - process.ptime_now_ns / 1000000, 0) AS gives_up_in_ms,
	wait.actor_id AS waiter_id,
	wait.resource_id,
	told.holder_id
FROM late AS wait
CROSS JOIN entities AS waiter ON waiter.snapshot_id = ?1 AND waiter.id = wait.actor_id
CROSS JOIN processes AS process ON process.snapshot_id = ?1 AND process.proc_key = waiter.process
CROSS JOIN entities AS resource ON resource.snapshot_id = ?1 AND resource.id = wait.resource_id
CROSS JOIN told ON told.resource_id = wait.resource_id
LEFT JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = told.holder_id
ORDER BY wait.waited_ns DESC NULLS LAST, waiter_id, wait.resource_id, wait.row, told.place
