/* SPDX-License-Identifier: MIT */
/* What reads the parts of a document (reader/snapshot/snapshot.h): each makes one kind of row of the graph. */
#ifndef PEEPS_READER_SNAPSHOT_READER_H
#define PEEPS_READER_SNAPSHOT_READER_H

#include "reader/graph/graph.h"
#include "reader/graph/id_index.h"
#include "reader/snapshot/fields.h"

struct peeps_snapshot_reader {
	struct peeps_graph *graph;
	struct peeps_fields fields;
	struct peeps_id_index processes, nodes, scopes;
};

/* Of all below: 0; -EBADMSG with the problem filled; -ENOMEM. */

/**
 * peeps_snapshot_index - note where the row with this id stands: no other may have it
 */
int peeps_snapshot_index(struct peeps_snapshot_reader *reader, struct peeps_id_index *index,
			 const char *id, uint32_t position);

/**
 * peeps_snapshot_find - the position of what an id names
 * @what: "node", for the message
 */
int peeps_snapshot_find(struct peeps_snapshot_reader *reader, const struct peeps_id_index *index,
			const char *what, const char *key, const msgpack_object_str *id,
			uint32_t *position);

/**
 * peeps_snapshot_source - "/src/bank.c:42" as file and line
 * @text: NULL = not known
 */
int peeps_snapshot_source(struct peeps_snapshot_reader *reader, const char *key, const char *text,
			  struct peeps_source *source);

/**
 * peeps_snapshot_attributes - a map of names and values
 * @map: NULL = none
 */
int peeps_snapshot_attributes(struct peeps_snapshot_reader *reader, const char *key,
			      const msgpack_object *map, struct peeps_attribute **attributes,
			      size_t *count);

/* One row each, which is the next of its array in the graph: there is room for it. */
int peeps_snapshot_read_process(struct peeps_snapshot_reader *reader, const msgpack_object *row);
int peeps_snapshot_read_node(struct peeps_snapshot_reader *reader, const msgpack_object *row);
int peeps_snapshot_read_edge(struct peeps_snapshot_reader *reader, const msgpack_object *row);
int peeps_snapshot_read_scope(struct peeps_snapshot_reader *reader, const msgpack_object *row);
int peeps_snapshot_read_membership(struct peeps_snapshot_reader *reader, const msgpack_object *row);
int peeps_snapshot_read_finding(struct peeps_snapshot_reader *reader, const msgpack_object *row);

/**
 * peeps_snapshot_resolve_nodes - once all nodes are there: which of their attributes name others
 */
int peeps_snapshot_resolve_nodes(struct peeps_snapshot_reader *reader);

#endif
