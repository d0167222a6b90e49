/* SPDX-License-Identifier: MIT */
#include "reader/command/options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/command/duration.h"
#include "reader/command/nearest.h"
#include "reader/problem.h"
#include "reader/query/questions.h"

#define COUNT(table)  (sizeof(table) / sizeof((table)[0]))
#define GIVEN(option) (1U << PEEPS_OPTION_##option)

/* What was typed, as far as it is worth repeating. */
#define QUOTED "'%.80s'"

/* Unless told. */
#define WATCH_NS     UINT64_C(2000000000)
#define EVERY_NS     UINT64_C(1000000000)
#define TIMEOUT_NS   UINT64_C(30000000000)
#define INTERVAL_NS  UINT64_C(1000000000)
#define RECORD_BYTES (UINT64_C(1) << 30)

/* What was found on the command line, before the verb is known to allow it. */
struct parse {
	struct peeps_options *options;
	struct peeps_problem *problem;
	unsigned int given; /* a bit per peeps_option_id */
	const char *words[PEEPS_WORDS_MAX];
	size_t word_count;
	size_t plain_from; /* the word that came after "--": none from there on is a verb */
};

/* Refusals: why is a format, the others are not. */

static __attribute__((format(printf, 4, 5))) int refuse(struct parse *parse, const char *what,
							const char *hint, const char *why, ...)
{
	struct peeps_problem *problem = parse->problem;
	va_list arguments;

	problem->status = PEEPS_PROBLEM_USAGE;
	(void)snprintf(problem->what, sizeof(problem->what), "%s", what);
	(void)snprintf(problem->hint, sizeof(problem->hint), "%s", hint);
	va_start(arguments, why);
	(void)vsnprintf(problem->why, sizeof(problem->why), why, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* A hint that has to be made up. */
static __attribute__((format(printf, 2, 3))) int hint_at(struct parse *parse, const char *hint, ...)
{
	va_list arguments;

	va_start(arguments, hint);
	(void)vsnprintf(parse->problem->hint, sizeof(parse->problem->hint), hint, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int refuse_option(struct parse *parse, const char *text)
{
	const char *name = text + strspn(text, "-");
	struct peeps_nearest nearest = peeps_nearest_to(name, strcspn(name, "="));

	for (size_t i = 0; i < peeps_option_count; i++)
		peeps_nearest_offer(&nearest, peeps_option_entries[i].name);
	(void)refuse(parse, "unknown option", "peeps-read --help lists them", QUOTED, text);
	return nearest.name ? hint_at(parse, "did you mean --%s?", nearest.name) : -EINVAL;
}

/* Arguments of options */

static int set_duration(struct parse *parse, const struct peeps_option_entry *option,
			const char *text, bool above_zero, uint64_t *out_ns)
{
	char what[128];

	(void)snprintf(what, sizeof(what), "--%s takes a duration%s", option->name,
		       above_zero ? " above zero" : "");
	if (peeps_duration_parse(text, out_ns)) {
		if (*out_ns || !above_zero)
			return 0;
		return refuse(parse, what, "such as 100ms, 2s, 1m", QUOTED " is nothing", text);
	}
	(void)refuse(parse, what, "such as 100ms, 2s, 1m", QUOTED " is none", text);
	if (!*text || strspn(text, "0123456789.") != strlen(text) || strlen(text) > 9)
		return -EINVAL;
	(void)refuse(parse, what, "", QUOTED " has no unit", text);
	return hint_at(parse, "write a unit: %sms, %ss or %sm", text, text, text);
}

/* One of the option's words, as its number. */
static int set_word(struct parse *parse, const struct peeps_option_entry *option, const char *text,
		    unsigned int *out)
{
	struct peeps_nearest nearest = peeps_nearest_to(text, strlen(text));
	char words[PEEPS_WORD_LIST_BYTES];
	char what[64];

	for (unsigned int i = 0; option->words[i]; i++) {
		if (strcmp(option->words[i], text) == 0) {
			*out = i;
			return 0;
		}
		peeps_nearest_offer(&nearest, option->words[i]);
	}
	(void)snprintf(what, sizeof(what), "unknown %s", option->name);
	(void)refuse(parse, what, option->summary, QUOTED, text);
	if (option->word_verbs)
		(void)hint_at(parse, "there are %s",
			      peeps_option_words(option, PEEPS_VERB_LOOK, ", ", words));
	return nearest.name ? hint_at(parse, "did you mean --%s %s?", option->name, nearest.name)
			    : -EINVAL;
}

static int set_number(struct parse *parse, const struct peeps_option_entry *option,
		      const char *text, uint32_t *out)
{
	char what[64];
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && number > 0 && number <= 1000000) {
		*out = (uint32_t)number;
		return 0;
	}
	(void)snprintf(what, sizeof(what), "--%s takes a number", option->name);
	return refuse(parse, what, "from 1 to 1000000", QUOTED " is none", text);
}

/* From the first, 1, or from the last, -1. */
static int set_position(struct parse *parse, const struct peeps_option_entry *option,
			const char *text, int64_t *out)
{
	char what[64];
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (*text && !strchr(" \t\n+", *text) && !*end && !errno && number != 0) {
		*out = number;
		return 0;
	}
	(void)snprintf(what, sizeof(what), "--%s takes a number", option->name);
	return refuse(parse, what, "from 1; or -1 for the last, -2 for the one before",
		      QUOTED " is none", text);
}

/* Bytes: a number, and K, M or G. */
static int set_size(struct parse *parse, const struct peeps_option_entry *option, const char *text,
		    uint64_t *out_bytes)
{
	static const char units[] = "KMG";
	char what[64];
	char *end;
	unsigned long long number;
	const char *unit;

	errno = 0;
	number = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (*text >= '0' && *text <= '9' && unit && !end[1] && !errno && number > 0 &&
	    number <= 1000000) {
		*out_bytes = (uint64_t)number << (10 * (unit - units + 1));
		return 0;
	}
	(void)snprintf(what, sizeof(what), "--%s takes a size", option->name);
	return refuse(parse, what, "a number with K, M or G, such as 64M", QUOTED " is none", text);
}

static int set_text(struct parse *parse, const struct peeps_option_entry *option, const char *text,
		    const char **out)
{
	if (!*text)
		return refuse(parse, "an option lacks its argument",
			      "peeps-read --help explains it", "--%s takes a %s, and that is empty",
			      option->name, option->argument);
	*out = text;
	return 0;
}

static int apply(struct parse *parse, const struct peeps_option_entry *option, const char *argument)
{
	struct peeps_options *options = parse->options;

	parse->given |= 1U << option->id;
	switch (option->id) {
	case PEEPS_OPTION_TREE:
		options->tree = true;
		break;
	case PEEPS_OPTION_ALL:
		options->all = true;
		break;
	case PEEPS_OPTION_DRY_RUN:
		options->dry_run = true;
		break;
	case PEEPS_OPTION_MIN:
		return set_duration(parse, option, argument, false, &options->min_ns);
	case PEEPS_OPTION_MAX_WAIT: /* zero would find every wait */
		return set_duration(parse, option, argument, true, &options->max_wait_ns);
	case PEEPS_OPTION_FORMAT:
		return set_word(parse, option, argument, &options->format);
	case PEEPS_OPTION_OUTPUT:
		return set_text(parse, option, argument, &options->output);
	case PEEPS_OPTION_CONFIRM:
		return set_number(parse, option, argument, &options->confirm);
	case PEEPS_OPTION_EVERY:
		return set_duration(parse, option, argument, true, &options->every_ns);
	case PEEPS_OPTION_COLUMNS:
		return set_text(parse, option, argument, &options->columns);
	case PEEPS_OPTION_SORT:
		return set_text(parse, option, argument, &options->sort);
	case PEEPS_OPTION_WATCH: /* zero would never rest */
		if (argument)
			return set_duration(parse, option, argument, true, &options->watch_ns);
		options->watch_ns = WATCH_NS;
		break;
	case PEEPS_OPTION_COLOR:
		return set_word(parse, option, argument, &options->color);
	case PEEPS_OPTION_HISTORY:
		options->history = true;
		break;
	case PEEPS_OPTION_PASSIVE:
		options->passive = true;
		break;
	case PEEPS_OPTION_AT:
		return set_position(parse, option, argument, &options->at);
	case PEEPS_OPTION_SQL:
		return set_text(parse, option, argument, &options->sql);
	case PEEPS_OPTION_SHOW:
		options->show = true;
		break;
	case PEEPS_OPTION_MAX_ROWS:
		return set_number(parse, option, argument, &options->max_rows);
	case PEEPS_OPTION_TIMEOUT:
		return set_duration(parse, option, argument, true, &options->timeout_ns);
	case PEEPS_OPTION_INTERVAL:
		return set_duration(parse, option, argument, true, &options->interval_ns);
	case PEEPS_OPTION_TIME:
		return set_duration(parse, option, argument, true, &options->time_ns);
	case PEEPS_OPTION_KEEP:
		return set_number(parse, option, argument, &options->keep);
	case PEEPS_OPTION_MAX_SIZE:
		return set_size(parse, option, argument, &options->max_bytes);
	case PEEPS_OPTION_JSON: /* that they were given says it all */
	case PEEPS_OPTION_HELP:
	case PEEPS_OPTION_VERSION:
		break;
	}
	return 0;
}

/* Options */

/* What may be left out is the next word only if that can be nothing else. */
static bool is_argument_of(const struct peeps_option_entry *option, const char *next)
{
	uint64_t ns;

	return option->argument && next &&
	       (!option->argument_is_optional || peeps_duration_parse(next, &ns));
}

/*
 * An option with the argument that was attached to it, if any, and the word after it.
 * Returns how many further words were used, or -EINVAL.
 */
static int take_option(struct parse *parse, const struct peeps_option_entry *option,
		       const char *attached, const char *next)
{
	int r;

	if (!attached && is_argument_of(option, next)) {
		r = apply(parse, option, next);
		return r ? r : 1;
	}
	if (!attached && option->argument && !option->argument_is_optional)
		return refuse(parse, "an option lacks its argument",
			      "peeps-read --help explains it", "--%s takes a %s", option->name,
			      option->argument);
	return apply(parse, option, attached);
}

/* --name, --name=argument or --name argument. Returns likewise. */
static int parse_long(struct parse *parse, const char *text, const char *next)
{
	const size_t length = strcspn(text + 2, "=");
	const char *attached = text[2 + length] ? text + 2 + length + 1 : NULL;

	for (size_t i = 0; i < peeps_option_count; i++) {
		const struct peeps_option_entry *option = &peeps_option_entries[i];

		if (strlen(option->name) != length || strncmp(option->name, text + 2, length) != 0)
			continue;
		if (!option->argument && attached) {
			(void)refuse(parse, "an option takes no argument", "", QUOTED, text);
			return hint_at(parse, "write --%s", option->name);
		}
		return take_option(parse, option, attached, next);
	}
	return refuse_option(parse, text);
}

/* -J, -Jh, -o FILE or -oFILE. Returns likewise. */
static int parse_letters(struct parse *parse, const char *text, const char *next)
{
	for (const char *letter = text + 1; *letter; letter++) {
		const struct peeps_option_entry *option = NULL;

		for (size_t i = 0; i < peeps_option_count && !option; i++) {
			if (peeps_option_entries[i].letter == *letter)
				option = &peeps_option_entries[i];
		}
		if (!option)
			return refuse_option(parse, text);
		if (option->argument)
			return take_option(parse, option, letter[1] ? letter + 1 : NULL, next);
		(void)apply(parse, option, NULL);
	}
	return 0;
}

static int parse_words(struct parse *parse, int count, char *const *arguments)
{
	bool only_words = false;

	parse->plain_from = COUNT(parse->words);
	for (int i = 0; i < count; i++) {
		const char *text = arguments[i];
		const char *next = i + 1 < count ? arguments[i + 1] : NULL;
		int used = 0;

		if (!only_words && strcmp(text, "--") == 0) {
			only_words = true;
			parse->plain_from = parse->word_count;
		} else if (!only_words && strncmp(text, "--", 2) == 0) {
			used = parse_long(parse, text, next);
		} else if (!only_words && text[0] == '-' && text[1]) {
			used = parse_letters(parse, text, next);
		} else if (parse->word_count == COUNT(parse->words)) {
			return refuse(parse, "too many arguments",
				      "peeps-read --help shows what it takes", QUOTED, text);
		} else {
			parse->words[parse->word_count++] = text;
		}
		if (used < 0)
			return used;
		i += used;
	}
	return 0;
}

/* The verb, and whether the options go with it */

static bool verb_named(const char *name, enum peeps_verb *out)
{
	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++) {
		if (strcmp(peeps_verbs[i].name, name) == 0) {
			*out = (enum peeps_verb)i;
			return true;
		}
	}
	return false;
}

const char *peeps_verb_like(const char *word)
{
	struct peeps_nearest nearest = peeps_nearest_to(word, strlen(word));

	for (unsigned int i = PEEPS_VERB_PS; i < PEEPS_VERB_COUNT; i++)
		peeps_nearest_offer(&nearest, peeps_verbs[i].name);
	return nearest.name;
}

/* How a verb is called in a sentence. */
static const char *name_of(enum peeps_verb verb)
{
	return verb == PEEPS_VERB_LOOK ? "peeps-read TARGET" : peeps_verbs[verb].name;
}

static int check_options(struct parse *parse)
{
	const enum peeps_verb verb = parse->options->verb;

	for (size_t i = 0; i < peeps_option_count; i++) {
		const struct peeps_option_entry *option = &peeps_option_entries[i];

		if (!(parse->given & 1U << option->id) || peeps_verb_takes(verb, option))
			continue;
		(void)refuse(parse, "an option does not belong here", "",
			     "--%s is not an option of %s", option->name, name_of(verb));
		return hint_at(parse, "peeps-read help%s%s shows those that are",
			       *peeps_verbs[verb].name ? " " : "", peeps_verbs[verb].name);
	}
	return 0;
}

static int check_conflicts(struct parse *parse)
{
	static const struct {
		unsigned int both;
		const char *why;
	} conflicts[] = {
		{ GIVEN(JSON) | GIVEN(TREE),
		  "--tree is for people, --json has all that it is made from" },
		{ GIVEN(JSON) | GIVEN(COLUMNS),
		  "--columns are those of a table, --json has all of them" },
		{ GIVEN(JSON) | GIVEN(SORT), "--sort orders a table, and --json prints none" },
		{ GIVEN(TREE) | GIVEN(COLUMNS),
		  "--columns are those of a table, and --tree prints none" },
		{ GIVEN(TREE) | GIVEN(SORT), "--sort orders a table, and --tree prints none" },
		{ GIVEN(JSON) | GIVEN(SHOW), "--show prints SQL, --json none" },
		{ GIVEN(SQL) | GIVEN(SHOW), "--show prints the SQL of a question, --sql is SQL" },
	};
	static const char contradict[] = "two options contradict each other";

	for (size_t i = 0; i < COUNT(conflicts); i++) {
		if ((parse->given & conflicts[i].both) == conflicts[i].both)
			return refuse(parse, contradict, "leave one of them out", "%s",
				      conflicts[i].why);
	}
	if (parse->given & GIVEN(JSON) && parse->given & GIVEN(FORMAT) &&
	    parse->options->format != PEEPS_FORMAT_JSON)
		return refuse(parse, contradict, "leave one of them out",
			      "--json is not --format %s",
			      peeps_format_names[parse->options->format]);
	if (parse->options->verb == PEEPS_VERB_CHECK && parse->given & GIVEN(EVERY) &&
	    !(parse->given & GIVEN(CONFIRM)))
		return refuse(parse, "an option lacks its companion", "add --confirm 3",
			      "--every is the time between the looks of --confirm");
	return 0;
}

/* Words */

/* A verb that stands where it is taken for a target. */
static int check_order(struct parse *parse)
{
	enum peeps_verb verb;

	for (size_t i = 1; i < parse->word_count && i < parse->plain_from; i++) {
		if (!verb_named(parse->words[i], &verb))
			continue;
		(void)refuse(parse, "the verb comes first", "", QUOTED " stands after " QUOTED,
			     parse->words[i], parse->words[0]);
		return hint_at(parse, "peeps-read %s ...; or -- before a process of that name",
			       parse->words[i]);
	}
	return 0;
}

static int take_shell(struct parse *parse, const char *word)
{
	for (unsigned int i = 0; peeps_shell_names[i]; i++) {
		if (strcmp(peeps_shell_names[i], word) == 0) {
			parse->options->shell = (enum peeps_shell)i;
			return 0;
		}
	}
	return refuse(parse, "unknown shell", "there are bash, zsh and fish", QUOTED, word);
}

static int take_topic(struct parse *parse, const char *word)
{
	const char *like = peeps_verb_like(word);

	if (verb_named(word, &parse->options->topic))
		return 0;
	(void)refuse(parse, "no such verb", "peeps-read help lists them", QUOTED, word);
	return like ? hint_at(parse, "did you mean %s?", like) : -EINVAL;
}

static int take_question(struct parse *parse, const char *word)
{
	const char *like = peeps_question_like(word);

	parse->options->subject = word;
	if (peeps_question_named(word))
		return 0;
	(void)refuse(parse, "no such question",
		     "peeps-read query lists them; -e asks SQL of your own", QUOTED, word);
	if (strpbrk(word, "./") || word[strspn(word, "0123456789")] == '\0')
		return hint_at(parse, "the question comes first: peeps-read query root-blockers %s",
			       word);
	return like ? hint_at(parse, "did you mean %s? peeps-read query lists all", like) : -EINVAL;
}

/* Whether something comes before any target. */
static bool takes_subject(const struct parse *parse)
{
	switch (peeps_verbs[parse->options->verb].takes) {
	case PEEPS_TAKES_ID_AND_TARGETS:
	case PEEPS_TAKES_DATABASE_AND_TARGETS:
	case PEEPS_TAKES_SHELL:
	case PEEPS_TAKES_PERHAPS_A_VERB:
		return true;
	case PEEPS_TAKES_QUESTION_AND_TARGETS:
		return !parse->options->sql;
	case PEEPS_TAKES_NOTHING:
	case PEEPS_TAKES_TARGETS:
	case PEEPS_TAKES_PERHAPS_TARGETS:
		break;
	}
	return false;
}

/* Returns how many words were used, or -EINVAL. */
static int take_subject(struct parse *parse, const char *word)
{
	struct peeps_options *options = parse->options;
	const struct peeps_verb_entry *verb = &peeps_verbs[options->verb];
	int r = 0;

	if (!takes_subject(parse))
		return 0;
	if (!word) {
		if (verb->takes == PEEPS_TAKES_PERHAPS_A_VERB ||
		    (verb->takes == PEEPS_TAKES_QUESTION_AND_TARGETS && !options->show))
			return 0;
		(void)refuse(parse, "an argument is missing", "", "%s takes %s", verb->name,
			     verb->arguments);
		return hint_at(parse, "such as: %s", verb->examples[0].command);
	}
	if (verb->takes == PEEPS_TAKES_SHELL)
		r = take_shell(parse, word);
	else if (verb->takes == PEEPS_TAKES_PERHAPS_A_VERB)
		r = take_topic(parse, word);
	else if (verb->takes == PEEPS_TAKES_QUESTION_AND_TARGETS)
		r = take_question(parse, word);
	else
		options->subject = word;
	return r ? r : 1;
}

static size_t targets_max(enum peeps_takes takes)
{
	switch (takes) {
	case PEEPS_TAKES_TARGETS:
	case PEEPS_TAKES_ID_AND_TARGETS:
	case PEEPS_TAKES_PERHAPS_TARGETS:
	case PEEPS_TAKES_DATABASE_AND_TARGETS:
	case PEEPS_TAKES_QUESTION_AND_TARGETS:
		return PEEPS_WORDS_MAX;
	case PEEPS_TAKES_NOTHING:
	case PEEPS_TAKES_SHELL:
	case PEEPS_TAKES_PERHAPS_A_VERB:
		break;
	}
	return 0;
}

static int check_standard_input(struct parse *parse)
{
	const struct peeps_options *options = parse->options;

	for (size_t i = 0; i < options->target_count && parse->given & GIVEN(WATCH); i++) {
		if (strcmp(options->targets[i], "-") == 0)
			return refuse(parse, "standard input cannot be watched",
				      "leave --watch out", "it can be read once only");
	}
	return 0;
}

static bool needs_target(const struct peeps_options *options)
{
	switch (peeps_verbs[options->verb].takes) {
	case PEEPS_TAKES_TARGETS:
	case PEEPS_TAKES_DATABASE_AND_TARGETS:
		return true;
	case PEEPS_TAKES_QUESTION_AND_TARGETS:
		return options->sql || (options->subject && !options->show);
	case PEEPS_TAKES_NOTHING:
	case PEEPS_TAKES_PERHAPS_TARGETS:
	case PEEPS_TAKES_ID_AND_TARGETS:
	case PEEPS_TAKES_SHELL:
	case PEEPS_TAKES_PERHAPS_A_VERB:
		break;
	}
	return false;
}

/* The words that are no options, from that one on. */
static int take_words(struct parse *parse, size_t word)
{
	struct peeps_options *options = parse->options;
	const struct peeps_verb_entry *verb = &peeps_verbs[options->verb];
	const int used = take_subject(parse, word < parse->word_count ? parse->words[word] : NULL);

	if (used < 0)
		return used;
	word += (size_t)used;
	while (word < parse->word_count && options->target_count < targets_max(verb->takes))
		options->targets[options->target_count++] = parse->words[word++];
	if (options->show && options->target_count)
		return refuse(parse, "too many arguments", "leave the targets out, or --show",
			      "--show asks nobody: " QUOTED, options->targets[0]);
	if (word < parse->word_count) {
		(void)refuse(parse, "too many arguments", "", QUOTED, parse->words[word]);
		return hint_at(parse, "peeps-read %s%s%s%s", verb->name, *verb->name ? " " : "",
			       verb->arguments, *verb->arguments ? "" : "is all");
	}
	if (options->target_count == 0 && needs_target(options))
		return refuse(parse, "no target given",
			      "peeps-read ps lists those that can be looked at",
			      "whom shall %s look at?", *verb->name ? verb->name : "peeps-read");
	return check_standard_input(parse);
}

/* What was not said, where it is needed. */
static void set_defaults(struct parse *parse)
{
	struct peeps_options *options = parse->options;

	if ((options->confirm || options->verb == PEEPS_VERB_DIFF) &&
	    !(parse->given & GIVEN(EVERY)))
		options->every_ns = EVERY_NS;
	if (options->verb == PEEPS_VERB_QUERY && !(parse->given & GIVEN(TIMEOUT)))
		options->timeout_ns = TIMEOUT_NS;
	if (options->verb != PEEPS_VERB_RECORD)
		return;
	if (!(parse->given & GIVEN(INTERVAL)))
		options->interval_ns = INTERVAL_NS;
	if (!(parse->given & GIVEN(MAX_SIZE)))
		options->max_bytes = RECORD_BYTES;
}

/* Formats */

static const struct peeps_option_entry *entry_of(enum peeps_option_id id)
{
	size_t i = 0;

	while (peeps_option_entries[i].id != id)
		i++;
	return &peeps_option_entries[i];
}

/* Whether this verb's answer can be had in that, which may have been said by the name of a file. */
static int check_format(struct parse *parse)
{
	const struct peeps_option_entry *option = entry_of(PEEPS_OPTION_FORMAT);
	const struct peeps_options *options = parse->options;
	const char *name = peeps_verbs[options->verb].name;
	char words[PEEPS_WORD_LIST_BYTES];

	if (!peeps_verb_takes(options->verb, option) ||
	    peeps_verb_knows(options->verb, option, options->format))
		return 0;
	(void)refuse(parse, "not in this format", "", "%s does not know %s", name,
		     peeps_format_names[options->format]);
	return hint_at(parse, "it knows %s",
		       peeps_option_words(option, options->verb, ", ", words));
}

static bool ends_with(const char *text, size_t length, const char *suffix)
{
	const size_t suffix_length = strlen(suffix);

	return length > suffix_length &&
	       strncmp(text + length - suffix_length, suffix, suffix_length) == 0;
}

/* As was said, or as the name of the file says: "work.json.zst". */
static void choose_format(struct parse *parse)
{
	static const struct {
		const char *suffix;
		enum peeps_format format;
	} suffixes[] = {
		{ ".json", PEEPS_FORMAT_JSON },
		{ ".msgpack", PEEPS_FORMAT_MSGPACK },
		{ ".dot", PEEPS_FORMAT_DOT },
		{ ".csv", PEEPS_FORMAT_CSV },
	};
	struct peeps_options *options = parse->options;
	const char *name = options->output ? options->output : "";
	size_t length = strlen(name);

	options->compressed = ends_with(name, length, ".zst");
	if (options->compressed)
		length -= strlen(".zst");
	if (parse->given & GIVEN(JSON))
		options->format = PEEPS_FORMAT_JSON;
	if (options->verb == PEEPS_VERB_RECORD) /* of what it prints at the end */
		return;
	for (size_t i = 0; i < COUNT(suffixes) && !(parse->given & (GIVEN(JSON) | GIVEN(FORMAT)));
	     i++) {
		if (ends_with(name, length, suffixes[i].suffix))
			options->format = suffixes[i].format;
	}
}

/* Nothing but options: those of ps, or a target was forgotten. */
static bool is_ps(const struct parse *parse)
{
	for (size_t i = 0; i < peeps_option_count; i++) {
		if (parse->given & 1U << peeps_option_entries[i].id &&
		    !peeps_verb_takes(PEEPS_VERB_PS, &peeps_option_entries[i]))
			return false;
	}
	return parse->word_count == 0;
}

int peeps_options_parse(struct peeps_options *options, int count, char *const *arguments,
			struct peeps_problem *problem)
{
	struct parse parse = { .options = options, .problem = problem };
	size_t word = 0;
	int r;

	memset(options, 0, sizeof(*options));
	memset(problem, 0, sizeof(*problem));
	r = parse_words(&parse, count, arguments);
	if (r)
		return r;

	if (parse.word_count && parse.plain_from > 0 && verb_named(parse.words[0], &options->verb))
		word++;
	if (parse.given & (GIVEN(VERSION) | GIVEN(HELP))) { /* and nothing else */
		const enum peeps_verb topic = options->verb;

		*options = (struct peeps_options){ .verb = PEEPS_VERB_VERSION };
		if (!(parse.given & GIVEN(VERSION)))
			*options =
				(struct peeps_options){ .verb = PEEPS_VERB_HELP, .topic = topic };
		return 0;
	}

	if (options->verb == PEEPS_VERB_LOOK && is_ps(&parse))
		options->verb = PEEPS_VERB_PS;
	r = check_options(&parse);
	if (r == 0)
		r = check_conflicts(&parse);
	if (r == 0 && options->verb == PEEPS_VERB_LOOK)
		r = check_order(&parse);
	if (r == 0)
		r = take_words(&parse, word);
	if (r == 0) {
		choose_format(&parse);
		set_defaults(&parse);
		r = check_format(&parse);
	}
	return r;
}
