/* SPDX-License-Identifier: MIT */
#include "reader/command/help.h"

#include <string.h>

#define GRAPHS                                                                       \
	(1U << PEEPS_VERB_LOOK | 1U << PEEPS_VERB_BLOCKED | 1U << PEEPS_VERB_CHECK | \
	 1U << PEEPS_VERB_EXPLAIN | 1U << PEEPS_VERB_DUMP)

/* Which verbs take it, unless all that look at a process do. */
static void print_verbs_of(const struct peeps_option_entry *option, FILE *out)
{
	const char *before = " [";

	if ((option->verbs & GRAPHS) == GRAPHS)
		return;
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		if (!peeps_verb_takes((enum peeps_verb)i, option))
			continue;
		(void)fprintf(out, "%s%s", before, peeps_verbs[i].name);
		before = ", ";
	}
	(void)fputs("]", out);
}

/* As the verb knows it; LOOK = all of them do. */
static void print_option(const struct peeps_option_entry *option, enum peeps_verb verb, FILE *out)
{
	char words[PEEPS_WORD_LIST_BYTES];
	const char letter[] = { '-', option->letter, ',', '\0' };
	const char *before = !option->argument ? "" : option->argument_is_optional ? " [" : " ";
	char usage[48];

	(void)snprintf(usage, sizeof(usage), "%3s --%s%s%s%s", option->letter ? letter : "",
		       option->name, before, option->argument ? option->argument : "",
		       option->argument_is_optional ? "]" : "");
	(void)fprintf(out, "  %-24s  ", usage);
	if (option->word_verbs)
		(void)fprintf(out, "%s; ", peeps_option_words(option, verb, ", ", words));
	(void)fputs(option->summary, out);
}

static void print_options_of(enum peeps_verb verb, FILE *out)
{
	for (size_t i = 0; i < peeps_option_count; i++) {
		if (!peeps_verb_takes(verb, &peeps_option_entries[i]))
			continue;
		print_option(&peeps_option_entries[i], verb, out);
		(void)fputc('\n', out);
	}
}

static bool takes_duration(enum peeps_verb verb)
{
	for (size_t i = 0; i < peeps_option_count; i++) {
		const struct peeps_option_entry *option = &peeps_option_entries[i];

		if (peeps_verb_takes(verb, option) && option->argument &&
		    strcmp(option->argument, "DURATION") == 0)
			return true;
	}
	return false;
}

static void print_statuses_of(enum peeps_verb verb, FILE *out)
{
	for (size_t i = 0; i < peeps_status_count; i++) {
		if (peeps_verbs[verb].statuses & 1U << peeps_statuses[i].status)
			(void)fprintf(out, "  %d  %s\n", peeps_statuses[i].status,
				      peeps_statuses[i].summary);
	}
}

static void print_examples_of(enum peeps_verb verb, FILE *out)
{
	for (size_t i = 0; i < PEEPS_EXAMPLES_MAX; i++) {
		const struct peeps_example *example = &peeps_verbs[verb].examples[i];

		if (example->command)
			(void)fprintf(out, "  %s\n      %s\n", example->command, example->meaning);
	}
}

static void print_verb(enum peeps_verb topic, FILE *out)
{
	const struct peeps_verb_entry *verb = &peeps_verbs[topic];

	(void)fprintf(out, "usage: peeps-read %s [OPTION...]%s%s\n\n%s: %s.\n\n%s\n", verb->name,
		      *verb->arguments ? " " : "", verb->arguments, verb->name, verb->summary,
		      verb->description);
	(void)fputs("Options:\n", out);
	print_options_of(topic, out);
	if (strstr(verb->arguments, "TARGET"))
		(void)fprintf(out, "\n%s", peeps_about_targets);
	if (takes_duration(topic))
		(void)fprintf(out, "\n%s", peeps_about_durations);
	(void)fputs("\nExit status:\n", out);
	print_statuses_of(topic, out);
	(void)fputs("\nExamples:\n", out);
	print_examples_of(topic, out);
}

static void print_all(FILE *out)
{
	(void)fprintf(
		out,
		"usage: peeps-read [VERB] [OPTION...] [TARGET...]\n\n"
		"Shows which thread of a running process is blocked on what, since when, and who holds it,\n"
		"without stopping it.\n\n%s\n",
		peeps_about_targets);
	for (unsigned int i = 0; i < PEEPS_VERB_COUNT; i++) {
		const struct peeps_verb_entry *verb = &peeps_verbs[i];
		char usage[48];

		(void)snprintf(usage, sizeof(usage), "%s%s%s", verb->name,
			       *verb->name && *verb->arguments ? " " : "", verb->arguments);
		(void)fprintf(out, "  %-27s %s\n", usage, verb->summary);
	}
	(void)fputs("\nOptions [of these verbs only], which may stand anywhere:\n", out);
	for (size_t i = 0; i < peeps_option_count; i++) {
		print_option(&peeps_option_entries[i], PEEPS_VERB_LOOK, out);
		print_verbs_of(&peeps_option_entries[i], out);
		(void)fputc('\n', out);
	}
	(void)fprintf(out, "\n%s", peeps_about_durations);
}

/* As many to a line as there is room for. */
static void print_all_statuses(FILE *out)
{
	size_t column = strlen("Exit status:");

	(void)fputs("Exit status:", out);
	for (size_t i = 0; i < peeps_status_count; i++) {
		char status[64];
		const size_t length = (size_t)snprintf(
			status, sizeof(status), "%d %s%s", peeps_statuses[i].status,
			peeps_statuses[i].summary, i + 1 < peeps_status_count ? ";" : ".");

		if (column + 1 + length > 98) {
			(void)fputs("\n ", out);
			column = 1;
		}
		(void)fprintf(out, " %s", status);
		column += 1 + length;
	}
	(void)fputs("\npeeps-read help VERB says more of a verb, man peeps-read of everything.\n",
		    out);
}

void peeps_help(enum peeps_verb topic, FILE *out)
{
	if (topic == PEEPS_VERB_LOOK) {
		print_all(out);
		print_all_statuses(out);
	} else {
		print_verb(topic, out);
	}
}
