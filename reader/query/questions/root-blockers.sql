-- Who is at the root: keeps others waiting, directly or not, and waits for nothing; or waits in a circle.
-- The most victims first. Victims are the blocked actors from which a chain of waits and holds leads to the root; one
-- with several roots counts for each. root_is says what it does instead of ending the waits: "deadlock (certain)" or
-- "deadlock (possible)" as check found it, the circle's actors being one root together; "circle" if it is none, because
-- a wait in it gives up by itself or could end otherwise. A resource is a root itself if nobody is known who could end
-- a wait for it, or if more than three could who do not wait ("held by several": see holders). At most ten victims are
-- named, the longest wait first.
WITH RECURSIVE hop AS MATERIALIZED (
	SELECT actor_id AS from_id, resource_id AS to_id FROM waits WHERE snapshot_id = ?1
	UNION
	SELECT wanted.resource_id, waker.holder_id
	FROM (SELECT DISTINCT resource_id FROM waits WHERE snapshot_id = ?1) AS wanted
	CROSS JOIN wakers AS waker ON waker.snapshot_id = ?1 AND waker.resource_id = wanted.resource_id
), step AS MATERIALIZED (
	SELECT hop.from_id, hop.to_id, node.role AS from_role
	FROM hop
	CROSS JOIN entities AS node ON node.snapshot_id = ?1 AND node.id = hop.from_id
	UNION
	-- An actor does nothing while a task waits that was entered inside it.
	SELECT actor.id, task.id, actor.role
	FROM (SELECT DISTINCT iif(side, from_id, to_id) AS id FROM hop CROSS JOIN (SELECT 0 AS side UNION ALL SELECT 1)) AS node
	CROSS JOIN entities AS actor ON actor.snapshot_id = ?1 AND actor.id = node.id AND actor.exited = 0
	CROSS JOIN entities AS thread ON thread.snapshot_id = ?1 AND thread.exited = 0 AND thread.id = CASE actor.kind
		WHEN 'thread' THEN actor.id
		WHEN 'task' THEN actor.attrs_json ->> '$.thread_id'
	END
	CROSS JOIN entities AS task ON task.snapshot_id = ?1 AND task.id = thread.attrs_json ->> '$.current_task_id'
		AND task.kind = 'task' AND task.exited = 0 AND task.id <> actor.id
	WHERE EXISTS (
		SELECT 1 FROM edges AS wait INDEXED BY edges_by_src
		WHERE wait.snapshot_id = ?1 AND wait.src_id = task.id AND wait.state = 'pending')
), path AS MATERIALIZED (
	SELECT from_id, to_id, ends,
		-- Many who could free one resource, and do not wait, are not told one by one.
		ends AND from_role <> 'actor' AND sum(ends) OVER (PARTITION BY from_id) > 3 AS many
	FROM (SELECT *, to_id NOT IN (SELECT from_id FROM step) AS ends FROM step)
), reached (root_id, id, deadlock, member) AS (
	SELECT iif(many, from_id, to_id), iif(many, from_id, to_id), NULL, 1 FROM path WHERE ends
	UNION
	SELECT finding.row, node.value, finding.certainty, 1
	FROM findings AS finding CROSS JOIN json_each(finding.nodes_json) AS node
	WHERE finding.snapshot_id = ?1 AND finding.kind = 'deadlock'
	UNION
	SELECT reached.root_id, path.from_id, reached.deadlock, 0
	FROM reached
	CROSS JOIN path ON path.to_id = reached.id AND NOT path.many
), left_over AS MATERIALIZED (
	-- Whoever comes to none of these goes round in a circle, and one way on from each is enough to find it. Ranks are in no
	-- order (2147483647 is a prime), which keeps the search for the lowest in each circle short.
	SELECT from_id AS id, min(to_id) AS next_id, row_number() OVER (ORDER BY from_id) * 1327217885 % 2147483647 AS rank
	FROM path
	WHERE from_id NOT IN (SELECT id FROM reached)
	GROUP BY from_id
), search (start, id, next_id, rank, mark, distance, steps, closed) AS (
	-- From each until one of lower rank comes; only the lowest of a circle comes to itself. Whoever is not in the circle that
	-- it leads to meets a mark, which is set again after twice as many steps each time.
	SELECT rank, id, next_id, rank, rank, 1, 1, 0 FROM left_over
	UNION ALL
	SELECT search.start, next.id, next.next_id, next.rank, iif(steps = distance, search.rank, mark),
		iif(steps = distance, 2 * distance, distance), iif(steps = distance, 1, steps + 1), next.rank = search.start
	FROM search
	CROSS JOIN left_over AS next ON next.id = search.next_id
	WHERE NOT closed AND (next.rank = search.start OR next.rank > search.start AND next.rank <> search.mark)
), behind (root_id, id, deadlock, member) AS (
	SELECT 'circle ' || start, id, 'circle', 1
	FROM (SELECT start, id, max(closed) OVER (PARTITION BY start) AS is_circle FROM search)
	WHERE is_circle
	UNION
	SELECT behind.root_id, path.from_id, 'circle', 0
	FROM behind
	CROSS JOIN path ON path.to_id = behind.id AND NOT path.many
), blocked AS MATERIALIZED (
	SELECT actor_id AS id, max(coalesce(waited_ns, -1)) AS waited_ns
	FROM waits
	WHERE snapshot_id = ?1
	GROUP BY actor_id
), part AS MATERIALIZED (
	SELECT every.root_id, every.deadlock, every.id, every.member, blocked.waited_ns,
		row_number() OVER (PARTITION BY every.root_id, every.member ORDER BY blocked.waited_ns DESC NULLS LAST, every.id) AS place
	FROM (
		SELECT root_id, deadlock, id, max(member) AS member
		FROM (SELECT * FROM reached UNION ALL SELECT * FROM behind)
		GROUP BY root_id, id
	) AS every
	LEFT JOIN blocked ON blocked.id = every.id
	WHERE every.member OR blocked.id IS NOT NULL
), root AS MATERIALIZED (
	-- A circle is made of actors and resources, and called like the actors.
	SELECT part.root_id, part.deadlock,
		min(iif(part.member AND (part.deadlock IS NULL OR entity.role = 'actor'), part.id, NULL)) AS id,
		count(iif(part.member AND part.deadlock IS NOT NULL AND entity.role = 'actor', 1, NULL)) AS in_circle,
		count(iif(part.member, NULL, 1)) AS victims,
		nullif(max(iif(part.member AND part.deadlock IS NULL, NULL, part.waited_ns)), -1) AS waited_ns,
		group_concat(iif(part.member AND (part.deadlock IS NULL OR entity.role = 'actor'), entity.name, NULL), ', ') AS names,
		group_concat(iif(part.member, NULL, entity.name), ', ') AS victim_names
	FROM part
	LEFT JOIN entities AS entity ON entity.snapshot_id = ?1 AND entity.id = part.id AND (part.member OR part.place <= 10)
	GROUP BY part.root_id
)
SELECT
	root.names AS root,
	entity.kind,
	CASE
		WHEN root.deadlock = 'circle' THEN 'circle'
		WHEN root.deadlock IS NOT NULL THEN format('deadlock (%s)', root.deadlock)
		WHEN entity.role = 'actor' AND entity.exited THEN 'exited'
		WHEN entity.role = 'actor' THEN entity.attrs_json ->> '$.activity'
		WHEN EXISTS (SELECT 1 FROM wakers WHERE snapshot_id = ?1 AND resource_id = entity.id) THEN 'held by several'
		WHEN entity.kind = 'notify' THEN 'notified by anybody'
		ELSE 'held by nobody known'
	END AS root_is,
	root.victims,
	nullif(root.in_circle, 0) AS in_circle,
	root.waited_ns / 1000000 AS waited_ms,
	root.victim_names,
	root.id AS root_id
FROM root
CROSS JOIN entities AS entity ON entity.snapshot_id = ?1 AND entity.id = root.id
ORDER BY root.victims + root.in_circle DESC, root.waited_ns DESC NULLS LAST, root.id
