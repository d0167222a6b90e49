/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/command/help.h"

static char *help_on(enum peeps_verb topic)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	peeps_help(topic, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* "--min " is in a text, and "--minus" is another option. */
static bool has_option(const char *text, const char *name)
{
	char spelled[48];

	(void)snprintf(spelled, sizeof(spelled), " --%s", name);
	for (text = strstr(text, spelled); text; text = strstr(text + 1, spelled)) {
		if (strchr(" \n", text[strlen(spelled)]))
			return true;
	}
	return false;
}

static void help__each_verb__has_its_options_statuses_and_examples(void **state)
{
	(void)state;
	for (unsigned int verb = PEEPS_VERB_PS; verb < PEEPS_VERB_COUNT; verb++) {
		char *text = help_on((enum peeps_verb)verb);
		char *examples = strstr(text, "\nExamples:\n");
		char *statuses = strstr(text, "\nExit status:\n");

		print_message("# %s\n", peeps_verbs[verb].name);
		assert_memory_equal(text, "usage: peeps-read ", strlen("usage: peeps-read "));
		assert_non_null(strstr(text, peeps_verbs[verb].summary));
		assert_non_null(strstr(text, peeps_verbs[verb].description));
		assert_non_null(statuses);
		assert_non_null(examples);
		assert_non_null(strstr(examples, "peeps-read"));
		for (size_t i = 0; i < peeps_status_count; i++) {
			char line[64];

			(void)snprintf(line, sizeof(line), "\n  %d  ", peeps_statuses[i].status);
			assert_int_equal(strstr(statuses, line) != NULL,
					 (peeps_verbs[verb].statuses >> peeps_statuses[i].status) &
						 1);
		}
		*statuses = '\0'; /* examples show options, too */
		for (size_t i = 0; i < peeps_option_count; i++)
			assert_int_equal(
				has_option(strstr(text, "Options:"), peeps_option_entries[i].name),
				peeps_verb_takes((enum peeps_verb)verb, &peeps_option_entries[i]));
		free(text);
	}
}

static void help__all__names_every_verb_option_and_status_briefly(void **state)
{
	char *text = help_on(PEEPS_VERB_LOOK);
	size_t lines = 0;

	(void)state;
	for (unsigned int verb = PEEPS_VERB_PS; verb < PEEPS_VERB_COUNT; verb++) {
		char begin[48];

		(void)snprintf(begin, sizeof(begin), "\n  %s ", peeps_verbs[verb].name);
		assert_non_null(strstr(text, begin));
		assert_non_null(strstr(text, peeps_verbs[verb].summary));
	}
	for (size_t i = 0; i < peeps_option_count; i++)
		assert_true(has_option(text, peeps_option_entries[i].name));
	for (size_t i = 0; i < peeps_status_count; i++)
		assert_non_null(strstr(text, peeps_statuses[i].summary));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		lines++;
	assert_true(lines <= 60);
	free(text);
}

static void help__every_line__fits_a_hundred_columns(void **state)
{
	(void)state;
	for (unsigned int verb = PEEPS_VERB_LOOK; verb < PEEPS_VERB_COUNT; verb++) {
		char *text = help_on((enum peeps_verb)verb);

		for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
			if (strcspn(line, "\n") > 100)
				fail_msg("%.*s", (int)strcspn(line, "\n"), line);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help__each_verb__has_its_options_statuses_and_examples),
		cmocka_unit_test(help__all__names_every_verb_option_and_status_briefly),
		cmocka_unit_test(help__every_line__fits_a_hundred_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
