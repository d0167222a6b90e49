-- Who holds what others wait for: a row for each hold, and how many wait because of it.
-- What most wait for comes first, and of that whoever has had it longest. Of a channel's full queue that is its
-- receiver, of an empty one its senders. Holds that nobody waits for are in longest-held.
WITH wanted AS MATERIALIZED (
	SELECT resource_id, count(*) AS waiters, max(waited_ns) AS waited_ns
	FROM waits
	WHERE snapshot_id = ?1
	GROUP BY resource_id
)
SELECT
	holder.name AS holder,
	waker.role AS holds,
	held.kind AS kind,
	held.name AS resource,
	(waker.held_ns + 999999) / 1000000 AS held_ms,
	wanted.waiters,
	wanted.waited_ns / 1000000 AS waited_ms,
	CASE WHEN holder.exited THEN 'exited' ELSE holder.attrs_json ->> '$.activity' END AS holder_is,
	waker.attrs_json ->> '$.mode' AS mode,
	waker.count,
	waker.attrs_json ->> '$.source' AS held_at,
	waker.holder_id,
	waker.held_id AS resource_id
FROM wanted
CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = wanted.resource_id
CROSS JOIN entities AS held ON held.snapshot_id = ?1 AND held.id = waker.held_id
CROSS JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = waker.holder_id
ORDER BY wanted.waiters DESC, waker.held_id, waker.held_ns DESC NULLS LAST, waker.row
