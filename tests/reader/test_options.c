/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/options.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* Words are separated by blanks; an empty text has none. */
static int parse(const char *line, struct peeps_options *options, struct peeps_problem *problem)
{
	static char words[512];
	char *arguments[16];
	int count = 0;

	(void)snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		arguments[count++] = word;
	return peeps_options_parse(options, count, arguments, problem);
}

static void parse__good_command_lines__mean_what_they_say(void **state)
{
	static const struct {
		const char *line;
		struct peeps_options options;
	} rows[] = {
		{ "4711", { .targets = { "4711" }, .target_count = 1 } },
		{ "--passive 4711", { .targets = { "4711" }, .target_count = 1, .passive = true } },
		{ "-J 4711", { .targets = { "4711" }, .target_count = 1, .format = PEEPS_FORMAT_JSON } },
		{ "--max-wait 2s --min=100ms 4711",
		  { .targets = { "4711" }, .target_count = 1, .max_wait_ns = 2 * S, .min_ns = 100 * MS } },
		{ "blocked 4711", { .verb = PEEPS_VERB_BLOCKED, .targets = { "4711" }, .target_count = 1 } },
		{ "blocked --tree --min 1.5s 4711",
		  { .verb = PEEPS_VERB_BLOCKED,
		    .targets = { "4711" }, .target_count = 1,
		    .tree = true,
		    .min_ns = 1500 * MS } },
		{ "--tree blocked 4711",
		  { .verb = PEEPS_VERB_BLOCKED, .targets = { "4711" }, .target_count = 1, .tree = true } },
		{ "check 4711 --max-wait=1m",
		  { .verb = PEEPS_VERB_CHECK, .targets = { "4711" }, .target_count = 1, .max_wait_ns = 60 * S } },
		{ "check -- 4711", { .verb = PEEPS_VERB_CHECK, .targets = { "4711" }, .target_count = 1 } },
		{ "dump 4711", { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1 } },
		{ "dump 4711 -f json",
		  { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1, .format = PEEPS_FORMAT_JSON } },
		{ "dump 4711 -fjson",
		  { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1, .format = PEEPS_FORMAT_JSON } },
		{ "dump 4711 --json",
		  { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1, .format = PEEPS_FORMAT_JSON } },
		{ "dump 4711 --history -o x.txt",
		  { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1, .history = true, .output = "x.txt" } },
		{ "dump 4711 -o x.json",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" }, .target_count = 1,
		    .format = PEEPS_FORMAT_JSON,
		    .output = "x.json" } },
		{ "dump 4711 -f text -o x.json",
		  { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1, .output = "x.json" } },
		{ "dump 4711 -o -", { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1, .output = "-" } },
		{ "help", { .verb = PEEPS_VERB_HELP } },
		{ "--help", { .verb = PEEPS_VERB_HELP } },
		{ "help dump", { .verb = PEEPS_VERB_HELP, .topic = PEEPS_VERB_DUMP } },
		{ "dump -h", { .verb = PEEPS_VERB_HELP, .topic = PEEPS_VERB_DUMP } },
		{ "version", { .verb = PEEPS_VERB_VERSION } },
		{ "--version", { .verb = PEEPS_VERB_VERSION } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peeps_options *wanted = &rows[i].options;
		struct peeps_options got;
		struct peeps_problem problem;

		print_message("# %s\n", rows[i].line);
		assert_int_equal(parse(rows[i].line, &got, &problem), 0);
		assert_int_equal(got.verb, wanted->verb);
		assert_int_equal(got.target_count, wanted->target_count);
		for (size_t t = 0; t < wanted->target_count; t++)
			assert_string_equal(got.targets[t], wanted->targets[t]);
		assert_int_equal(got.topic, wanted->topic);
		assert_int_equal(got.format, wanted->format);
		assert_int_equal(got.min_ns, wanted->min_ns);
		assert_int_equal(got.max_wait_ns, wanted->max_wait_ns);
		assert_int_equal(got.tree, wanted->tree);
		assert_int_equal(got.history, wanted->history);
		assert_int_equal(got.passive, wanted->passive);
		if (wanted->output)
			assert_string_equal(got.output, wanted->output);
		else
			assert_null(got.output);
	}
}

static void parse__bad_command_lines__are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "check", "whom to look at?" },
		{ "-1", "'-1'" },
		{ "check 4711 --max-wait 5", "'5' has no unit" },
		{ "check 4711 --max-wait 0", "'0' has no unit" },
		{ "check 4711 --max-wait 5x", "'5x' is none" },
		{ "check 4711 --max-wait s", "'s' is none" },
		{ "check 4711 --max-wait -5s", "'-5s' is none" },
		{ "check 4711 --max-wait 1.s", "'1.s' is none" },
		{ "check 4711 --max-wait 99999999999999999999s", "is none" },
		{ "check 4711 --max-wait 18446744073709551617ns", "is none" }, /* 1 when it wraps */
		{ "check 4711 --max-wait 18446744073709551620ns", "is none" }, /* 4 */
		{ "check 4711 --max-wait 999999999999d", "is none" },
		{ "check 4711 --max-wait", "--max-wait takes a DURATION" },
		{ "check 4711 --max-wait=", "'' is none" },
		{ "check 4711 --tree", "--tree is not an option of check" },
		{ "blocked 4711 -o x", "--output is not an option of blocked" },
		{ "check 4711 --passive=yes", "'--passive=yes'" },
		{ "check 4711 --unknown", "'--unknown'" },
		{ "check 4711 --passiv", "'--passiv'" },
		{ "check 4711 -x", "'-x'" },
		{ "dump 4711 -f xml", "'xml'" },
		{ "dump 4711 -f", "--format takes a FORMAT" },
		{ "dump 4711 -o", "--output takes a FILE" },
		{ "help frobnicate", "'frobnicate'" },
		{ "help dump check", "'check'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_options options;
		struct peeps_problem problem;

		print_message("# %s\n", rows[i].line);
		assert_int_equal(parse(rows[i].line, &options, &problem), -EINVAL);
		assert_int_equal(problem.status, PEEPS_EXIT_USAGE);
		assert_true(problem.what[0] != '\0');
		if (!strstr(problem.why, rows[i].why))
			fail_msg("'%s' does not say '%s'", problem.why, rows[i].why);
	}
}

static void parse__durations__have_units_and_fractions(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{ "1ns", 1 },
		{ "1us", 1000 },
		{ "100ms", 100 * MS },
		{ "2s", 2 * S },
		{ "1m", 60 * S },
		{ "1h", 3600 * S },
		{ "1d", 86400 * S },
		{ "0.5s", 500 * MS },
		{ "1.25m", 75 * S },
		{ "0s", 0 },
		{ "2.000000000000001s", 2 * S },
		{ "0.1ms", 100000 },
		{ "213503d", UINT64_C(213503) * 86400 * S },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_options options;
		struct peeps_problem problem;
		char line[64];

		(void)snprintf(line, sizeof(line), "blocked 1 --min %s", rows[i].text);
		assert_int_equal(parse(line, &options, &problem), 0);
		assert_int_equal(options.min_ns, rows[i].ns);
	}
}

static void help__each_verb__names_its_options_and_no_others(void **state)
{
	(void)state;
	for (int verb = PEEPS_VERB_LOOK; verb <= PEEPS_VERB_VERSION; verb++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		peeps_options_help((enum peeps_verb)verb, out);
		assert_int_equal(fclose(out), 0);
		assert_non_null(strstr(text, "usage: peeps-read"));
		assert_int_equal(strstr(text, "--tree") != NULL,
				 verb == PEEPS_VERB_BLOCKED || verb == PEEPS_VERB_LOOK);
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
			assert_true(strcspn(line, "\n") <= 100);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__good_command_lines__mean_what_they_say),
		cmocka_unit_test(parse__bad_command_lines__are_refused_with_a_reason),
		cmocka_unit_test(parse__durations__have_units_and_fractions),
		cmocka_unit_test(help__each_verb__names_its_options_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
