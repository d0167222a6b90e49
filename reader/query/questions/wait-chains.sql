-- From each blocked actor to the root of its wait: a path to read, and what is at its end.
-- The longest wait first. "a -lock-> left, held by b -send-> jobs, served by c" says: a waits to lock left, which b
-- holds; b waits to send to jobs, whose receiver is c's. One way is followed: of several waits of an actor the longest,
-- of several holders the one that has it longest (root-blockers goes all ways). waits counts those on the way, null in
-- a circle. A path is shown up to eight waits, then its end. --min leaves out shorter waits of the first actor.
WITH RECURSIVE wait AS MATERIALIZED (
	SELECT actor_id, resource_id, op_kind, max(coalesce(waited_ns, -1)) AS waited_ns
	FROM waits
	WHERE snapshot_id = ?1
	GROUP BY actor_id
), held AS MATERIALIZED (
	SELECT wanted.resource_id, waker.holder_id, max(coalesce(waker.held_ns, -1)) AS held_ns
	FROM (SELECT DISTINCT resource_id FROM wait) AS wanted
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = wanted.resource_id
	GROUP BY wanted.resource_id
), step AS MATERIALIZED (
	-- From an actor to who could end its wait; or, if nobody is known, to what it waits for.
	SELECT wait.actor_id AS from_id, coalesce(held.holder_id, wait.resource_id) AS to_id, wait.waited_ns,
		' -' || wait.op_kind || '-> ' || CASE
			WHEN held.holder_id IS NULL THEN ''
			WHEN substr(resource.kind, -3) IN ('_tx', '_rx') THEN resource.name || ', served by '
			ELSE resource.name || ', held by '
		END AS words
	FROM wait
	CROSS JOIN entities AS resource ON resource.snapshot_id = ?1 AND resource.id = wait.resource_id
	LEFT JOIN held ON held.resource_id = wait.resource_id
	UNION ALL
	-- An actor does nothing while a task waits that was entered inside it.
	SELECT actor.id, task.id, NULL, ', inside which is '
	FROM (SELECT DISTINCT holder_id FROM held) AS some
	CROSS JOIN entities AS actor ON actor.snapshot_id = ?1 AND actor.id = some.holder_id AND actor.exited = 0
	CROSS JOIN entities AS thread ON thread.snapshot_id = ?1 AND thread.exited = 0 AND thread.id = CASE actor.kind
		WHEN 'thread' THEN actor.id
		WHEN 'task' THEN actor.attrs_json ->> '$.thread_id'
	END
	CROSS JOIN entities AS task ON task.snapshot_id = ?1 AND task.id = thread.attrs_json ->> '$.current_task_id'
		AND task.kind = 'task' AND task.exited = 0 AND task.id <> actor.id
	WHERE task.id IN (SELECT actor_id FROM wait) AND actor.id NOT IN (SELECT actor_id FROM wait)
), rooted (id, root_id, waits) AS (
	-- Backwards from the ends: each actor once, for it has one way on.
	SELECT DISTINCT to_id, to_id, 0 FROM step WHERE to_id NOT IN (SELECT from_id FROM step)
	UNION ALL
	SELECT step.from_id, rooted.root_id, rooted.waits + (step.waited_ns IS NOT NULL)
	FROM rooted
	CROSS JOIN step ON step.to_id = rooted.id
), begin AS MATERIALIZED (
	SELECT rooted.id, rooted.root_id, rooted.waits, wait.waited_ns FROM rooted CROSS JOIN wait ON wait.actor_id = rooted.id
	UNION ALL
	SELECT actor_id, NULL, NULL, waited_ns FROM wait WHERE actor_id NOT IN (SELECT id FROM rooted)
), path (start_id, root_id, chain, waited_ns, id, waits, words, seen, ends) AS (
	SELECT begin.id, begin.root_id, begin.waits, begin.waited_ns, begin.id, 0, entity.name, char(10) || begin.id || char(10), 0
	FROM begin
	CROSS JOIN entities AS entity ON entity.snapshot_id = ?1 AND entity.id = begin.id
	WHERE begin.waited_ns >= :min_ns OR begin.waited_ns = -1
	UNION ALL
	SELECT path.start_id, path.root_id, path.chain, path.waited_ns, step.to_id, path.waits + (step.waited_ns IS NOT NULL),
		path.words || step.words || entity.name, path.seen || step.to_id || char(10),
		instr(path.seen, char(10) || step.to_id || char(10)) > 0
	FROM path
	CROSS JOIN step ON step.from_id = path.id
	CROSS JOIN entities AS entity ON entity.snapshot_id = ?1 AND entity.id = step.to_id
	WHERE NOT path.ends AND path.waits < 8
), longest AS MATERIALIZED (
	SELECT start_id, root_id, chain, waited_ns, id, words, ends, max(length(seen)) FROM path GROUP BY start_id
)
SELECT
	waiter.name AS waiter,
	nullif(longest.waited_ns, -1) / 1000000 AS waited_ms,
	longest.words || CASE
		WHEN longest.ends THEN ' (the circle closes)'
		WHEN longest.root_id IS NULL THEN ' ... (a longer circle)'
		WHEN longest.id <> longest.root_id THEN format(' ... and so on to %s', root.name)
		ELSE ''
	END AS path,
	root.name AS root,
	CASE
		WHEN longest.root_id IS NULL THEN 'circle'
		WHEN root.kind = 'notify' THEN 'notified by anybody'
		WHEN root.role <> 'actor' THEN 'held by nobody known'
		WHEN root.exited THEN 'exited'
		ELSE root.attrs_json ->> '$.activity'
	END AS root_is,
	longest.chain AS waits,
	longest.start_id AS waiter_id,
	longest.root_id
FROM longest
CROSS JOIN entities AS waiter ON waiter.snapshot_id = ?1 AND waiter.id = longest.start_id
LEFT JOIN entities AS root ON root.snapshot_id = ?1 AND root.id = longest.root_id
ORDER BY longest.waited_ns DESC, waiter_id
