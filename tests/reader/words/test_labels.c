/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader/words/labels.h"
#include "tests/reader/graph_builder.h"

/* A graph, its labels, and what is said of them. */
struct scene {
	struct peeps_graph *graph;
	struct peeps_labels labels;
};

static struct scene scene_of(struct peeps_graph *graph)
{
	struct scene scene = { .graph = graph };

	assert_int_equal(peeps_labels_init(&scene.labels, graph), 0);
	return scene;
}

static void leave(struct scene *scene)
{
	peeps_labels_deinit(&scene->labels);
	peeps_graph_free(scene->graph);
}

static void assert_wait(const struct scene *scene, uint32_t wait, const char *wanted)
{
	assert_string_equal(peeps_label_wait(scene->labels.arena, &scene->labels, scene->graph,
					     &scene->graph->edges[wait], PEEPS_LABEL_SHORT),
			    wanted);
}

static void actor__same_name_in_two_processes__is_told_by_its_process(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t bank = graph_process(graph, "bank", 4800);
	const uint32_t here = graph_thread(graph, 1, "worker"),
		       there = graph_thread(graph, 2, "worker"),
		       twin = graph_thread(graph, 3, "worker");
	struct scene scene;

	(void)state;
	graph->nodes[there].process = bank;
	graph->nodes[twin].process = bank;
	scene = scene_of(graph);
	assert_string_equal(peeps_label_actor(&scene.labels, graph, here), "orders-4711/worker");
	assert_string_equal(peeps_label_actor(&scene.labels, graph, there), "bank-4800/worker (2)");
	assert_string_equal(peeps_label_actor_at_home(&scene.labels, graph, twin, bank),
			    "worker (3)");
	assert_string_equal(peeps_label_actor_at_home(&scene.labels, graph, twin, 0),
			    "bank-4800/worker (3)");
	leave(&scene);
}

static void wait__across_processes__says_whose_each_is(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t bank = graph_process(graph, "bank", 4800);
	const uint32_t here = graph_thread(graph, 1, "worker");
	const uint32_t mutex = graph_mutex(graph, "accounts", "/src/bank.c", 42);
	const uint32_t wait = graph_wait(graph, here, mutex, 18 * S);
	struct scene scene;

	(void)state;
	graph->nodes[mutex].process = bank;
	scene = scene_of(graph);
	assert_wait(
		&scene, wait,
		"orders-4711/worker has waited 2.0 s for mutex \"accounts\" (bank-4800, bank.c:42)");
	assert_string_equal(peeps_label_brief_wait(scene.labels.arena, &scene.labels, graph,
						   &graph->edges[wait]),
			    "which waits for \"accounts\" (bank-4800)");
	leave(&scene);
}

static void wait__for_what_was_not_looked_at__calls_it_as_its_process_would(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t here = graph_thread(graph, 1, "worker");
	const uint32_t stub = graph_mutex(graph, "mutex:bank-4800:accounts:x", NULL, 0),
		       odd = graph_mutex(graph, "odd", NULL, 0);
	const uint32_t wait = graph_wait(graph, here, stub, 18 * S),
		       other = graph_wait(graph, here, odd, 18 * S);
	struct scene scene;

	(void)state;
	graph->nodes[stub].kind_number = PEEPS_KIND_FOREIGN;
	graph->nodes[odd].kind_number = PEEPS_KIND_FOREIGN;
	graph->nodes[odd].kind = "foreign";
	scene = scene_of(graph);
	assert_wait(&scene, wait,
		    "worker has waited 2.0 s for mutex \"accounts:x\" (bank-4800, not looked at)");
	assert_string_equal(peeps_label_brief_wait(scene.labels.arena, &scene.labels, graph,
						   &graph->edges[wait]),
			    "which waits for \"accounts:x\" (bank-4800)");
	assert_wait(&scene, other, "worker has waited 2.0 s for foreign \"odd\"");
	graph->nodes[stub].kind_number = PEEPS_KIND_MUTEX; /* called so by somebody */
	assert_wait(&scene, wait,
		    "worker has waited 2.0 s for mutex \"mutex:bank-4800:accounts:x\"");
	leave(&scene);
}

static void inside__across_processes__names_the_process_once(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "loop"), task = graph_task(graph, "parse");
	const uint32_t mutex = graph_mutex(graph, "m", NULL, 0);
	uint32_t wait;
	struct scene scene;

	(void)state;
	(void)graph_process(graph, "bank", 4800);
	graph_enter(graph, thread, task);
	wait = graph_wait(graph, task, mutex, 18 * S);
	scene = scene_of(graph);
	assert_string_equal(
		peeps_label_inside(scene.labels.arena, &scene.labels, graph, thread, task),
		"orders-4711/loop runs parse");
	assert_wait(&scene, wait,
		    "orders-4711/parse (on loop) has waited 2.0 s for mutex \"m\" (orders-4711)");
	leave(&scene);
}

static void wait__timed__says_when_it_gives_up(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "worker");
	const uint32_t mutex = graph_mutex(graph, "accounts", NULL, 0);
	const uint32_t wait = graph_wait(graph, thread, mutex, 18 * S);
	struct scene scene;

	(void)state;
	graph_until(graph, wait, 23200);
	scene = scene_of(graph);
	assert_wait(&scene, wait,
		    "worker has waited 2.0 s (times out in 3.2 s) for mutex \"accounts\"");
	assert_string_equal(peeps_label_timeout(scene.labels.arena, graph, &graph->edges[wait],
						PEEPS_LABEL_CELL),
			    "3.2 s left");
	graph_until(graph, wait, 19000);
	assert_wait(&scene, wait,
		    "worker has waited 2.0 s (times out any moment) for mutex \"accounts\"");
	graph_until(graph, wait, UINT64_MAX - 1);
	assert_wait(&scene, wait,
		    "worker has waited 2.0 s (times out in 213503 d 23 h) for mutex \"accounts\"");
	leave(&scene);
}

static void hold__recursive__says_how_often(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t thread = graph_thread(graph, 1, "worker");
	const uint32_t mutex = graph_mutex(graph, "accounts", NULL, 0);
	const uint32_t hold = graph_hold(graph, mutex, thread, 10 * S);
	struct scene scene;

	(void)state;
	graph->edges[hold].count = 3;
	scene = scene_of(graph);
	assert_string_equal(peeps_label_hold(scene.labels.arena, &scene.labels, graph,
					     &graph->edges[hold], 0, PEEPS_LABEL_SHORT),
			    "held for 10.0 s by worker (locked 3 times)");
	assert_string_equal(peeps_label_hold(scene.labels.arena, &scene.labels, graph,
					     &graph->edges[hold], 0, PEEPS_LABEL_FULL),
			    "held for 10.0 s by worker (locked 3 times, first at /src/bank.c:88)");
	leave(&scene);
}

static void wait__for_the_end_of_an_actor__calls_it_by_its_name(void **state)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t waiter = graph_thread(graph, 1, "main"),
		       child = graph_thread(graph, 2, "child");
	const uint32_t wait = graph_operation(graph, waiter, PEEPS_OP_JOIN, "join", child, 18 * S);
	struct scene scene = scene_of(graph);

	(void)state;
	assert_wait(&scene, wait, "main has waited 2.0 s for the end of child");
	leave(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actor__same_name_in_two_processes__is_told_by_its_process),
		cmocka_unit_test(wait__across_processes__says_whose_each_is),
		cmocka_unit_test(wait__for_what_was_not_looked_at__calls_it_as_its_process_would),
		cmocka_unit_test(inside__across_processes__names_the_process_once),
		cmocka_unit_test(wait__timed__says_when_it_gives_up),
		cmocka_unit_test(hold__recursive__says_how_often),
		cmocka_unit_test(wait__for_the_end_of_an_actor__calls_it_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
