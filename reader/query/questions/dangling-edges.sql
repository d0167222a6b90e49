-- What does not add up: edges to actors that have exited or are elsewhere, waits that nobody can end.
-- problem says what. "held by an exited actor": nobody will let it go (but a robust lock passes on, and what handles
-- are left can be used by others). "of an exited actor": an operation that never ended. "foreign": of another process
-- that this snapshot has not; look at both together. "no holder": a wait for a lock, for permits or on a channel that
-- nobody is known to hold. "channel without other end": its link is missing, or contradicts another. Those that
-- somebody waits for come first.
WITH wait AS MATERIALIZED (
	SELECT row, actor_id, resource_id, waited_ns FROM waits WHERE snapshot_id = ?1
), waiting AS MATERIALIZED (
	SELECT resource_id, count(*) AS waiters FROM wait GROUP BY resource_id
), problem AS MATERIALIZED (
	SELECT 'held by an exited actor' AS problem, edge.row
	FROM entities AS actor INDEXED BY entities_exited
	CROSS JOIN edges AS edge ON edge.snapshot_id = ?1 AND edge.dst_id = actor.id AND edge.kind = 'holds'
	WHERE actor.snapshot_id = ?1 AND actor.exited = 1
	UNION ALL
	SELECT 'of an exited actor', edge.row
	FROM entities AS actor INDEXED BY entities_exited
	CROSS JOIN edges AS edge ON edge.snapshot_id = ?1 AND edge.src_id = actor.id AND edge.state IN ('pending', 'active')
	WHERE actor.snapshot_id = ?1 AND actor.exited = 1
	UNION ALL
	SELECT 'foreign', edge.row
	FROM entities AS other
	CROSS JOIN edges AS edge ON edge.snapshot_id = ?1 AND edge.src_id = other.id
	WHERE other.snapshot_id = ?1 AND other.kind = 'foreign'
	UNION ALL
	SELECT 'foreign', edge.row
	FROM entities AS other
	CROSS JOIN edges AS edge ON edge.snapshot_id = ?1 AND edge.dst_id = other.id
	WHERE other.snapshot_id = ?1 AND other.kind = 'foreign'
	UNION ALL
	SELECT CASE WHEN substr(resource.kind, -3) NOT IN ('_tx', '_rx') THEN 'no holder'
		WHEN EXISTS (
			SELECT 1 FROM channels WHERE channels.snapshot_id = ?1 AND channels.tx_id = resource.id
			UNION ALL
			SELECT 1 FROM channels WHERE channels.snapshot_id = ?1 AND channels.rx_id = resource.id
		) THEN 'no holder' ELSE 'channel without other end' END, wait.row
	FROM wait
	CROSS JOIN entities AS resource ON resource.snapshot_id = ?1 AND resource.id = wait.resource_id
	WHERE (resource.kind IN ('mutex', 'rwlock', 'semaphore') OR substr(resource.kind, -3) IN ('_tx', '_rx'))
		AND NOT EXISTS (SELECT 1 FROM wakers WHERE wakers.snapshot_id = ?1 AND wakers.resource_id = resource.id)
)
SELECT
	problem.problem,
	source.name AS source,
	source.kind AS source_kind,
	coalesce(edge.op_kind, edge.role, edge.kind) AS edge,
	edge.state,
	target.name AS target,
	target.kind AS target_kind,
	coalesce(waiting.waiters, 0) AS waiters,
	edge.attrs_json ->> '$.source' AS made_at,
	edge.src_id AS source_id,
	edge.dst_id AS target_id
FROM problem
CROSS JOIN edges AS edge ON edge.row = problem.row
CROSS JOIN entities AS source ON source.snapshot_id = ?1 AND source.id = edge.src_id
CROSS JOIN entities AS target ON target.snapshot_id = ?1 AND target.id = edge.dst_id
LEFT JOIN waiting ON waiting.resource_id = iif(edge.kind = 'holds', edge.src_id, edge.dst_id)
ORDER BY waiters DESC, problem.problem, source_id, target_id, problem.row
