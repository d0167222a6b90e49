-- How far this snapshot can be trusted: per process, what of it is seen, what was lost, and of what quality it is.
-- quality: "cut" and "quiescent" are exact, "partial" is but for what is uncertain, of "passive" only what is certain
-- is proved. lost is the sum of what could not be recorded, missing names each; lost is null if it is too many to say.
-- What is not in seen is not in any answer: no row elsewhere proves that nothing is wrong there. Those that lost most
-- come first.
SELECT
	process.name AS process,
	process.pid,
	snapshot.quality,
	(
		SELECT iif(count(*) = count(counter.value), sum(counter.value), NULL)
		FROM json_each(process.counters_json) AS counter
	) AS lost,
	(
		SELECT group_concat(format('%s %s', coalesce(counter.value, 'too many'), counter.key), ', ')
		FROM json_each(process.counters_json) AS counter
		WHERE counter.value IS NOT 0
	) AS missing,
	process.gone,
	process.threads,
	(
		SELECT count(*) FROM entities AS entity
		WHERE entity.snapshot_id = ?1 AND entity.process = process.proc_key
	) AS entities,
	process.coverage AS seen,
	(SELECT group_concat(note.value, '; ') FROM json_each(snapshot.notes_json) AS note) AS notes,
	process.proc_key
FROM processes AS process
CROSS JOIN snapshots AS snapshot ON snapshot.id = process.snapshot_id
WHERE process.snapshot_id = ?1
ORDER BY lost IS NULL DESC, lost DESC, process.proc_key
