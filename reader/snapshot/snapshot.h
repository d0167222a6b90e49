/* SPDX-License-Identifier: MIT */
/*
 * From a snapshot document (docs/snapshot.md), in msgpack or JSON, as it is or compressed with zstd, to its graph.
 *
 * A document is trusted as little as a segment: each byte is checked before it is used, and memory is bounded by what
 * was read, which is bounded, too.
 */
#ifndef PEEPS_READER_SNAPSHOT_H
#define PEEPS_READER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/snapshot/msgpack_walk.h"
#include "reader/snapshot/snapshot_stream.h"

struct peeps_graph;
struct peeps_problem;

/* What is longer is refused: a file, before and after it is decompressed; and its msgpack, which is kept in memory. */
#define PEEPS_SNAPSHOT_READ_MAX ((uint64_t)4 << 30)
#define PEEPS_SNAPSHOT_KEPT_MAX ((size_t)2 << 30)

extern const struct peeps_snapshot_limits peeps_snapshot_limits; /* the same */

/**
 * peeps_snapshot_read - read a file that is one document, and nothing else
 * @fd:      borrowed; any file, pipes too, read from where it stands
 * @name:    of the file, for the problem
 * @graph:   for the caller to free; findings are as they were made. peeps_analyse() may make them anew
 * @problem: filled on failure
 *
 * What the document is in is told by its first bytes. Keys may stand in any order; unknown ones are passed over.
 * Returns 0; -EBADMSG not a sound document; -EPROTONOSUPPORT another major of its schema, or compressed and built
 * without zstd; -EFBIG too long; -ENOMEM; or -errno of a read that failed.
 */
int peeps_snapshot_read(int fd, const char *name, struct peeps_graph **graph,
			struct peeps_problem *problem);

/**
 * peeps_snapshot_read_bytes - the same, of a document in memory
 * @bytes: borrowed until this returns
 */
int peeps_snapshot_read_bytes(const void *bytes, size_t length, const char *name,
			      struct peeps_graph **graph, struct peeps_problem *problem);

/**
 * peeps_snapshot_decode - the same, of a document that was found already (reader/snapshot/snapshot_stream.h)
 *
 * What comes after it is not looked at.
 */
int peeps_snapshot_decode(struct peeps_msgpack_span document, const char *name,
			  struct peeps_graph **graph, struct peeps_problem *problem);

/**
 * peeps_snapshot_sequence - a document's number in its recording, without decoding it; 0 = it has none
 */
uint64_t peeps_snapshot_sequence(struct peeps_msgpack_span document);

/* Whether a document says that it is a snapshot, of a version that is read here. */
bool peeps_snapshot_is_ours(struct peeps_msgpack_span document);

#endif
