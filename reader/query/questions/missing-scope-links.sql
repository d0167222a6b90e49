-- What is in no scope and should be: RPC without a connection, scopes without members.
-- problem says which. "of another process": a member whose scope is another process's. Without them it is not known
-- what a connection carries, so that nothing can be told of it as a whole.
SELECT 'scope without members' AS problem, scope.name, scope.kind, NULL AS other, scope.process, scope.id,
	NULL AS other_id
FROM scopes AS scope
WHERE scope.snapshot_id = ?1
	AND NOT EXISTS (SELECT 1 FROM entity_scope_links AS link WHERE link.snapshot_id = ?1 AND link.scope_id = scope.id)
UNION ALL
SELECT 'without a connection', entity.name, entity.kind, entity.attrs_json ->> '$.connection', entity.process, entity.id, NULL
FROM entities AS entity
WHERE entity.snapshot_id = ?1 AND entity.kind IN ('request', 'response', 'roam_channel_tx', 'roam_channel_rx')
	AND NOT EXISTS (
		SELECT 1
		FROM entity_scope_links AS link
		CROSS JOIN scopes AS scope ON scope.snapshot_id = ?1 AND scope.id = link.scope_id AND scope.kind = 'connection'
		WHERE link.snapshot_id = ?1 AND link.entity_id = entity.id)
UNION ALL
SELECT 'of another process', entity.name, entity.kind, scope.name, entity.process, entity.id, scope.id
FROM scopes AS scope
CROSS JOIN entity_scope_links AS link ON link.snapshot_id = ?1 AND link.scope_id = scope.id
CROSS JOIN entities AS entity ON entity.snapshot_id = ?1 AND entity.id = link.entity_id
WHERE scope.snapshot_id = ?1 AND entity.process <> scope.process
ORDER BY 1, 3, 6, 7
