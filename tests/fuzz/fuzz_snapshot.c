/* SPDX-License-Identifier: MIT */
/*
 * A snapshot document of any bytes: refused with a reason, or a graph that can be shown, and that written in either
 * format and read again is written as the same bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/analysis/analysis.h"
#include "reader/format/document.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"
#include "tests/fuzz/show.h"

typedef int writer(const struct peeps_graph *graph, FILE *out);

struct bytes {
	char *start; /* for free() */
	size_t count;
};

static void need(bool fine)
{
	if (!fine)
		abort();
}

static struct bytes written_by(writer *write, const struct peeps_graph *graph)
{
	struct bytes bytes = { .start = NULL };
	FILE *out = open_memstream(&bytes.start, &bytes.count);

	need(out != NULL);
	need(write(graph, out) == 0);
	need(fclose(out) == 0);
	return bytes;
}

static struct peeps_graph *read_back(struct bytes bytes)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;

	if (peeps_snapshot_read_bytes(bytes.start, bytes.count, "ours", &graph, &problem) != 0) {
		(void)fprintf(stderr, "%s: %s\n", problem.what, problem.why);
		abort();
	}
	return graph;
}

/* Through one format, and by msgpack the same as before. */
static void go_round(writer *write, const struct peeps_graph *graph, struct bytes before)
{
	struct bytes there = written_by(write, graph);
	struct peeps_graph *again = read_back(there);
	struct bytes back = written_by(peeps_document_write_msgpack, again);

	need(back.count == before.count && memcmp(back.start, before.start, back.count) == 0);
	peeps_graph_free(again);
	free(back.start);
	free(there.start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = 1 };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	struct bytes bytes;

	if (peeps_snapshot_read_bytes(data, size, "input", &graph, &problem) != 0) {
		need(problem.status == PEEPS_PROBLEM_BAD_SEGMENT && problem.why[0] != '\0');
		return 0;
	}
	bytes = written_by(peeps_document_write_msgpack, graph);
	go_round(peeps_document_write_msgpack, graph, bytes);
	go_round(peeps_document_write_json, graph, bytes);
	free(bytes.start);
	fuzz_show(graph);
	need(peeps_analyse(graph, &wishes) == 0);
	fuzz_show(graph);
	peeps_graph_free(graph);
	return 0;
}
