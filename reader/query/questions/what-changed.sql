-- What has changed since the snapshot before: waits still the same, new or over; what came, went, moved.
-- "same wait" is the very same operation as before, not a new one like it: no progress. The longest comes first; then
-- "new wait" and "wait ended"; "lost": what could not be recorded meanwhile; "came" and "went": threads, tasks and
-- resources; "moved": a counter that shows that something is done, with its values before and after. waited_ms is how
-- long a wait lasts, of one that ended how long it lasted before. Nothing is shown of a snapshot without another before
-- it. A process that was started again is another one.
WITH pair AS MATERIALIZED (
	-- The same wait has the same slot and number, and began at the same time.
	SELECT actor_id, resource_id, op_kind,
		max(iif(snapshot_id = ?1, waited_ns, NULL)) AS after_ns, max(iif(snapshot_id = :before, waited_ns, NULL)) AS before_ns,
		CASE
			WHEN max(snapshot_id = ?1) = 0 THEN 'wait ended'
			WHEN max(snapshot_id = :before) = 0 THEN 'new wait'
			ELSE 'same wait'
		END AS change
	FROM waits
	WHERE snapshot_id IN (?1, :before)
	GROUP BY actor_id, resource_id, op_kind, attrs_json ->> '$.slot', attrs_json ->> '$.wait_sequence',
		attrs_json ->> '$.pending_since_ptime_ns'
), shift AS MATERIALIZED (
	-- Most are as many rows further on as the first is: that is tried first, for it is quicker than to search.
	SELECT (SELECT min(row) FROM entities WHERE snapshot_id = ?1)
		- (SELECT min(row) FROM entities WHERE snapshot_id = :before) AS rows
), again AS (
	SELECT now.row, now.id, now.name, now.kind, now.role, now.attrs_json, coalesce(there.attrs_json, (
			SELECT elsewhere.attrs_json FROM entities AS elsewhere
			WHERE elsewhere.snapshot_id = :before AND elsewhere.id = now.id
		)) AS old_json
	FROM shift
	CROSS JOIN entities AS now INDEXED BY entities_by_process
	LEFT JOIN entities AS there ON there.row = now.row - shift.rows AND there.snapshot_id = :before AND there.id = now.id
	WHERE now.snapshot_id = ?1
), change AS (
	SELECT CASE pair.change WHEN 'same wait' THEN 1 WHEN 'new wait' THEN 2 ELSE 3 END AS rank, pair.change,
		actor.name, actor.kind, pair.op_kind || ' ' || coalesce(resource.name, '') AS what,
		coalesce(pair.after_ns, pair.before_ns) / 1000000 AS waited_ms, NULL AS before, NULL AS after, pair.actor_id AS id,
		pair.resource_id AS other_id
	FROM pair
	LEFT JOIN entities AS actor ON actor.snapshot_id = iif(pair.change = 'wait ended', :before, ?1) AND actor.id = pair.actor_id
	LEFT JOIN entities AS resource
		ON resource.snapshot_id = iif(pair.change = 'wait ended', :before, ?1) AND resource.id = pair.resource_id
	UNION ALL
	SELECT 4, 'lost', now.name, 'process', counter.key, NULL, old.counters_json ->> counter.key, counter.value, now.proc_key, NULL
	FROM processes AS now
	CROSS JOIN processes AS old ON old.snapshot_id = :before AND old.proc_key = now.proc_key
	CROSS JOIN json_each(now.counters_json) AS counter
	WHERE now.snapshot_id = ?1 AND counter.value IS NOT old.counters_json ->> counter.key
	UNION ALL
	SELECT iif(again.old_json IS NULL, 5, 7), iif(again.old_json IS NULL, 'came', 'moved'), again.name, again.kind, counter.key, NULL,
		again.old_json ->> counter.key, counter.value, again.id, NULL
	FROM again
	LEFT JOIN json_each(iif(again.old_json IS NULL, '[]', again.attrs_json)) AS counter
	WHERE again.old_json IS NOT again.attrs_json AND (again.old_json IS NULL OR (
		again.role = 'resource' AND substr(again.kind, -3) <> '_rx'
		AND counter.type = 'integer' AND counter.value IS NOT again.old_json ->> counter.key
		AND (counter.key LIKE '%\_total' ESCAPE '\' OR counter.key IN (
			'acquires', 'contended', 'anonymous_releases', 'changes', 'notifies'))))
	UNION ALL
	SELECT 6, 'went', old.name, old.kind, NULL, NULL, NULL, NULL, old.id, NULL
	FROM (
		SELECT id FROM entities WHERE snapshot_id = :before
		EXCEPT
		SELECT id FROM entities WHERE snapshot_id = ?1
		ORDER BY id LIMIT -1 -- else the order is left out, and all ids are put into a table instead of being merged
	) AS gone
	CROSS JOIN entities AS old ON old.snapshot_id = :before AND old.id = gone.id
)
SELECT change, name, kind, what, waited_ms, before, after, id, other_id
FROM change
WHERE :before IS NOT NULL
ORDER BY rank, waited_ms DESC NULLS LAST, after DESC NULLS LAST, before DESC NULLS LAST, id, other_id, what
