/* SPDX-License-Identifier: MIT */
/* A snapshot document of any bytes: what is read of it, and put into a database, comes out of that as the same bytes. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/database/database.h"
#include "reader/database/database_read.h"
#include "reader/format/document.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"

#define ROUNDS 64 /* snapshots in one database */

static struct peeps_database database;
static unsigned int count;

static void need(int result, const struct peeps_problem *problem)
{
	if (result == 0)
		return;
	(void)fprintf(stderr, "%s: %s\n", problem->what, problem->why);
	abort();
}

struct bytes {
	char *start; /* for free() */
	size_t count;
};

static struct bytes written(const struct peeps_graph *graph)
{
	struct bytes bytes = { .start = NULL };
	FILE *out = open_memstream(&bytes.start, &bytes.count);

	if (!out || peeps_document_write_msgpack(graph, out) != 0 || fclose(out) != 0)
		abort();
	return bytes;
}

static void open_database(void)
{
	struct peeps_problem problem = { .status = 0 };

	if (count % ROUNDS == 0) {
		if (count)
			peeps_database_close(&database);
		need(peeps_database_in_memory(&database, &problem), &problem);
	}
	count++;
}

/* Through a database that has others in it. */
static struct peeps_graph *there_and_back(const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *back = NULL;
	int64_t id;

	open_database();
	need(peeps_database_add(&database, graph, &id, &problem), &problem);
	need(peeps_database_snapshot(&database, id, &back, &problem), &problem);
	return back;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL, *back;
	struct bytes before, after;

	if (peeps_snapshot_read_bytes(data, size, "input", &graph, &problem) != 0)
		return 0;
	back = there_and_back(graph);
	before = written(graph);
	after = written(back);
	if (before.count != after.count || memcmp(before.start, after.start, before.count) != 0)
		abort();
	free(before.start);
	free(after.start);
	peeps_graph_free(back);
	peeps_graph_free(graph);
	return 0;
}
