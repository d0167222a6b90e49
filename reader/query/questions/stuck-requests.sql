-- Which requests are in flight, for how long, and what whoever serves them does instead.
-- The longest first; --min leaves out shorter ones, for a request that has just been sent is not stuck.
-- server_waits_for is what the serving task is blocked on, held_by who has that. server and status are null if no
-- response is known: unmatched-requests says more of those. elapsed_ms is the caller's.
WITH keyed AS MATERIALIZED (
	SELECT attrs_json ->> '$.correlation_key' AS correlation_key, min(id) AS id
	FROM entities
	WHERE snapshot_id = ?1 AND kind = 'response'
	GROUP BY 1
), answered AS MATERIALIZED (
	SELECT request.id, coalesce((
			SELECT link.dst_id FROM edges AS link INDEXED BY edges_by_src
			WHERE link.snapshot_id = ?1 AND link.src_id = request.id AND link.kind = 'rpc_link'
			ORDER BY link.row LIMIT 1
		), keyed.id) AS response_id
	FROM entities AS request
	LEFT JOIN keyed ON keyed.correlation_key = request.attrs_json ->> '$.correlation_key'
	WHERE request.snapshot_id = ?1 AND request.kind = 'request'
		AND coalesce((request.attrs_json ->> '$.elapsed_ns') >= :min_ns, 1)
), served AS MATERIALIZED (
	SELECT answered.id, response.id AS response_id, response.attrs_json ->> '$.status' AS status,
		response.attrs_json ->> '$.server_task_id' AS server_id, (
			SELECT wait.dst_id FROM edges AS wait INDEXED BY edges_by_src
			WHERE wait.snapshot_id = ?1 AND wait.src_id = response.attrs_json ->> '$.server_task_id' AND wait.state = 'pending'
			ORDER BY wait.pending_since_ptime_ns, wait.row LIMIT 1
		) AS resource_id
	FROM answered
	LEFT JOIN entities AS response ON response.snapshot_id = ?1 AND response.id = answered.response_id
	WHERE coalesce(response.attrs_json ->> '$.status', 'in_flight') = 'in_flight'
)
SELECT
	request.attrs_json ->> '$.method' AS method,
	request.attrs_json ->> '$.request_id' AS request_id,
	(request.attrs_json ->> '$.elapsed_ns') / 1000000 AS elapsed_ms,
	served.status,
	caller.name AS caller,
	request.attrs_json ->> '$.peer' AS peer,
	request.attrs_json ->> '$.connection' AS connection,
	server.name AS server,
	CASE WHEN server.exited THEN 'exited' ELSE server.attrs_json ->> '$.activity' END AS server_is,
	resource.name AS server_waits_for,
	(
		SELECT holder.name
		FROM wakers AS waker
		CROSS JOIN entities AS holder ON holder.snapshot_id = ?1 AND holder.id = waker.holder_id
		WHERE waker.snapshot_id = ?1 AND waker.resource_id = served.resource_id
		ORDER BY waker.held_ns DESC NULLS LAST, waker.row LIMIT 1
	) AS held_by,
	request.attrs_json ->> '$.args_preview' AS args_preview,
	served.id AS request_node_id,
	served.response_id,
	server.id AS server_id
FROM served
CROSS JOIN entities AS request ON request.snapshot_id = ?1 AND request.id = served.id
LEFT JOIN entities AS caller ON caller.snapshot_id = ?1 AND caller.id = request.attrs_json ->> '$.task_id'
LEFT JOIN entities AS server ON server.snapshot_id = ?1 AND server.id = served.server_id
LEFT JOIN entities AS resource ON resource.snapshot_id = ?1 AND resource.id = served.resource_id
ORDER BY elapsed_ms DESC NULLS LAST, served.id
