-- Who blocks whom: each blocked operation, what it waits for, and who holds that.
-- The longest wait first. A resource with several holders has a row for each; one without any has none (see dangling-edges).
SELECT
	waiter.name AS waiter,
	needs.op_kind AS operation,
	resource.kind AS kind,
	resource.name AS resource,
	holder.name AS held_by,
	(process.ptime_now_ns - needs.pending_since_ptime_ns) / 1000000 AS waited_ms,
	needs.src_id AS waiter_id,
	needs.dst_id AS resource_id,
	holds.dst_id AS holder_id
FROM edges AS needs
JOIN edges AS holds ON holds.snapshot_id = needs.snapshot_id AND holds.src_id = needs.dst_id AND holds.kind = 'holds'
JOIN entities AS waiter ON waiter.snapshot_id = needs.snapshot_id AND waiter.id = needs.src_id
JOIN entities AS resource ON resource.snapshot_id = needs.snapshot_id AND resource.id = needs.dst_id
JOIN entities AS holder ON holder.snapshot_id = holds.snapshot_id AND holder.id = holds.dst_id
JOIN processes AS process ON process.snapshot_id = waiter.snapshot_id AND process.proc_key = waiter.process
WHERE needs.snapshot_id = ?1 AND needs.state = 'pending'
ORDER BY waited_ms DESC, waiter_id, resource_id, holder_id
