/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "reader/recording/news.h"
#include "tests/reader/graph_builder.h"

/* Two threads that wait for each other, and perhaps others behind them. */
static struct peeps_graph *deadlock(uint32_t sequence, uint32_t victims)
{
	struct peeps_graph *graph = graph_new();
	const uint32_t a = graph_thread(graph, 1, "a"), b = graph_thread(graph, 2, "b");
	const uint32_t left = graph_mutex(graph, "left", NULL, 0);
	const uint32_t right = graph_mutex(graph, "right", NULL, 0);
	uint32_t wait;

	(void)graph_hold(graph, left, a, 1 * S);
	(void)graph_hold(graph, right, b, 1 * S);
	wait = graph_wait(graph, a, right, 2 * S);
	graph->edges[wait].wait_sequence = sequence;
	(void)graph_wait(graph, b, left, 2 * S);
	for (uint32_t i = 0; i < victims; i++)
		(void)graph_wait(graph, graph_thread(graph, 10 + i, "late"), left, 3 * S);
	graph_analyse(graph, 0);
	return graph;
}

static size_t count_news(struct peeps_news *news, struct peeps_graph *graph)
{
	size_t cursor = 0, count = 0;

	while (peeps_news_next(news, graph, &cursor))
		count++;
	peeps_graph_free(graph);
	return count;
}

static void news__same_deadlock_again__is_none(void **state)
{
	struct peeps_news *news = calloc(1, sizeof(*news));

	(void)state;
	assert_non_null(news);
	assert_int_equal(count_news(news, deadlock(1, 0)), 1);
	assert_int_equal(count_news(news, deadlock(1, 0)), 0);
	assert_int_equal(count_news(news, deadlock(1, 2)), 0); /* with more behind it */
	assert_int_equal(count_news(news, graph_new()), 0);
	assert_int_equal(count_news(news, deadlock(1, 0)), 0);
	free(news);
}

static void news__looks_the_same_and_began_anew__is_one(void **state)
{
	struct peeps_news *news = calloc(1, sizeof(*news));

	(void)state;
	assert_non_null(news);
	assert_int_equal(count_news(news, deadlock(1, 0)), 1);
	assert_int_equal(count_news(news, deadlock(2, 0)), 1);
	free(news);
}

static void news__only_possible__is_none(void **state)
{
	struct peeps_news *news = calloc(1, sizeof(*news));
	struct peeps_graph *graph = deadlock(1, 0);

	(void)state;
	assert_non_null(news);
	graph->findings[0].certain = false;
	assert_int_equal(count_news(news, graph), 0);
	free(news);
}

static void news__more_than_can_be_remembered__end(void **state)
{
	struct peeps_news *news = calloc(1, sizeof(*news));

	(void)state;
	assert_non_null(news);
	for (uint32_t i = 0; i < PEEPS_NEWS_MAX; i++)
		news->seen[news->count++] = i;
	assert_int_equal(count_news(news, deadlock(1, 0)), 0);
	free(news);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(news__same_deadlock_again__is_none),
		cmocka_unit_test(news__looks_the_same_and_began_anew__is_one),
		cmocka_unit_test(news__only_possible__is_none),
		cmocka_unit_test(news__more_than_can_be_remembered__end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
