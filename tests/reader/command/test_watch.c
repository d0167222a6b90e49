/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/command/watch.h"
#include "reader/problem.h"

#define AN_HOUR_NS UINT64_C(3600000000000) /* of which no test waits for the end */

/* What the looks of a test do, one after the other; the last one again and again. */
struct script {
	const char *text;
	int status;
	void (*act)(void); /* or NULL */
};

static const struct script *next_look;
static size_t looks, width_seen;

static int look(const struct peeps_options *options)
{
	const struct script *this = next_look;

	looks++;
	width_seen = options->width;
	assert_non_null(options->frame);
	(void)fputs(this->text, options->frame);
	if (this->act)
		this->act();
	if (this[1].text)
		next_look++;
	return this->status;
}

static void interrupt(void)
{
	assert_int_equal(raise(SIGINT), 0);
}

static int readable = -1, writable = -1;

static void open_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	readable = ends[0];
	writable = ends[1];
}

static void stop_reading(void)
{
	assert_int_equal(close(readable), 0);
	readable = -1;
}

static void close_pipe(void)
{
	(void)close(writable);
	if (readable >= 0)
		stop_reading();
}

/* What was written; times, which nobody can expect, are shown as TIME. */
static const char *shown(void)
{
	static char text[4096], clean[4096];
	size_t length = 0;
	char *to = clean;

	/* A terminal gives it in pieces: what comes last says that it was all. */
	assert_int_equal(write(writable, "#", 1), 1);
	do {
		const ssize_t got = read(readable, text + length, sizeof(text) - 1 - length);

		assert_true(got > 0);
		length += (size_t)got;
	} while (text[length - 1] != '#');
	text[length - 1] = '\0';
	for (const char *from = text; *from;) {
		if (strncmp(from, "20", 2) == 0 && from[4] == '-' && strchr(from, 'Z')) {
			to = stpcpy(to, "TIME");
			from = strchr(from, 'Z') + 1;
		} else if (*from != '\r') { /* a terminal adds them */
			*to++ = *from++;
		} else {
			from++;
		}
	}
	*to = '\0';
	return clean;
}

static int watch(struct peeps_options *options, const struct script *script)
{
	next_look = script;
	looks = 0;
	options->watch_ns = 1000000;
	return peeps_watch(options, writable, look);
}

static void watch__in_a_pipe__looks_stand_below_each_other(void **state)
{
	static const struct script script[] = {
		{ "one\n", PEEPS_EXIT_FINE, NULL },
		{ "two\nlines\n", PEEPS_EXIT_FINDING, NULL },
		{ "three\n", PEEPS_PROBLEM_NO_CUT, NULL },
		{ "half a look", PEEPS_PROBLEM_NO_PROCESS, NULL },
		{ NULL, 0, NULL },
	};
	struct peeps_options options = { .verb = PEEPS_VERB_BLOCKED };

	(void)state;
	open_pipe();
	assert_int_equal(watch(&options, script), PEEPS_PROBLEM_NO_PROCESS);
	assert_int_equal(looks, 4);
	assert_string_equal(shown(), "TIME\none\n\nTIME\ntwo\nlines\n\nTIME\nthree\n");
	close_pipe();
}

static void watch__json__is_one_document_after_the_other(void **state)
{
	static const struct script script[] = {
		{ "{}\n", PEEPS_EXIT_FINE, NULL },
		{ "[]\n", PEEPS_EXIT_FINE, interrupt },
		{ NULL, 0, NULL },
	};
	struct peeps_options options = { .format = PEEPS_FORMAT_JSON };

	(void)state;
	open_pipe();
	assert_int_equal(watch(&options, script), PEEPS_EXIT_FINE);
	assert_string_equal(shown(), "{}\n[]\n"); /* the status is that of what can be seen */
	close_pipe();
}

static void watch__each_failure__ends_it_with_that_status(void **state)
{
	static const int statuses[] = { PEEPS_PROBLEM_USAGE,       PEEPS_PROBLEM_NO_PROCESS,
					PEEPS_PROBLEM_NO_SEGMENT,  PEEPS_PROBLEM_PERMISSION,
					PEEPS_PROBLEM_BAD_SEGMENT, PEEPS_PROBLEM_OTHER };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		const struct script script[] = { { "", statuses[i], NULL }, { NULL, 0, NULL } };
		struct peeps_options options = { .verb = PEEPS_VERB_BLOCKED };

		open_pipe();
		print_message("# %d\n", statuses[i]);
		assert_int_equal(watch(&options, script), statuses[i]);
		assert_int_equal(looks, 1);
		close_pipe();
	}
}

static void watch__interrupted__ends_with_the_status_of_the_last_look(void **state)
{
	static const struct script script[] = {
		{ "one\n", PEEPS_EXIT_FINE, NULL },
		{ "two\n", PEEPS_EXIT_FINDING, interrupt },
		{ NULL, 0, NULL },
	};
	struct peeps_options options = { .verb = PEEPS_VERB_LOOK };
	struct sigaction before, after;

	(void)state;
	open_pipe();
	assert_int_equal(sigaction(SIGINT, NULL, &before), 0);
	assert_int_equal(watch(&options, script), PEEPS_EXIT_FINDING);
	assert_int_equal(looks, 2);
	assert_int_equal(sigaction(SIGINT, NULL, &after), 0);
	assert_true(before.sa_handler == after.sa_handler);
	close_pipe();
}

static void watch__nobody_reads_on__ends_quietly(void **state)
{
	static const struct script before[] = {
		{ "one\n", PEEPS_EXIT_FINE,
		  stop_reading }, /* before it is shown: EPIPE, no signal */
		{ NULL, 0, NULL },
	};
	struct peeps_options options = { .verb = PEEPS_VERB_BLOCKED };

	(void)state;
	open_pipe();
	(void)signal(SIGPIPE, SIG_DFL); /* whatever it was started with */
	assert_int_equal(watch(&options, before), PEEPS_EXIT_FINE);
	assert_int_equal(looks, 1);
	close_pipe();
}

static void *leave_soon(void *unused)
{
	(void)usleep(50000);
	stop_reading();
	return unused;
}

static void watch__reader_leaves_while_it_rests__ends_at_once(void **state)
{
	static const struct script script[] = { { "one\n", PEEPS_EXIT_FINDING, NULL },
						{ NULL, 0, NULL } };
	struct peeps_options options = { .watch_ns = AN_HOUR_NS };
	pthread_t reader;

	(void)state;
	open_pipe();
	assert_int_equal(pthread_create(&reader, NULL, leave_soon, NULL), 0);
	next_look = script;
	looks = 0;
	assert_int_equal(peeps_watch(&options, writable, look), PEEPS_EXIT_FINDING);
	assert_int_equal(looks, 1);
	assert_int_equal(pthread_join(reader, NULL), 0);
	close_pipe();
}

static void watch__interrupted_while_it_looks__does_not_rest_any_more(void **state)
{
	static const struct script script[] = { { "one\n", PEEPS_EXIT_FINDING, interrupt },
						{ NULL, 0, NULL } };
	struct peeps_options options = { .watch_ns = AN_HOUR_NS };

	(void)state;
	open_pipe();
	next_look = script;
	looks = 0;
	assert_int_equal(peeps_watch(&options, writable, look), PEEPS_EXIT_FINDING);
	assert_int_equal(looks, 1);
	assert_string_equal(shown(), "TIME\none\n");
	close_pipe();
}

static void watch__full_disk__is_an_output_error(void **state)
{
	static const struct script script[] = { { "one\n", PEEPS_EXIT_FINE, NULL },
						{ NULL, 0, NULL } };
	struct peeps_options options = { .verb = PEEPS_VERB_BLOCKED };

	(void)state;
	writable = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(writable >= 0);
	assert_int_equal(watch(&options, script), PEEPS_PROBLEM_OTHER);
	assert_int_equal(looks, 1);
	(void)close(writable);
}

static void watch__on_a_terminal__each_look_takes_the_place_of_the_last(void **state)
{
	static const struct script script[] = {
		{ "1\n2\n3\n4\n5\n6\n7\n8\n9\n", PEEPS_EXIT_FINE, NULL },
		{ "one\n", PEEPS_EXIT_FINE, NULL },
		{ "", PEEPS_PROBLEM_NO_PROCESS, NULL },
		{ NULL, 0, NULL },
	};
	const struct winsize size = { .ws_row = 8, .ws_col = 33 };
	struct peeps_options options = { .verb = PEEPS_VERB_BLOCKED };

	(void)state;
	assert_int_equal(openpty(&readable, &writable, NULL, NULL, &size), 0);
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(unsetenv("COLUMNS"), 0);
	assert_int_equal(watch(&options, script), PEEPS_PROBLEM_NO_PROCESS);
	assert_int_equal(width_seen, 33);
	assert_string_equal(
		shown(), "\x1b[H\x1b[?7lTIME\x1b[K\n1\x1b[K\n2\x1b[K\n3\x1b[K\n4\x1b[K\n5\x1b[K\n"
			 "... and 4 more lines\x1b[K\n\x1b[J\x1b[?7h"
			 "\x1b[H\x1b[?7lTIME\x1b[K\none\x1b[K\n\x1b[J\x1b[?7h"
			 "\x1b[?7h"); /* and lest a look had been cut short */
	close_pipe();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch__in_a_pipe__looks_stand_below_each_other),
		cmocka_unit_test(watch__json__is_one_document_after_the_other),
		cmocka_unit_test(watch__each_failure__ends_it_with_that_status),
		cmocka_unit_test(watch__interrupted__ends_with_the_status_of_the_last_look),
		cmocka_unit_test(watch__nobody_reads_on__ends_quietly),
		cmocka_unit_test(watch__reader_leaves_while_it_rests__ends_at_once),
		cmocka_unit_test(watch__interrupted_while_it_looks__does_not_rest_any_more),
		cmocka_unit_test(watch__full_disk__is_an_output_error),
		cmocka_unit_test(watch__on_a_terminal__each_look_takes_the_place_of_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
