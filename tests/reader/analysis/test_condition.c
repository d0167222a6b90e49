/* SPDX-License-Identifier: MIT */
/* What a wait for a condition is taken for, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/reader/graph_builder.h"

struct scene {
	struct peeps_graph *graph;
	uint32_t condition, waiter, other;
	struct peeps_attribute details[1];
};

/* The waiter waits for what was notified so often, @before of it before that; the other one may be stuck. */
static void stage(struct scene *scene, uint64_t before, uint64_t notifies)
{
	struct peeps_graph *const graph = scene->graph = graph_new();
	uint32_t wait;

	scene->waiter = graph_thread(graph, 1, "consumer");
	scene->other = graph_thread(graph, 2, "producer");
	scene->condition = graph_mutex(graph, "ready", "/src/store.c", 12);
	graph->nodes[scene->condition].kind = "notify";
	graph->nodes[scene->condition].kind_number = PEEPS_KIND_NOTIFY;
	graph->nodes[scene->condition].attribute_count = 0;
	graph_number(graph, scene->condition, "notifies", notifies);
	graph_number(graph, scene->condition, "last_notified_ptime_ms", 3000);
	graph_attribute(graph, scene->condition, "last_notifier",
			(struct peeps_value){ .type = PEEPS_VALUE_NODE, .as.node = scene->other });
	wait = graph_operation(graph, scene->waiter, PEEPS_OP_NOTIFY_WAIT, "notify_wait",
			       scene->condition, 4 * S);
	scene->details[0] = (struct peeps_attribute){
		.name = "notifies",
		.value = { .type = PEEPS_VALUE_UNSIGNED, .as.number = before },
	};
	graph->edges[wait].details = scene->details;
	graph->edges[wait].detail_count = 1;
}

static void finding__long_wait_for_a_condition__says_whether_it_was_notified_since(void **state)
{
	static const struct {
		uint64_t before, notifies;
		const char *sentence;
	} rows[] = {
		{ 0, 0,
		  "consumer has waited 16.0 s for notify \"ready\" (never notified, store.c:12)" },
		{ 1, 1,
		  "consumer has waited 16.0 s for notify \"ready\" (notified once, 17.0 s ago by "
		  "producer, store.c:12), not notified since" },
		{ 3, 4,
		  "consumer has waited 16.0 s for notify \"ready\" (notified 4 times, last 17.0 s "
		  "ago by producer, store.c:12), notified 1 time since" },
		{ 3, 9,
		  "consumer has waited 16.0 s for notify \"ready\" (notified 9 times, last 17.0 s "
		  "ago by producer, store.c:12), notified 6 times since" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;

		stage(&scene, rows[i].before, rows[i].notifies);
		graph_analyse(scene.graph, S);
		assert_int_equal(scene.graph->finding_count, 1);
		assert_int_equal(scene.graph->findings[0].kind, PEEPS_FINDING_LONG_WAIT);
		if (strncmp(scene.graph->findings[0].sentence, rows[i].sentence,
			    strlen(rows[i].sentence)) != 0)
			fail_msg("%s\nand not\n%s", scene.graph->findings[0].sentence,
				 rows[i].sentence);
		peeps_graph_free(scene.graph);
	}
}

/* Somebody who is not in the graph may notify. */
static void finding__everybody_else_is_stuck__the_wait_is_not(void **state)
{
	struct scene scene;
	uint32_t mutex;

	(void)state;
	stage(&scene, 0, 0);
	mutex = graph_mutex(scene.graph, "m", NULL, 0);
	(void)graph_hold(scene.graph, mutex, scene.other, S);
	(void)graph_wait(scene.graph, scene.other, mutex, 2 * S);
	graph_analyse(scene.graph, 0);
	assert_int_equal(scene.graph->finding_count, 1);
	assert_int_equal(scene.graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
	assert_null(strstr(scene.graph->findings[0].sentence, "consumer"));
	peeps_graph_free(scene.graph);
}

static void analyse__condition__waiters_are_counted(void **state)
{
	const struct peeps_value *waiters;
	struct scene scene;

	(void)state;
	stage(&scene, 0, 0);
	(void)graph_operation(scene.graph, scene.other, PEEPS_OP_NOTIFY_WAIT, "notify_wait",
			      scene.condition, 5 * S);
	graph_analyse(scene.graph, 0);
	waiters = peeps_graph_attribute(&scene.graph->nodes[scene.condition], "waiters");
	assert_non_null(waiters);
	assert_int_equal(waiters->as.number, 2);
	peeps_graph_free(scene.graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			finding__long_wait_for_a_condition__says_whether_it_was_notified_since),
		cmocka_unit_test(finding__everybody_else_is_stuck__the_wait_is_not),
		cmocka_unit_test(analyse__condition__waiters_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
