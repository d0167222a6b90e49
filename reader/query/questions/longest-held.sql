-- What has been held longest: locks and permits, whether anybody waits for them or not.
-- The longest first; those of which it is not known come last. held_ms is at most accuracy_ms too long, and never too
-- short. A channel's handles are there to be kept, and not shown (holders has those that somebody waits for).
SELECT
	holder.name AS holder,
	hold.role AS holds,
	hold.attrs_json ->> '$.mode' AS mode,
	hold.count,
	resource.kind AS kind,
	resource.name AS resource,
	(max(process.ptime_now_ns - hold.held_since_ptime_ns, 0) + 999999) / 1000000 AS held_ms,
	hold.attrs_json ->> '$.held_accuracy_ms' AS accuracy_ms,
	CASE WHEN holder.exited THEN 'exited' ELSE holder.attrs_json ->> '$.activity' END AS holder_is,
	coalesce(
		resource.attrs_json ->> '$.waiters',
		(resource.attrs_json ->> '$.read_waiters') + (resource.attrs_json ->> '$.write_waiters')
	) AS waiters,
	hold.attrs_json ->> '$.source' AS held_at,
	hold.dst_id AS holder_id,
	hold.src_id AS resource_id
FROM edges AS hold INDEXED BY edges_held
CROSS JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = hold.dst_id
CROSS JOIN entities AS resource ON resource.snapshot_id = ?1 AND resource.id = hold.src_id
CROSS JOIN processes AS process ON process.snapshot_id = ?1 AND process.proc_key = holder.process
WHERE hold.snapshot_id = ?1 AND hold.role IN ('lock', 'permit')
ORDER BY held_ms DESC NULLS LAST, holder_id, resource_id, hold.row
