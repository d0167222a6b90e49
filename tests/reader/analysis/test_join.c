/* SPDX-License-Identifier: MIT */
/* Who could end a wait for an actor's end, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/analysis/reduce.h"
#include "tests/reader/graph_builder.h"

#define ACTORS 3
#define NOBODY 9

/* Each joins the one whose number is given, or waits for the mutex ('m'), which anna holds ('h'), or is gone ('g'). */
static const struct row {
	const char *name;
	char does[ACTORS + 1];
	bool blocks;              /* pthread's join; else an operation of the program's own */
	int timed;                /* who gives up some time */
	const char *proved, *all; /* who is stuck */
} rows[] = {
	{ "one that goes on", "1  ", true, NOBODY, "...", "..." },
	{ "one that is gone", "1g ", true, NOBODY, ".g.", ".g." },
	{ "one that joins one that goes on", "12 ", true, NOBODY, "...", "..." },
	{ "a ring", "120", true, NOBODY, "sss", "sss" },
	{ "a ring of which one gives up", "120", true, 1, "...", "..." },
	{ "one that waits for a lock of one's own", "1m ", true, NOBODY, "ss.", "ss." },
	{ "... for a while", "1m ", true, 0, "...", "..." },
	{ "behind that", "1m0", true, NOBODY, "sss", "sss" },
	{ "each other", "10 ", true, NOBODY, "ss.", "ss." },
	{ "each other, by means of one's own", "10 ", false, NOBODY, "ss.", "ss." },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct scene {
	struct peeps_graph *graph;
	uint32_t actors[ACTORS];
	uint32_t edges[ACTORS];
};

static void stage(struct scene *scene, const struct row *row)
{
	static const char *const names[ACTORS] = { "anna", "bert", "carl" };
	struct peeps_graph *const graph = scene->graph = graph_new();
	const uint32_t lock = graph_mutex(graph, "list", "/src/list.c", 12);

	for (uint32_t i = 0; i < ACTORS; i++)
		scene->actors[i] = graph_thread(graph, i + 1, names[i]);
	(void)graph_hold(graph, lock, scene->actors[0], 2 * S);
	for (uint32_t i = 0; i < ACTORS; i++) {
		const char what = row->does[i];

		graph->nodes[scene->actors[i]].gone = what == 'g';
		if (what == 'm')
			scene->edges[i] = graph_wait(graph, scene->actors[i], lock, 4 * S);
		else if (what >= '0' && what < '0' + ACTORS)
			scene->edges[i] = graph_operation(graph, scene->actors[i], PEEPS_OP_JOIN,
							  "join", scene->actors[what - '0'], 5 * S);
		else
			continue;
		graph->edges[scene->edges[i]].blocks = row->blocks;
		if (row->timed == (int)i)
			graph_until(graph, scene->edges[i], 60000);
	}
}

static void assert_stuck(const struct scene *scene, const char *name, enum peeps_belief belief,
			 const char *expected)
{
	struct peeps_wakers wakers;
	struct peeps_reduction reduction;
	char found[ACTORS + 1] = "";

	assert_int_equal(peeps_wakers_init(&wakers, scene->graph), 0);
	assert_int_equal(peeps_reduce(&reduction, &wakers, belief), 0);
	for (size_t i = 0; i < ACTORS; i++)
		found[i] = scene->graph->nodes[scene->actors[i]].gone ? 'g'
			   : reduction.stuck[scene->actors[i]]        ? 's'
								      : '.';
	if (strcmp(found, expected) != 0)
		fail_msg("%s: %s, and not %s", name, found, expected);
	peeps_reduction_deinit(&reduction);
	peeps_wakers_deinit(&wakers);
}

static void reduce__join__who_is_stuck(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct scene scene;

		stage(&scene, &rows[i]);
		assert_stuck(&scene, rows[i].name, PEEPS_BELIEVE_PROVED, rows[i].proved);
		assert_stuck(&scene, rows[i].name, PEEPS_BELIEVE_ALL, rows[i].all);
		peeps_graph_free(scene.graph);
	}
}

static void reduce__joined_actor_is_not_proved__nothing_is_certain(void **state)
{
	struct scene scene;

	(void)state;
	stage(&scene, &rows[3]);
	scene.graph->nodes[scene.actors[1]].uncertain = true;
	assert_stuck(&scene, "uncertain", PEEPS_BELIEVE_PROVED, "...");
	assert_stuck(&scene, "uncertain", PEEPS_BELIEVE_ALL, "sss");
	peeps_graph_free(scene.graph);
}

static void finding__ring__one_certain_deadlock_in_words(void **state)
{
	struct scene scene;

	(void)state;
	stage(&scene, &rows[3]);
	graph_analyse(scene.graph, 0);
	assert_int_equal(scene.graph->finding_count, 1);
	assert_true(scene.graph->findings[0].certain);
	assert_string_equal(
		scene.graph->findings[0].sentence,
		"anna has waited 15.0 s for the end of bert, which waits for the end of "
		"carl, which waits for the end of anna: a certain deadlock");
	assert_int_equal(scene.graph->findings[0].node_count, 3);
	assert_int_equal(scene.graph->findings[0].edge_count, 3);
	peeps_graph_free(scene.graph);
}

static void finding__lock_held_over_a_join__one_certain_deadlock_in_words(void **state)
{
	struct scene scene;

	(void)state;
	stage(&scene, &rows[7]);
	graph_analyse(scene.graph, 0);
	assert_int_equal(scene.graph->finding_count, 1);
	assert_string_equal(scene.graph->findings[0].sentence,
			    "anna has waited 15.0 s for the end of bert, which waits for \"list\", "
			    "held by anna: a certain deadlock");
	assert_int_equal(scene.graph->findings[0].victim_count, 1);
	peeps_graph_free(scene.graph);
}

/* A lock of who is gone keeps bert; anna, who joins him, is no orphan: bert is. */
static void finding__joined_actor_is_an_orphan__only_that_is_told(void **state)
{
	static const struct row row = { "", "1m ", true, NOBODY, NULL, NULL };
	struct scene scene;

	(void)state;
	stage(&scene, &row);
	scene.graph->edges[0].dst = scene.actors[2]; /* the hold */
	scene.graph->nodes[scene.actors[2]].gone = true;
	graph_analyse(scene.graph, 0);
	assert_int_equal(scene.graph->finding_count, 1);
	assert_int_equal(scene.graph->findings[0].kind, PEEPS_FINDING_ORPHANED_WAIT);
	assert_int_equal(scene.graph->findings[0].victim_count, 1);
	assert_int_equal(scene.graph->findings[0].victims[0], scene.actors[0]);
	peeps_graph_free(scene.graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reduce__join__who_is_stuck),
		cmocka_unit_test(reduce__joined_actor_is_not_proved__nothing_is_certain),
		cmocka_unit_test(finding__ring__one_certain_deadlock_in_words),
		cmocka_unit_test(finding__lock_held_over_a_join__one_certain_deadlock_in_words),
		cmocka_unit_test(finding__joined_actor_is_an_orphan__only_that_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
