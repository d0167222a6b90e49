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

#include "reader/command/options.h"
#include "reader/problem.h"

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
		{ "gc --dry-run", { .verb = PEEPS_VERB_GC, .dry_run = true } },
		{ "gc --dry-run -J",
		  { .verb = PEEPS_VERB_GC, .dry_run = true, .format = PEEPS_FORMAT_JSON } },
		{ "--passive 4711", { .targets = { "4711" }, .target_count = 1, .passive = true } },
		{ "-J 4711",
		  { .targets = { "4711" }, .target_count = 1, .format = PEEPS_FORMAT_JSON } },
		{ "--max-wait 2s --min=100ms 4711",
		  { .targets = { "4711" },
		    .target_count = 1,
		    .max_wait_ns = 2 * S,
		    .min_ns = 100 * MS } },
		{ "blocked 4711",
		  { .verb = PEEPS_VERB_BLOCKED, .targets = { "4711" }, .target_count = 1 } },
		{ "blocked --tree --min 1.5s 4711",
		  { .verb = PEEPS_VERB_BLOCKED,
		    .targets = { "4711" },
		    .target_count = 1,
		    .tree = true,
		    .min_ns = 1500 * MS } },
		{ "--tree blocked 4711",
		  { .verb = PEEPS_VERB_BLOCKED,
		    .targets = { "4711" },
		    .target_count = 1,
		    .tree = true } },
		{ "check 4711 --max-wait=1m",
		  { .verb = PEEPS_VERB_CHECK,
		    .targets = { "4711" },
		    .target_count = 1,
		    .max_wait_ns = 60 * S } },
		{ "check -- 4711",
		  { .verb = PEEPS_VERB_CHECK, .targets = { "4711" }, .target_count = 1 } },
		{ "dump 4711",
		  { .verb = PEEPS_VERB_DUMP, .targets = { "4711" }, .target_count = 1 } },
		{ "dump 4711 -f json",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .format = PEEPS_FORMAT_JSON } },
		{ "dump 4711 -fjson",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .format = PEEPS_FORMAT_JSON } },
		{ "dump 4711 --json",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .format = PEEPS_FORMAT_JSON } },
		{ "dump 4711 --history -o x.txt",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .history = true,
		    .output = "x.txt" } },
		{ "dump 4711 -o x.json",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .format = PEEPS_FORMAT_JSON,
		    .output = "x.json" } },
		{ "dump 4711 -f text -o x.json",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .output = "x.json" } },
		{ "dump 4711 -o -",
		  { .verb = PEEPS_VERB_DUMP,
		    .targets = { "4711" },
		    .target_count = 1,
		    .output = "-" } },
		{ "help", { .verb = PEEPS_VERB_HELP } },
		{ "--help", { .verb = PEEPS_VERB_HELP } },
		{ "help dump", { .verb = PEEPS_VERB_HELP, .topic = PEEPS_VERB_DUMP } },
		{ "dump -h", { .verb = PEEPS_VERB_HELP, .topic = PEEPS_VERB_DUMP } },
		{ "dump 1 -o x.json -h", { .verb = PEEPS_VERB_HELP, .topic = PEEPS_VERB_DUMP } },
		{ "dump 1 -o x.json --version", { .verb = PEEPS_VERB_VERSION } },
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
		assert_int_equal(got.dry_run, wanted->dry_run);
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
		{ "check", "whom shall check look at?" },
		{ "--passive", "whom shall peeps-read look at?" },
		{ "--tree", "whom shall peeps-read look at?" },
		{ "ps 4711", "'4711'" },
		{ "explain", "explain takes ID [TARGET...]" },
		{ "completion", "completion takes bash|zsh|fish" },
		{ "completion ksh", "'ksh'" },
		{ "completion bash zsh", "'zsh'" },
		{ "4711 check", "'check' stands after '4711'" },
		{ "dump 4711 -J -f text", "--json is not --format text" },
		{ "dump 4711 -f msgpack -J", "--json is not --format msgpack" },
		{ "blocked 4711 --tree --columns actor", "--tree prints none" },
		{ "blocked 4711 --tree --sort actor", "--tree prints none" },
		{ "blocked 4711 -J --tree", "--tree is for people" },
		{ "ps -J --sort pid", "--json prints none" },
		{ "ps -J --columns pid", "--json has all of them" },
		{ "check 4711 --every 1s", "the looks of --confirm" },
		{ "check 4711 --confirm 0", "'0' is none" },
		{ "check 4711 --confirm many", "'many' is none" },
		{ "check 4711 --confirm -1", "'-1' is none" },
		{ "check 4711 --confirm 3 --every 0s", "'0s' is nothing" },
		{ "check 4711 --max-wait 0ms", "'0ms' is nothing" },
		{ "check 4711 -w", "--watch is not an option of check" },
		{ "blocked 4711 --watch=0s", "'0s' is nothing" },
		{ "blocked 4711 --watch=5", "'5' has no unit" },
		{ "blocked 4711 -w5", "'5' has no unit" },
		{ "blocked - -w", "it can be read once only" },
		{ "blocked 4711 --color sometimes", "'sometimes'" },
		{ "ps --columns=", "--columns takes a LIST, and that is empty" },
		{ "dump 4711 --output=", "--output takes a FILE" },
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
		{ "check --dry-run 4711", "--dry-run is not an option of check" },
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
		assert_int_equal(problem.status, PEEPS_PROBLEM_USAGE);
		assert_true(problem.what[0] != '\0');
		if (!strstr(problem.why, rows[i].why))
			fail_msg("'%s' does not say '%s'", problem.why, rows[i].why);
	}
}

static void parse__formats_and_watch__by_option_suffix_or_default(void **state)
{
	static const struct {
		const char *line;
		enum peeps_format format;
		bool compressed;
		uint64_t watch_ns, every_ns;
		size_t targets;
	} rows[] = {
		{ "dump 1 -o a.msgpack", PEEPS_FORMAT_MSGPACK, .targets = 1 },
		{ "dump 1 -o a.msgpack.zst", PEEPS_FORMAT_MSGPACK, true, .targets = 1 },
		{ "dump 1 -o a.json.zst", PEEPS_FORMAT_JSON, true, .targets = 1 },
		{ "dump 1 -o a.zst", PEEPS_FORMAT_TEXT, true, .targets = 1 },
		{ "dump 1 -o a.dot", PEEPS_FORMAT_DOT, .targets = 1 },
		{ "dump 1 -o .json", PEEPS_FORMAT_TEXT, .targets = 1 },
		{ "dump 1 -J -o a.msgpack", PEEPS_FORMAT_JSON, .targets = 1 },
		{ "dump 1 -J -f json", PEEPS_FORMAT_JSON, .targets = 1 },
		{ "-w", .watch_ns = 2 * S },
		{ "--watch", .watch_ns = 2 * S },
		{ "-w 500ms", .watch_ns = 500 * MS },
		{ "-w1s", .watch_ns = S },
		{ "--watch=1s 1", .watch_ns = S, .targets = 1 },
		{ "--watch 1s 1", .watch_ns = S, .targets = 1 },
		{ "-w 4711", .watch_ns = 2 * S, .targets = 1 }, /* no unit: a PID */
		{ "-w name", .watch_ns = 2 * S, .targets = 1 },
		{ "blocked 1 2 3 -w", .watch_ns = 2 * S, .targets = 3 },
		{ "check 1 --confirm 3", .every_ns = S, .targets = 1 },
		{ "check 1 --confirm 3 --every 10ms", .every_ns = 10 * MS, .targets = 1 },
		{ "check 1", .targets = 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_options got;
		struct peeps_problem problem;

		print_message("# %s\n", rows[i].line);
		assert_int_equal(parse(rows[i].line, &got, &problem), 0);
		assert_int_equal(got.format, rows[i].format);
		assert_int_equal(got.compressed, rows[i].compressed);
		assert_int_equal(got.watch_ns, rows[i].watch_ns);
		assert_int_equal(got.every_ns, rows[i].every_ns);
		assert_int_equal(got.target_count, rows[i].targets);
	}
}

static void parse__words__are_what_the_verb_takes(void **state)
{
	struct peeps_options got;
	struct peeps_problem problem;

	(void)state;
	assert_int_equal(parse("", &got, &problem), 0);
	assert_int_equal(got.verb, PEEPS_VERB_PS);
	assert_int_equal(parse("--sort -blocked", &got, &problem), 0);
	assert_int_equal(got.verb, PEEPS_VERB_PS);
	assert_string_equal(got.sort, "-blocked");
	assert_int_equal(parse("explain mutex:p-1:a", &got, &problem), 0);
	assert_string_equal(got.subject, "mutex:p-1:a");
	assert_int_equal(got.target_count, 0);
	assert_int_equal(parse("explain mutex:p-1:a 1 x.json --history", &got, &problem), 0);
	assert_int_equal(got.target_count, 2);
	assert_string_equal(got.targets[1], "x.json");
	assert_int_equal(parse("doctor", &got, &problem), 0);
	assert_int_equal(got.target_count, 0);
	assert_int_equal(parse("doctor 1", &got, &problem), 0);
	assert_int_equal(got.target_count, 1);
	assert_int_equal(parse("completion fish", &got, &problem), 0);
	assert_int_equal(got.shell, PEEPS_SHELL_FISH);
	assert_int_equal(parse("1 --color never --columns waited,actor", &got, &problem), 0);
	assert_int_equal(got.color, PEEPS_COLOR_NEVER);
	assert_string_equal(got.columns, "waited,actor");
	/* A process may be called like a verb. */
	assert_int_equal(parse("-- check", &got, &problem), 0);
	assert_int_equal(got.verb, PEEPS_VERB_LOOK);
	assert_string_equal(got.targets[0], "check");
	assert_int_equal(parse("1 -- check", &got, &problem), 0);
	assert_int_equal(got.target_count, 2);
	assert_int_equal(parse("check check", &got, &problem), 0);
	assert_string_equal(got.targets[0], "check");
}

static void parse__something_near__is_suggested(void **state)
{
	static const struct {
		const char *line, *hint;
	} rows[] = {
		{ "check 1 --passiv", "did you mean --passive?" },
		{ "check 1 --pas", "did you mean --passive?" },
		{ "check 1 -passive", "did you mean --passive?" },
		{ "check 1 --maxwait=2s", "did you mean --max-wait?" },
		{ "blocked 1 --colour", "did you mean --color?" },
		{ "dump 1 --frobnicate", "peeps-read --help lists them" },
		{ "dump 1 -x", "peeps-read --help lists them" },
		{ "dump 1 -f jsn", "did you mean --format json?" },
		{ "blocked 1 --color=alway", "did you mean --color always?" },
		{ "help blokced", "did you mean blocked?" },
		{ "blocked 1 --min 5", "write a unit: 5ms, 5s or 5m" },
		{ "1 blocked", "peeps-read blocked ...; or -- before a process of that name" },
		{ "check 1 --passive=yes", "write --passive" },
		{ "check 1 --tree", "peeps-read help check shows those that are" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_options options;
		struct peeps_problem problem;

		print_message("# %s\n", rows[i].line);
		assert_int_equal(parse(rows[i].line, &options, &problem), -EINVAL);
		assert_string_equal(problem.hint, rows[i].hint);
	}
	assert_string_equal(peeps_verb_like("chekc"), "check");
	assert_string_equal(peeps_verb_like("bloked"), "blocked");
	assert_string_equal(peeps_verb_like("compl"), "completion");
	assert_null(peeps_verb_like("postgres"));
	assert_null(peeps_verb_like(""));
	assert_null(peeps_verb_like("a-word-that-is-longer-than-any-verb-there-is"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__good_command_lines__mean_what_they_say),
		cmocka_unit_test(parse__bad_command_lines__are_refused_with_a_reason),
		cmocka_unit_test(parse__formats_and_watch__by_option_suffix_or_default),
		cmocka_unit_test(parse__words__are_what_the_verb_takes),
		cmocka_unit_test(parse__something_near__is_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
