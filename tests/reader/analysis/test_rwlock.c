/* SPDX-License-Identifier: MIT */
/* Who could end a wait for a rwlock, and what is said of it. */
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

struct wait {
	char mode;  /* 'r', 'w'; 0 = waits for nothing */
	bool timed; /* gives up some time */
};

/* One rwlock, of which everybody has what `holds` says ('r', 'w' or ' ') and waits for what `waits` says. */
static const struct row {
	const char *name;
	const char *prefers;
	char holds[ACTORS + 1];
	struct wait waits[ACTORS];
	const char *proved, *all; /* who is stuck: 's' */
} rows[] = {
	{ "a reader asks to write", "readers", "r  ", { { 'w', false } }, "s..", "s.." },
	{ "... for a while", "readers", "r  ", { { 'w', true } }, "...", "..." },
	{ "two readers ask to write", "readers", "rr ", { { 'w', 0 }, { 'w', 0 } }, "ss.", "ss." },
	{ "one of them gives up", "readers", "rr ", { { 'w', 0 }, { 'w', 1 } }, "s..", "s.." },
	{ "a third one reads on", "readers", "rrr", { { 'w', 0 }, { 'w', 0 } }, "ss.", "ss." },
	{ "a writer waits for readers",
	  "readers",
	  "rr ",
	  { { 0 }, { 0 }, { 'w', 0 } },
	  "...",
	  "..." },
	{ "behind a stuck reader", "readers", "r  ", { { 'w', 0 }, { 'w', 0 } }, "ss.", "ss." },
	{ "a reader waits beside readers: in transit",
	  "readers",
	  "r  ",
	  { { 'w', 0 }, { 'r', 0 } },
	  "s..",
	  "s.." },
	{ "a reader waits for the writer", "readers", "w  ", { { 0 }, { 'r', 0 } }, "...", "..." },
	{ "who writes reads", "readers", "w  ", { { 'r', 0 } }, "s..", "s.." },
	{ "writers first: behind who waits to write",
	  "writers",
	  "r  ",
	  { { 0 }, { 'w', 0 }, { 'r', 0 } },
	  "...",
	  "..." },
	{ "... and reads again while one waits to write",
	  "writers",
	  "r  ",
	  { { 'r', 0 }, { 'w', 0 } },
	  "ss.",
	  "ss." },
	{ "... who gives up", "writers", "r  ", { { 'r', 0 }, { 'w', 1 } }, "...", "..." },
	{ "... nobody waits to write", "writers", "r  ", { { 'r', 0 } }, "...", "..." },
	{ "... which readers need not wait for",
	  "readers",
	  "r  ",
	  { { 'r', 0 }, { 'w', 0 } },
	  "...",
	  "..." },
	{ "nobody holds it", "readers", "   ", { { 'w', 0 }, { 'r', 0 } }, "...", "..." },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void details(struct peeps_edge *edge, struct peeps_attribute *room, const struct wait *wait)
{
	room[0] = (struct peeps_attribute){
		.name = "mode",
		.value = { .type = PEEPS_VALUE_TEXT,
			   .as.text = wait->mode == 'r' ? "read" : "exclusive" },
	};
	room[1] = (struct peeps_attribute){
		.name = "until_ptime_ms",
		.value = { .type = wait->timed ? PEEPS_VALUE_UNSIGNED : PEEPS_VALUE_NULL,
			   .as.number = 30000 },
	};
	edge->details = room;
	edge->detail_count = 2;
}

struct scene {
	struct peeps_graph *graph;
	uint32_t lock;
	uint32_t actors[ACTORS];
	struct peeps_attribute details[ACTORS][2];
};

static void stage(struct scene *scene, const struct row *row)
{
	static const char *const names[ACTORS] = { "anna", "bert", "carl" };
	struct peeps_graph *const graph = scene->graph = graph_new();

	for (uint32_t i = 0; i < ACTORS; i++)
		scene->actors[i] = graph_thread(graph, i + 1, names[i]);
	scene->lock = graph_mutex(graph, "config", "/src/config.c", 12);
	graph->nodes[scene->lock].kind = "rwlock";
	graph->nodes[scene->lock].kind_number = PEEPS_KIND_RWLOCK;
	graph->nodes[scene->lock].attribute_count = 0;
	graph_attribute(graph, scene->lock, "prefers",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = row->prefers });
	graph_number(graph, scene->lock, "anonymous_unlocks", 0);
	for (uint32_t i = 0; i < ACTORS; i++) {
		uint32_t edge;

		if (row->holds[i] == ' ')
			continue;
		edge = graph_hold(graph, scene->lock, scene->actors[i], 2 * S);
		graph->edges[edge].mode_number =
			row->holds[i] == 'r' ? PEEPS_HOLD_MODE_READ : PEEPS_HOLD_MODE_EXCLUSIVE;
		graph->edges[edge].mode = row->holds[i] == 'r' ? "read" : "exclusive";
	}
	for (uint32_t i = 0; i < ACTORS; i++) {
		uint32_t edge;

		if (!row->waits[i].mode)
			continue;
		edge = graph_wait(graph, scene->actors[i], scene->lock, 4 * S);
		details(&graph->edges[edge], scene->details[i], &row->waits[i]);
	}
}

static void assert_stuck(const struct scene *scene, const struct row *row, enum peeps_belief belief,
			 const char *expected)
{
	struct peeps_wakers wakers;
	struct peeps_reduction reduction;
	char found[ACTORS + 1] = "";

	assert_int_equal(peeps_wakers_init(&wakers, scene->graph), 0);
	assert_int_equal(peeps_reduce(&reduction, &wakers, belief), 0);
	for (size_t i = 0; i < ACTORS; i++)
		found[i] = reduction.stuck[scene->actors[i]] ? 's' : '.';
	if (strcmp(found, expected) != 0)
		fail_msg("%s: %s, and not %s", row->name, found, expected);
	peeps_reduction_deinit(&reduction);
	peeps_wakers_deinit(&wakers);
}

static void reduce__rwlock__who_is_stuck(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct scene scene;

		stage(&scene, &rows[i]);
		assert_stuck(&scene, &rows[i], PEEPS_BELIEVE_PROVED, rows[i].proved);
		assert_stuck(&scene, &rows[i], PEEPS_BELIEVE_ALL, rows[i].all);
		peeps_graph_free(scene.graph);
	}
}

static void reduce__rwlock_unlocked_by_a_stranger__nothing_is_certain(void **state)
{
	const struct row *const row = &rows[2];
	struct scene scene;

	(void)state;
	stage(&scene, row);
	graph_number(scene.graph, scene.lock, "anonymous_unlocks", 1);
	assert_stuck(&scene, row, PEEPS_BELIEVE_PROVED, "...");
	assert_stuck(&scene, row, PEEPS_BELIEVE_ALL, "ss.");
	peeps_graph_free(scene.graph);
}

static void reduce__rwlock_writer_ahead_is_not_proved__the_reader_is_perhaps_stuck(void **state)
{
	const struct row *const row = &rows[11];
	struct scene scene;

	(void)state;
	stage(&scene, row);
	for (size_t i = 0; i < scene.graph->edge_count; i++)
		if (scene.graph->edges[i].kind == PEEPS_EDGE_NEEDS &&
		    scene.graph->edges[i].src == scene.actors[1])
			scene.graph->edges[i].uncertain = true;
	assert_stuck(&scene, row, PEEPS_BELIEVE_PROVED, "...");
	assert_stuck(&scene, row, PEEPS_BELIEVE_ALL, "ss.");
	peeps_graph_free(scene.graph);
}

static void assert_number(const struct scene *scene, const char *name, uint64_t expected)
{
	const struct peeps_value *value =
		peeps_graph_attribute(&scene->graph->nodes[scene->lock], name);

	assert_non_null(value);
	assert_int_equal(value->as.number, expected);
}

static void analyse__rwlock__readers_and_waiters_are_counted(void **state)
{
	static const struct row row = { "",    "readers",
					"rr ", { { 'w', 0 }, { 'r', 0 }, { 'w', 0 } },
					NULL,  NULL };
	struct scene scene;

	(void)state;
	stage(&scene, &row);
	graph_analyse(scene.graph, 0);
	assert_number(&scene, "readers", 2);
	assert_number(&scene, "read_waiters", 1);
	assert_number(&scene, "write_waiters", 2);
	peeps_graph_free(scene.graph);
}

static void finding__upgrade__says_who_reads_and_who_would_write(void **state)
{
	struct scene scene;

	(void)state;
	stage(&scene, &rows[2]);
	graph_analyse(scene.graph, 0);
	assert_int_equal(scene.graph->finding_count, 1);
	assert_true(scene.graph->findings[0].certain);
	assert_string_equal(
		scene.graph->findings[0].sentence,
		"anna has waited 16.0 s to write rwlock \"config\" (config.c:12), read for 18.0 s by "
		"bert (and by 1 other), which waits to write \"config\", read by anna: a certain "
		"deadlock");
	peeps_graph_free(scene.graph);
}

static void finding__written__says_so(void **state)
{
	struct scene scene;

	(void)state;
	stage(&scene, &rows[9]);
	graph_analyse(scene.graph, 0);
	assert_int_equal(scene.graph->finding_count, 1);
	assert_string_equal(
		scene.graph->findings[0].sentence,
		"anna has waited 16.0 s to read rwlock \"config\" (config.c:12), written for 18.0 s "
		"by anna itself: a certain deadlock");
	peeps_graph_free(scene.graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reduce__rwlock__who_is_stuck),
		cmocka_unit_test(reduce__rwlock_unlocked_by_a_stranger__nothing_is_certain),
		cmocka_unit_test(
			reduce__rwlock_writer_ahead_is_not_proved__the_reader_is_perhaps_stuck),
		cmocka_unit_test(analyse__rwlock__readers_and_waiters_are_counted),
		cmocka_unit_test(finding__upgrade__says_who_reads_and_who_would_write),
		cmocka_unit_test(finding__written__says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
