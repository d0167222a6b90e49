/* SPDX-License-Identifier: MIT */
/* What was once written is readable for ever, and means what it meant: tests/golden/README.md. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/format/document.h"
#include "reader/snapshot/snapshot.h"
#include "reader/target/attach.h"
#include "tests/reader/graph_builder.h"
#include "tests/reader/graph_compare.h"

static const struct golden {
	const char *name;
	size_t processes, nodes, edges, scopes, memberships, findings, notes;
	const char *sentence; /* of the first finding */
} goldens[] = {
	{ "deadlock", 1, 6, 5, 0, 0, 1, 0,
	  "alpha has waited 3.0 s for mutex \"right\" (mutex-lock-order-inversion.c:24), held for 3.1 s by beta, "
	  "which waits for \"left\", held by alpha: a certain deadlock" },
	{ "full_stall", 1, 8, 10, 0, 0, 0, 0, NULL },
	{ "starvation", 1, 4, 2, 0, 0, 0, 0, NULL },
	{ "tasks", 1, 8, 6, 0, 0, 0, 0, NULL },
	{ "history", 1, 5, 8, 0, 0, 0, 0, NULL },
	{ "everything", 2, 14, 14, 2, 3, 2, 1,
	  "worker-1 has waited 12.3 s for mutex \"ledger\" (bank.c:43), held for 12.5 s by worker-2, which waits for "
	  "\"accounts\", held by worker-1: a certain deadlock" },
};

static const char *path_of(const char *name, const char *form)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s.%s", PEEPS_GOLDEN_FOLDER, name, form);
	return path;
}

static struct peeps_graph *read_golden(const char *name, const char *form)
{
	const char *path = path_of(name, form);
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || peeps_snapshot_read(fd, path, &graph, &problem) != 0)
		fail_msg("%s: %s", path, problem.why);
	(void)close(fd);
	return graph;
}

typedef int write_fn(const struct peeps_graph *graph, FILE *out);

static void assert_is_written_as_it_stands(const struct peeps_graph *graph, write_fn *write,
					   const char *name, const char *form)
{
	char *wanted = NULL, *got = NULL;
	size_t wanted_length = 0, got_length = 0;
	FILE *out = open_memstream(&got, &got_length);
	FILE *golden = fopen(path_of(name, form), "r");

	assert_non_null(golden);
	assert_int_equal(write(graph, out), 0);
	assert_int_equal(fclose(out), 0);
	wanted = malloc(got_length + 2);
	wanted_length = fread(wanted, 1, got_length + 2, golden);
	(void)fclose(golden);
	if (wanted_length != got_length || memcmp(wanted, got, got_length) != 0)
		fail_msg("%s.%s is not what is written of it", name, form);
	free(wanted);
	free(got);
}

static void golden__each_one__is_written_again_as_it_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		const char *name = goldens[i].name;
		struct peeps_graph *graph = read_golden(name, "msgpack");
		struct peeps_graph *same = read_golden(name, "json");

		assert_same_graph(same, graph);
		assert_is_written_as_it_stands(graph, peeps_document_write_msgpack, name,
					       "msgpack");
		assert_is_written_as_it_stands(graph, peeps_document_write_json, name, "json");
		peeps_graph_free(graph);
		peeps_graph_free(same);
	}
}

static void golden__each_one__has_what_it_had(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		const struct golden *golden = &goldens[i];
		struct peeps_graph *graph = read_golden(golden->name, "msgpack");

		assert_int_equal(graph->process_count, golden->processes);
		assert_int_equal(graph->node_count, golden->nodes);
		assert_int_equal(graph->edge_count, golden->edges);
		assert_int_equal(graph->scope_count, golden->scopes);
		assert_int_equal(graph->membership_count, golden->memberships);
		assert_int_equal(graph->note_count, golden->notes);
		assert_int_equal(graph->finding_count, golden->findings);
		if (golden->sentence)
			assert_string_equal(graph->findings[0].sentence, golden->sentence);
		peeps_graph_free(graph);
	}
}

static void assert_edge(const struct peeps_graph *graph, size_t number, enum peeps_edge_kind kind,
			const char *src, const char *dst)
{
	const struct peeps_edge *edge = &graph->edges[number];

	assert_int_equal(edge->kind, kind);
	assert_string_equal(graph->nodes[edge->src].name, src);
	assert_string_equal(graph->nodes[edge->dst].name, dst);
}

static void golden__deadlock__is_the_graph_that_it_was(void **state)
{
	struct peeps_graph *graph = read_golden("deadlock", "msgpack");
	const struct peeps_edge *wait = &graph->edges[0], *hold = &graph->edges[2];
	const struct peeps_node *left = &graph->nodes[1];

	(void)state;
	assert_edge(graph, 0, PEEPS_EDGE_NEEDS, "beta", "left");
	assert_edge(graph, 1, PEEPS_EDGE_NEEDS, "alpha", "right");
	assert_edge(graph, 2, PEEPS_EDGE_HOLDS, "left", "alpha");
	assert_edge(graph, 3, PEEPS_EDGE_HOLDS, "pulse", "heartbeat");
	assert_edge(graph, 4, PEEPS_EDGE_HOLDS, "right", "beta");
	assert_int_equal(wait->op, PEEPS_OP_LOCK);
	assert_int_equal(wait->state, PEEPS_STATE_PENDING);
	assert_true(wait->blocks);
	assert_string_equal(wait->source.file, "/src/peeps/examples/mutex-lock-order-inversion.c");
	assert_int_equal(wait->source.line, 63);
	assert_string_equal(wait->source.module, "examples");
	assert_int_equal(hold->role_number, PEEPS_HOLD_ROLE_LOCK);
	assert_int_equal(hold->mode_number, PEEPS_HOLD_MODE_EXCLUSIVE);
	assert_int_equal(left->kind_number, PEEPS_KIND_MUTEX);
	assert_int_equal(left->role, PEEPS_ROLE_RESOURCE);
	assert_int_equal(peeps_graph_attribute(left, "holder")->type, PEEPS_VALUE_NODE);
	assert_int_equal(peeps_graph_attribute(left, "holder")->as.node, 0);
	peeps_graph_free(graph);
}

/* The words may change. */
static void assert_same_evidence(const struct peeps_finding *got,
				 const struct peeps_finding *wanted)
{
	assert_int_equal(got->kind, wanted->kind);
	assert_int_equal(got->certain, wanted->certain);
	assert_int_equal(got->node_count, wanted->node_count);
	assert_memory_equal(got->nodes, wanted->nodes, wanted->node_count * sizeof(*got->nodes));
	assert_int_equal(got->edge_count, wanted->edge_count);
	assert_memory_equal(got->edges, wanted->edges, wanted->edge_count * sizeof(*got->edges));
	assert_int_equal(got->victim_count, wanted->victim_count);
	for (size_t i = 0; i < wanted->victim_count; i++)
		assert_int_equal(got->victims[i], wanted->victims[i]);
}

static void golden__each_one__is_analysed_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct peeps_graph *graph = read_golden(goldens[i].name, "json");
		struct peeps_graph *wanted = read_golden(goldens[i].name, "json");
		const bool with_long_waits = strcmp(goldens[i].name, "everything") == 0;

		graph_analyse(graph, with_long_waits ? 5 * S : 0);
		assert_int_equal(graph->finding_count, wanted->finding_count);
		for (size_t j = 0; j < wanted->finding_count; j++)
			assert_same_evidence(&graph->findings[j], &wanted->findings[j]);
		peeps_graph_free(graph);
		peeps_graph_free(wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden__each_one__is_written_again_as_it_stands),
		cmocka_unit_test(golden__each_one__has_what_it_had),
		cmocka_unit_test(golden__deadlock__is_the_graph_that_it_was),
		cmocka_unit_test(golden__each_one__is_analysed_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
