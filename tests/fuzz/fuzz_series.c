/* SPDX-License-Identifier: MIT */
/*
 * A series of any bytes: it ends, each document of it is refused with a reason or a graph, and each can be read by
 * itself from where it was said to begin.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"

#define DOCUMENTS_MAX 16 /* that are read again, each from its begin */

static void need(bool fine)
{
	if (!fine)
		abort();
}

static struct peeps_snapshot_stream *stream_from(const uint8_t *data, size_t size)
{
	const struct peeps_snapshot_file file = { .fd = -1, .bytes = data, .length = size };
	struct peeps_snapshot_stream *stream =
		peeps_snapshot_stream_open(&file, &peeps_snapshot_limits);

	need(stream != NULL);
	return stream;
}

static void read_again(const uint8_t *data, size_t size, struct peeps_snapshot_position position,
		       struct peeps_msgpack_span document)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_msgpack_span again = { .length = 0 };
	struct peeps_snapshot_stream *stream;

	need(position.offset <= size);
	stream = stream_from(data + position.offset, size - (size_t)position.offset);
	for (uint64_t i = 0; i <= position.skip; i++)
		need(peeps_snapshot_stream_next(stream, &again, &problem) == 0);
	need(again.length == document.length &&
	     memcmp(again.bytes, document.bytes, document.length) == 0);
	peeps_snapshot_stream_close(stream);
}

static void decode(struct peeps_msgpack_span document)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	const bool is_ours = peeps_snapshot_is_ours(document);

	(void)peeps_snapshot_sequence(document);
	if (peeps_snapshot_decode(document, "input", &graph, &problem) == 0) {
		need(is_ours);
		peeps_graph_free(graph);
	} else {
		need(problem.status == PEEPS_PROBLEM_BAD_SEGMENT && problem.why[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peeps_snapshot_stream *stream = stream_from(data, size);
	struct peeps_problem problem = { .status = 0 };
	struct peeps_msgpack_span document;
	size_t count = 0;
	int r;

	while ((r = peeps_snapshot_stream_next(stream, &document, &problem)) == 0) {
		struct peeps_msgpack_extent extent;

		need(peeps_msgpack_walk(document, &extent) == 0 &&
		     extent.length == document.length);
		if (count++ < DOCUMENTS_MAX)
			read_again(data, size, peeps_snapshot_stream_position(stream), document);
		decode(document);
	}
	if (r == -ENODATA)
		need(count && peeps_snapshot_stream_cut_off(stream) <= size);
	else
		need(problem.status == PEEPS_PROBLEM_BAD_SEGMENT && problem.why[0] != '\0');
	need(!peeps_snapshot_stream_is_stump(stream) || count == 0);
	peeps_snapshot_stream_close(stream);
	return 0;
}
