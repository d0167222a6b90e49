-- Requests without a response, and responses without a request: what has no other half in this snapshot.
-- They belong together by a link, or by one correlation_key. "no response": the peer has not begun, has lost it, is not
-- instrumented, or is not among the processes that were looked at (see peer, and coverage). "no request": likewise,
-- seen from the other side. The oldest first.
WITH half AS MATERIALIZED (
	SELECT id, kind, name, process, attrs_json, attrs_json ->> '$.correlation_key' AS correlation_key
	FROM entities
	WHERE snapshot_id = ?1 AND kind IN ('request', 'response')
), lone AS MATERIALIZED (
	SELECT id FROM half WHERE kind = 'request' AND correlation_key IS NOT NULL
		AND correlation_key NOT IN (SELECT correlation_key FROM half WHERE kind = 'response' AND correlation_key IS NOT NULL)
	UNION ALL
	SELECT id FROM half WHERE kind = 'response' AND correlation_key IS NOT NULL
		AND correlation_key NOT IN (SELECT correlation_key FROM half WHERE kind = 'request' AND correlation_key IS NOT NULL)
	UNION ALL
	SELECT id FROM half WHERE correlation_key IS NULL
)
SELECT
	CASE half.kind WHEN 'request' THEN 'no response' ELSE 'no request' END AS problem,
	half.attrs_json ->> '$.method' AS method,
	half.attrs_json ->> '$.request_id' AS request_id,
	half.attrs_json ->> '$.direction' AS direction,
	half.attrs_json ->> '$.status' AS status,
	(half.attrs_json ->> '$.elapsed_ns') / 1000000 AS elapsed_ms,
	half.attrs_json ->> '$.peer' AS peer,
	half.attrs_json ->> '$.connection' AS connection,
	task.name AS task,
	half.process,
	half.id,
	task.id AS task_id
FROM lone
CROSS JOIN half ON half.id = lone.id
LEFT JOIN entities AS task ON task.snapshot_id = ?1
	AND task.id = coalesce(half.attrs_json ->> '$.task_id', half.attrs_json ->> '$.server_task_id')
WHERE NOT EXISTS (
		SELECT 1 FROM edges AS link WHERE link.snapshot_id = ?1 AND link.src_id = half.id AND link.kind = 'rpc_link')
	AND NOT EXISTS (
		SELECT 1 FROM edges AS link WHERE link.snapshot_id = ?1 AND link.dst_id = half.id AND link.kind = 'rpc_link')
ORDER BY elapsed_ms DESC NULLS LAST, half.id
