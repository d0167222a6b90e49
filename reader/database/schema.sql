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
	UNIQUE (snapshot_id, id),
	FOREIGN KEY (snapshot_id, process) REFERENCES processes (snapshot_id, proc_key) ON DELETE CASCADE
) STRICT;

CREATE INDEX entities_by_kind ON entities (snapshot_id, kind);
CREATE INDEX entities_by_process ON entities (snapshot_id, process);

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
	FOREIGN KEY (snapshot_id, src_id) REFERENCES entities (snapshot_id, id) ON DELETE CASCADE,
	FOREIGN KEY (snapshot_id, dst_id) REFERENCES entities (snapshot_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX edges_by_src ON edges (snapshot_id, src_id);
CREATE INDEX edges_by_dst ON edges (snapshot_id, dst_id);
CREATE INDEX edges_pending ON edges (snapshot_id, pending_since_ptime_ns) WHERE state = 'pending';

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
