-- Which scope has which members, and which of them are blocked.
-- Scope by scope: a row for each member. Scopes that have none are in missing-scope-links.
SELECT
	scope.name AS scope,
	scope.kind AS scope_kind,
	member.name AS member,
	member.kind AS member_kind,
	EXISTS (
		SELECT 1 FROM edges AS wait INDEXED BY edges_by_src
		WHERE wait.snapshot_id = ?1 AND wait.src_id = member.id AND wait.state = 'pending'
	) AS blocked,
	CASE WHEN member.exited THEN 'exited' ELSE member.attrs_json ->> '$.activity' END AS member_is,
	link.scope_id,
	link.entity_id AS member_id
FROM entity_scope_links AS link
CROSS JOIN scopes AS scope ON scope.snapshot_id = ?1 AND scope.id = link.scope_id
CROSS JOIN entities AS member ON member.snapshot_id = ?1 AND member.id = link.entity_id
WHERE link.snapshot_id = ?1
ORDER BY link.scope_id, link.row
