/* SPDX-License-Identifier: MIT */
/*
 * Builds peeps-read(1): copies standard input, scdoc text written by hand (docs/man), to standard output, and puts the
 * lists of the command line where a line of it says @verbs@, @options@, @statuses@, @targets@ or @durations@.
 *
 * usage: read_man <peeps-read.1.scd.in | scdoc
 *
 * Runs where peeps is built, with nothing of the reader but reader/command/options_table.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/command/options_table.h"

/* What scdoc would take for markup. */
static void print_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_#`<>[]|", *text))
			(void)putchar('\\');
		(void)putchar(*text);
	}
}

/* Summaries are no sentences; here they have to be. */
static void print_sentence(const char *summary)
{
	const char first[] = { summary[0] >= 'a' && summary[0] <= 'z'
				       ? (char)(summary[0] - 'a' + 'A')
				       : summary[0],
			       '\0' };

	print_text(first);
	print_text(summary + 1);
	(void)putchar('.');
}

/* Lines of a paragraph, at this depth. */
static void print_lines(const char *lines, const char *indent)
{
	while (*lines) {
		const size_t length = strcspn(lines, "\n");
		char line[256];

		(void)snprintf(line, sizeof(line), "%.*s", (int)length, lines);
		(void)fputs(indent, stdout);
		print_text(line);
		(void)putchar('\n');
		lines += length + (lines[length] == '\n');
	}
}

static void print_option_usage(const struct peeps_option_entry *option)
{
	if (option->letter)
		(void)printf("*-%c*, ", option->letter);
	(void)printf("*--%s*", option->name);
	if (option->argument)
		(void)printf(option->argument_is_optional ? " \\[_%s_\\]" : " _%s_",
			     option->argument);
}

static void print_option_names(enum peeps_verb verb)
{
	const char *separator = "\tOptions: ";

	for (size_t i = 0; i < peeps_option_count; i++) {
		const struct peeps_option_entry *option = &peeps_option_entries[i];

		if (option->id == PEEPS_OPTION_HELP || option->id == PEEPS_OPTION_VERSION ||
		    !peeps_verb_takes(verb, option))
			continue;
		(void)printf("%s*--%s*", separator, option->name);
		separator = ", ";
	}
	if (*separator == ',')
		(void)puts(".\n");
}

static void print_verbs(void)
{
	for (unsigned int i = 0; i < PEEPS_VERB_COUNT; i++) {
		const struct peeps_verb_entry *verb = &peeps_verbs[i];

		(void)printf("*peeps-read%s%s*", *verb->name ? " " : "", verb->name);
		if (*verb->arguments) {
			(void)fputs(" _", stdout);
			print_text(verb->arguments);
			(void)putchar('_');
		}
		(void)fputs("\n\t", stdout);
		print_sentence(verb->summary);
		(void)fputs("\n\n", stdout);
		print_lines(verb->description, "\t");
		(void)putchar('\n');
		print_option_names((enum peeps_verb)i);
		(void)fputs("\tExit status:", stdout);
		for (size_t j = 0; j < peeps_status_count; j++) {
			if (verb->statuses & 1U << peeps_statuses[j].status)
				(void)printf(" %d", peeps_statuses[j].status);
		}
		(void)fputs(".\n\n", stdout);
		for (size_t j = 0; j < PEEPS_EXAMPLES_MAX && verb->examples[j].command; j++) {
			(void)fputs("\t*", stdout);
			print_text(verb->examples[j].command);
			(void)fputs("*++\n", stdout);
			print_lines(verb->examples[j].meaning, "\t");
			(void)putchar('\n');
		}
	}
}

static void print_options(void)
{
	for (size_t i = 0; i < peeps_option_count; i++) {
		const struct peeps_option_entry *option = &peeps_option_entries[i];

		print_option_usage(option);
		(void)fputs("\n\t", stdout);
		if (option->word_verbs) {
			char words[PEEPS_WORD_LIST_BYTES];

			print_text(peeps_option_words(option, PEEPS_VERB_LOOK, ", ", words));
			(void)fputs("; ", stdout);
			print_text(option->summary);
			(void)putchar('.');
		} else {
			print_sentence(option->summary);
		}
		if (option->details) {
			(void)putchar(' ');
			print_text(option->details);
		}
		(void)fputs("\n\n", stdout);
	}
}

static void print_statuses(void)
{
	for (size_t i = 0; i < peeps_status_count; i++) {
		(void)printf("*%d*\n\t", peeps_statuses[i].status);
		print_sentence(peeps_statuses[i].summary);
		(void)putchar(' ');
		print_text(peeps_statuses[i].details);
		(void)fputs("\n\n", stdout);
	}
}

int main(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "@verbs@\n") == 0)
			print_verbs();
		else if (strcmp(line, "@options@\n") == 0)
			print_options();
		else if (strcmp(line, "@statuses@\n") == 0)
			print_statuses();
		else if (strcmp(line, "@targets@\n") == 0)
			print_lines(peeps_about_targets, "");
		else if (strcmp(line, "@durations@\n") == 0)
			print_lines(peeps_about_durations, "");
		else
			(void)fputs(line, stdout);
	}
	return ferror(stdin) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
