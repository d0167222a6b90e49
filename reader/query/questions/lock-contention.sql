-- Which locks are fought over: mutexes and rwlocks that somebody waits for, or had to.
-- Those that are waited for now come first, by the longest wait; then by all time ever spent waiting. contended counts
-- the locks that had to wait and got it, percent is their part of all (null where they are not counted). Waits that go
-- on now are in waiters and waited_ms only. A rwlock's acquires lag behind, for its readers count them in lots: its
-- percent is at most so much. wait_max_ms is the longest that ended.
WITH fought AS MATERIALIZED (
	SELECT id, sum(waiters) AS waiters, max(waited_ns) AS waited_ns
	FROM (
		SELECT id, 0 AS waiters, NULL AS waited_ns
		FROM entities INDEXED BY entities_busy
		WHERE snapshot_id = ?1 AND busy = 1 AND kind IN ('mutex', 'rwlock')
		UNION ALL
		SELECT resource_id, 1, waited_ns FROM waits WHERE snapshot_id = ?1 AND op_kind = 'lock'
	)
	GROUP BY id
), held AS MATERIALIZED (
	SELECT fought.id AS resource_id, waker.holder_id, count(*) - 1 AS others, max(coalesce(waker.held_ns, -1)) AS held_ns
	FROM fought
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = fought.id
	GROUP BY fought.id
)
SELECT
	lock.name AS lock,
	lock.kind,
	fought.waiters,
	fought.waited_ns / 1000000 AS waited_ms,
	holder.name AS held_by,
	held.others,
	(nullif(held.held_ns, -1) + 999999) / 1000000 AS held_ms,
	lock.attrs_json ->> '$.contended' AS contended,
	lock.attrs_json ->> '$.acquires' AS acquires,
	100 * (lock.attrs_json ->> '$.contended') / nullif(max(lock.attrs_json ->> '$.acquires', lock.attrs_json ->> '$.contended'), 0) AS percent,
	(lock.attrs_json ->> '$.wait_total_ns') / 1000000 AS wait_total_ms,
	(lock.attrs_json ->> '$.wait_max_ns') / 1000000 AS wait_max_ms,
	lock.site AS made_at,
	lock.id AS lock_id,
	held.holder_id
FROM fought
CROSS JOIN entities AS lock ON lock.snapshot_id = ?1 AND lock.id = fought.id
LEFT JOIN held ON held.resource_id = fought.id
LEFT JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = held.holder_id
ORDER BY fought.waiters > 0 DESC, fought.waited_ns DESC NULLS LAST, wait_total_ms DESC, contended DESC, lock_id
