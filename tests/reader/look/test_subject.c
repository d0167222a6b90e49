/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "reader/target/attach.h"
#include "reader/graph/arena.h"
#include "reader/look/subject.h"
#include "tests/reader/graph_builder.h"

static void assert_found(const struct peeps_graph *graph, const char *word, bool is_scope,
			 uint32_t number)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_subject subject = { .number = 77 };

	assert_int_equal(peeps_subject_find(&subject, graph, word, &problem), 0);
	assert_int_equal(subject.is_scope, is_scope);
	assert_int_equal(subject.number, number);
}

static void assert_refused(const struct peeps_graph *graph, const char *word, int error, int status,
			   const char *what, const char *why)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_subject subject;

	assert_int_equal(peeps_subject_find(&subject, graph, word, &problem), error);
	assert_int_equal(problem.status, status);
	assert_string_equal(problem.what, what);
	assert_string_equal(problem.why, why);
	assert_true(problem.hint[0]);
}

static void find__whole_id__is_it_whatever_else_is_called_so(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	(void)graph_mutex(graph, "thread:orders-4711:4713", NULL, 0);
	assert_found(graph, "thread:orders-4711:4713", false, 1);
	peeps_graph_free(graph);
}

static void find__end_of_an_id_or_a_name__is_the_only_one(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	const uint32_t scope = graph_scope(graph, "c1");

	(void)state;
	assert_found(graph, "accounts", false, 2);
	assert_found(graph, "orders-4711:accounts", false, 2);
	assert_found(graph, "4713", false, 1);
	assert_found(graph, "worker-2", false, 1);
	assert_found(graph, "scope:orders-4711:connection:c1", true, scope);
	assert_found(graph, "c1", true, scope);
	peeps_graph_free(graph);
}

static void find__name_of_a_channel__is_its_sending_end(void **state)
{
	struct peeps_graph *graph = graph_new();
	const struct graph_channel jobs = graph_channel(graph, "jobs", 1, 2);

	(void)state;
	assert_found(graph, "jobs", false, jobs.tx);
	assert_found(graph, "jobs:rx", false, jobs.rx);
	peeps_graph_free(graph);
}

static void find__several__lists_them(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	(void)graph_thread(graph, 7, "pool");
	(void)graph_thread(graph, 8, "pool");
	(void)graph_mutex(graph, "pool", NULL, 0);
	assert_refused(graph, "pool", -EINVAL, 2, "'pool' could be any of 3",
		       "thread:orders-4711:7, thread:orders-4711:8, mutex:orders-4711:pool");
	assert_found(graph, "mutex:pool", false, 2);
	assert_found(graph, "thread:8", false, 1);
	assert_refused(graph, "mutey:pool", -ENOENT, 3, "there is no 'mutey:pool'",
		       "nothing is called like that");
	assert_refused(graph, "mute:pool", -ENOENT, 3, "there is no 'mute:pool'",
		       "nothing is called like that");
	for (uint32_t i = 0; i < 20; i++)
		(void)graph_thread(graph, 10 + i, "many");
	assert_refused(
		graph, "many", -EINVAL, 2, "'many' could be any of 20",
		"thread:orders-4711:10, thread:orders-4711:11, thread:orders-4711:12, thread:orders-4711:13, "
		"thread:orders-4711:14, thread:orders-4711:15, thread:orders-4711:16, thread:orders-4711:17, "
		"thread:orders-4711:18, thread:orders-4711:19 and 10 more");
	peeps_graph_free(graph);
}

static void find__several_with_ids_beyond_any_line__lists_those_that_fit(void **state)
{
	struct peeps_graph *graph = graph_new();
	struct peeps_problem problem = { .status = 0 };
	struct peeps_subject subject;
	char name[700];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (uint32_t i = 0; i < 3; i++) {
		const uint32_t node = graph_thread(graph, i + 1, "same");

		graph->nodes[node].id = peeps_arena_format(graph->arena, "thread:%s:%u", name, i);
	}
	assert_int_equal(peeps_subject_find(&subject, graph, "same", &problem), -EINVAL);
	assert_non_null(strstr(problem.why, ":0 and 2 more"));
	peeps_graph_free(graph);
}

static void find__none__names_the_nearest(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();

	(void)state;
	assert_refused(graph, "acounts", -ENOENT, 3, "there is no 'acounts'",
		       "the nearest: mutex:orders-4711:accounts");
	assert_refused(
		graph, "worker", -ENOENT, 3, "there is no 'worker'",
		"the nearest: thread:orders-4711:4712 (worker-1), thread:orders-4711:4713 (worker-2)");
	assert_refused(graph, "mutex:orders-4712:ledger", -ENOENT, 3,
		       "there is no 'mutex:orders-4712:ledger'",
		       "the nearest: mutex:orders-4711:ledger, mutex:orders-4711:accounts, "
		       "thread:orders-4711:4712 (worker-1)");
	assert_refused(graph, "ker-2", -ENOENT, 3, "there is no 'ker-2'",
		       "the nearest: thread:orders-4711:4713 (worker-2)");
	assert_refused(graph, "ounts", -ENOENT, 3, "there is no 'ounts'",
		       "the nearest: mutex:orders-4711:accounts");
	assert_refused(graph, "zzzzzzzz", -ENOENT, 3, "there is no 'zzzzzzzz'",
		       "nothing is called like that");
	assert_refused(
		graph, "", -ENOENT, 3, "there is no ''",
		"the nearest: thread:orders-4711:4712 (worker-1), thread:orders-4711:4713 (worker-2), "
		"mutex:orders-4711:accounts");
	peeps_graph_free(graph);
}

static void find__words_beyond_any_size__are_refused(void **state)
{
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_problem problem = { .status = 0 };
	struct peeps_subject subject;
	char *word = malloc(100000);

	(void)state;
	assert_non_null(word);
	memset(word, 'w', 99999);
	word[99999] = '\0';
	assert_int_equal(peeps_subject_find(&subject, graph, word, &problem), -ENOENT);
	assert_true(problem.what[0] && problem.why[0]);
	free(word);
	peeps_graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find__whole_id__is_it_whatever_else_is_called_so),
		cmocka_unit_test(find__end_of_an_id_or_a_name__is_the_only_one),
		cmocka_unit_test(find__name_of_a_channel__is_its_sending_end),
		cmocka_unit_test(find__several__lists_them),
		cmocka_unit_test(find__several_with_ids_beyond_any_line__lists_those_that_fit),
		cmocka_unit_test(find__none__names_the_nearest),
		cmocka_unit_test(find__words_beyond_any_size__are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
