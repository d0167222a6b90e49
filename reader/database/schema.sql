-- The database of peeps-read: a row for each thing of a snapshot document (docs/snapshot.md), and nothing of it left
-- out: a snapshot comes out as it went in. docs/database.md explains it.

PRAGMA application_id = 0x70656570; -- "peep"
PRAGMA user_version = 1; -- of this file; another one is refused

CREATE TABLE snapshots (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of loading; never given twice
	schema TEXT NOT NULL, -- of the document
	sequence INTEGER, -- its number in its recording, from 1; null: of none
	taken_at_unix_ns INTEGER NOT NULL,
	cut_ns INTEGER,
	skew_ns INTEGER,
	quality TEXT NOT NULL,
	notes_json TEXT NOT NULL,
	origin TEXT -- the file that it was in; null: it was looked at
) STRICT;

CREATE TABLE processes (
	row INTEGER PRIMARY KEY, -- rows of a snapshot are in the document's order, here and below
	snapshot_id INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
	proc_key TEXT NOT NULL,
	pid INTEGER NOT NULL,
	own_pid INTEGER NOT NULL,
	name TEXT NOT NULL,
	cmdline TEXT NOT NULL,
	start_time INTEGER,
	ptime_now_ns INTEGER,
	coverage TEXT NOT NULL,
	threads INTEGER NOT NULL,
	gone INTEGER NOT NULL,
	counters_json TEXT NOT NULL,
	UNIQUE (snapshot_id, proc_key)
) STRICT;

CREATE TABLE entities (
	row INTEGER PRIMARY KEY,
	snapshot_id INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
	id TEXT NOT NULL,
	kind TEXT NOT NULL,
	process TEXT NOT NULL,
	name TEXT NOT NULL,
	attrs_json TEXT NOT NULL,
	role TEXT NOT NULL, -- actor, resource, other
	site TEXT,
	site_as_compiled INTEGER NOT NULL,
	function TEXT,
	krate TEXT,
	uncertain INTEGER NOT NULL,
	tid INTEGER, -- of actors, as the next two
	exited INTEGER,
	sleeping INTEGER,
	busy INTEGER NOT NULL, -- of resources: it tells of contention, items, losses or a closed end
	UNIQUE (snapshot_id, id),
	FOREIGN KEY (snapshot_id, process) REFERENCES processes (snapshot_id, proc_key) ON DELETE CASCADE
) STRICT;

CREATE INDEX entities_by_kind ON entities (snapshot_id, kind);
CREATE INDEX entities_by_process ON entities (snapshot_id, process);
CREATE INDEX entities_busy ON entities (snapshot_id, kind) WHERE busy = 1;
CREATE INDEX entities_exited ON entities (snapshot_id) WHERE exited = 1;

CREATE TABLE edges (
	row INTEGER PRIMARY KEY,
	snapshot_id INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
	position INTEGER NOT NULL, -- in the document, from 0: the "index" of findings' edges
	src_id TEXT NOT NULL,
	dst_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	attrs_json TEXT NOT NULL, -- the document's meta
	op_kind TEXT, -- of attrs_json, as those that follow: to be found quickly
	state TEXT,
	pending_since_ptime_ns INTEGER, -- of what is pending
	role TEXT, -- of what holds, as the next two
	count INTEGER,
	held_since_ptime_ns INTEGER,
	FOREIGN KEY (snapshot_id, src_id) REFERENCES entities (snapshot_id, id) ON DELETE CASCADE,
	FOREIGN KEY (snapshot_id, dst_id) REFERENCES entities (snapshot_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX edges_by_src ON edges (snapshot_id, src_id);
CREATE INDEX edges_by_dst ON edges (snapshot_id, dst_id);
CREATE INDEX edges_pending ON edges (snapshot_id, pending_since_ptime_ns) WHERE state = 'pending';
CREATE INDEX edges_held ON edges (snapshot_id, held_since_ptime_ns) WHERE role IN ('lock', 'permit');

CREATE TABLE scopes (
	row INTEGER PRIMARY KEY,
	snapshot_id INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
	id TEXT NOT NULL,
	kind TEXT NOT NULL,
	process TEXT NOT NULL,
	name TEXT NOT NULL,
	attrs_json TEXT NOT NULL,
	UNIQUE (snapshot_id, id),
	FOREIGN KEY (snapshot_id, process) REFERENCES processes (snapshot_id, proc_key) ON DELETE CASCADE
) STRICT;

CREATE TABLE entity_scope_links (
	row INTEGER PRIMARY KEY,
	snapshot_id INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
	entity_id TEXT NOT NULL,
	scope_id TEXT NOT NULL,
	FOREIGN KEY (snapshot_id, entity_id) REFERENCES entities (snapshot_id, id) ON DELETE CASCADE,
	FOREIGN KEY (snapshot_id, scope_id) REFERENCES scopes (snapshot_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX entity_scope_links_by_entity ON entity_scope_links (snapshot_id, entity_id);
CREATE INDEX entity_scope_links_by_scope ON entity_scope_links (snapshot_id, scope_id);

CREATE TABLE findings (
	row INTEGER PRIMARY KEY,
	snapshot_id INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	certainty TEXT NOT NULL,
	sentence TEXT NOT NULL,
	steps_json TEXT NOT NULL,
	nodes_json TEXT NOT NULL,
	edges_json TEXT NOT NULL,
	victims_json TEXT NOT NULL
) STRICT;

CREATE INDEX findings_by_snapshot ON findings (snapshot_id);

-- Entities, and one row more for each channel, whose two ends say the same of it.
CREATE VIEW nodes AS
	SELECT snapshot_id, id, kind, process, name, attrs_json
	FROM entities
	UNION ALL
	SELECT snapshot_id, substr(id, 1, length(id) - length(':tx')), 'mpsc', process, name, attrs_json
	FROM entities
	WHERE kind = 'mpsc_tx';

-- Who waits for what: operations that are pending now, of actors that are still there. Null where it is not known how long.
CREATE VIEW waits AS
	SELECT needs.snapshot_id, needs.src_id AS actor_id, needs.dst_id AS resource_id, needs.op_kind,
		max(process.ptime_now_ns - needs.pending_since_ptime_ns, 0) AS waited_ns, needs.attrs_json, needs.row
	FROM edges AS needs INDEXED BY edges_pending
	JOIN entities AS actor ON actor.snapshot_id = needs.snapshot_id AND actor.id = needs.src_id
	JOIN processes AS process ON process.snapshot_id = actor.snapshot_id AND process.proc_key = actor.process
	WHERE needs.state = 'pending' AND actor.exited IS NOT 1;

-- The two ends of each channel. Of ends that are linked to several others no link is believed; but a broadcast channel
-- has a receiving end for each receiver.
CREATE VIEW channels AS
	SELECT link.snapshot_id, link.src_id AS tx_id, link.dst_id AS rx_id
	FROM edges AS link
	WHERE link.kind = 'channel_link'
		AND NOT EXISTS (
			SELECT 1 FROM edges AS other
			WHERE other.snapshot_id = link.snapshot_id AND other.kind = 'channel_link'
				AND other.dst_id = link.dst_id AND other.src_id <> link.src_id)
		AND (link.src_id LIKE 'broadcast:%' OR NOT EXISTS (
			SELECT 1 FROM edges AS other
			WHERE other.snapshot_id = link.snapshot_id AND other.kind = 'channel_link'
				AND other.src_id = link.src_id AND other.dst_id <> link.dst_id));

-- Who could end a wait for a resource: whoever holds it; of a channel, whoever has a handle of the other end. As
-- peeps-read sees it: permits and handles count if there are some left, and if it is their own process that says so.
CREATE VIEW wakers AS
	SELECT resource.snapshot_id, resource.id AS resource_id, held.id AS held_id, holder.id AS holder_id,
		max(process.ptime_now_ns - hold.held_since_ptime_ns, 0) AS held_ns, hold.role, hold.count,
		hold.attrs_json, hold.row
	FROM entities AS resource
	LEFT JOIN channels AS ahead ON ahead.snapshot_id = resource.snapshot_id AND ahead.tx_id = resource.id
		AND substr(resource.kind, -3) = '_tx'
	LEFT JOIN channels AS back ON back.snapshot_id = resource.snapshot_id AND back.rx_id = resource.id
		AND substr(resource.kind, -3) = '_rx'
	CROSS JOIN entities AS held ON held.snapshot_id = resource.snapshot_id
		AND held.id = CASE substr(resource.kind, -3)
			WHEN '_tx' THEN ahead.rx_id
			WHEN '_rx' THEN back.tx_id
			ELSE resource.id
		END
	CROSS JOIN edges AS hold ON hold.snapshot_id = held.snapshot_id AND hold.src_id = held.id AND hold.kind = 'holds'
	CROSS JOIN entities AS holder ON holder.snapshot_id = hold.snapshot_id AND holder.id = hold.dst_id
	CROSS JOIN processes AS process ON process.snapshot_id = holder.snapshot_id AND process.proc_key = holder.process
	WHERE held.role <> 'actor' AND CASE
		WHEN held.kind = 'semaphore' THEN hold.role = 'permit'
		WHEN substr(held.kind, -3) = '_tx' THEN hold.role = 'sender'
		WHEN substr(held.kind, -3) = '_rx' THEN hold.role = 'receiver'
		ELSE 1
	END AND CASE
		WHEN held.kind = 'semaphore' OR substr(held.kind, -3) IN ('_tx', '_rx')
		THEN hold.count > 0 AND holder.process = held.process
		ELSE 1
	END;
