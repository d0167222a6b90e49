/* SPDX-License-Identifier: MIT */
#include "reader/options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define VERB(verb) (1U << PEEPS_VERB_##verb)

enum takes { TAKES_NONE, TAKES_TARGETS, TAKES_ID_AND_TARGETS, TAKES_SHELL, TAKES_VERB };

struct verb {
	const char *name;
	const char *arguments;
	const char *summary;
	enum takes takes;
};

static const struct verb verbs[] = {
	[PEEPS_VERB_LOOK] = { "", "TARGET...", "what `blocked` shows, then the verdict of `check`",
			      TAKES_TARGETS },
	[PEEPS_VERB_PS] = { "ps", "",
			    "the processes that can be looked at (also without any argument)",
			    TAKES_NONE },
	[PEEPS_VERB_BLOCKED] = { "blocked", "TARGET...",
				 "who waits on what, how long, and who holds it", TAKES_TARGETS },
	[PEEPS_VERB_CHECK] = { "check", "TARGET...",
			       "find deadlocks and long waits; exit 1 if there are any",
			       TAKES_TARGETS },
	[PEEPS_VERB_EXPLAIN] = { "explain", "ID [TARGET...]",
				 "one entity: its life, who holds it, who waits, who could end that",
				 TAKES_ID_AND_TARGETS },
	[PEEPS_VERB_DUMP] = { "dump", "TARGET...", "print the whole snapshot", TAKES_TARGETS },
	[PEEPS_VERB_DOCTOR] = { "doctor", "[PID]",
				"what is wrong with this set-up, and how to mend it",
				TAKES_TARGETS },
	[PEEPS_VERB_GC] = { "gc", "", "remove the kept segments of processes that are no more",
			    TAKES_NONE },
	[PEEPS_VERB_COMPLETION] = { "completion", "bash|zsh|fish",
				    "print what teaches a shell these words", TAKES_SHELL },
	[PEEPS_VERB_HELP] = { "help", "[VERB]", "explain a verb", TAKES_VERB },
	[PEEPS_VERB_VERSION] = { "version", "", "print the version", TAKES_NONE },
};

enum option_id {
	JSON,
	TREE,
	MIN,
	MAX_WAIT,
	CONFIRM,
	EVERY,
	FORMAT,
	OUTPUT,
	HISTORY,
	PASSIVE,
	COLUMNS,
	SORT,
	WATCH,
	COLOR,
	DRY_RUN,
	HELP,
	VERSION
};

struct option {
	enum option_id id;
	char letter; /* 0 = none */
	const char *name;
	const char *argument; /* NULL = takes none */
	const char *summary;
	unsigned int verbs;
};

#define ALL_LOOKS (VERB(LOOK) | VERB(BLOCKED) | VERB(CHECK) | VERB(EXPLAIN) | VERB(DUMP))
#define TABLES    (VERB(LOOK) | VERB(BLOCKED) | VERB(PS))
#define ANY       UINT_MAX

static const struct option options_table[] = {
	{ JSON, 'J', "json", NULL, "print JSON", ALL_LOOKS | VERB(PS) | VERB(DOCTOR) | VERB(GC) },
	{ TREE, 0, "tree", NULL, "who waits behind whom, from those who hold the others up",
	  VERB(LOOK) | VERB(BLOCKED) },
	{ MIN, 0, "min", "DURATION", "only what has waited that long", VERB(LOOK) | VERB(BLOCKED) },
	{ MAX_WAIT, 0, "max-wait", "DURATION", "whatever waits longer is a finding, too",
	  VERB(LOOK) | VERB(CHECK) },
	{ CONFIRM, 0, "confirm", "N", "only what N looks in a row find", VERB(CHECK) },
	{ EVERY, 0, "every", "DURATION", "between the looks of --confirm; 1s unless told",
	  VERB(CHECK) },
	{ FORMAT, 'f', "format", "FORMAT",
	  "text, json, msgpack or dot; by default as FILE is called", VERB(DUMP) },
	{ OUTPUT, 'o', "output", "FILE", "write there, all or nothing; - is stdout", VERB(DUMP) },
	{ HISTORY, 0, "history", NULL, "finished operations too, as far as they are known",
	  VERB(DUMP) | VERB(EXPLAIN) },
	{ PASSIVE, 0, "passive", NULL,
	  "do not write a byte into the process: then it is not one moment", ALL_LOOKS },
	{ COLUMNS, 0, "columns", "LIST", "only these columns, in this order: pid,name", TABLES },
	{ SORT, 0, "sort", "COLUMN", "by this column; -COLUMN for the other way round", TABLES },
	{ WATCH, 'w', "watch", "DURATION", "look again and again, so long apart", TABLES },
	{ COLOR, 0, "color", "WHEN", "auto, always or never", ALL_LOOKS | VERB(PS) },
	{ DRY_RUN, 'n', "dry-run", NULL, "only print what would be removed", VERB(GC) },
	{ HELP, 'h', "help", NULL, "print help", ANY },
	{ VERSION, 0, "version", NULL, "print the version", ANY },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static __attribute__((format(printf, 4, 5))) int refuse(struct peeps_problem *problem,
							const char *what, const char *hint,
							const char *why, ...)
{
	va_list arguments;

	problem->status = PEEPS_EXIT_USAGE;
	(void)snprintf(problem->what, sizeof(problem->what), "%s", what);
	(void)snprintf(problem->hint, sizeof(problem->hint), "%s", hint);
	va_start(arguments, why);
	(void)vsnprintf(problem->why, sizeof(problem->why), why, arguments);
	va_end(arguments);
	return -EINVAL;
}

static bool parse_duration(const char *text, uint64_t *out_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
		{ "d", UINT64_C(86400000000000) },
	};
	const char *p = text;
	uint64_t number = 0, fraction = 0, fraction_of = 1, ns, part;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
			return false;
	}
	if (*p == '.') {
		p++;
		if (*p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++) {
			if (fraction_of < 1000000000) { /* finer than any clock */
				fraction = 10 * fraction + (uint64_t)(*p - '0');
				fraction_of *= 10;
			}
		}
	}
	for (size_t i = 0; i < COUNT(units); i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		part = (uint64_t)((unsigned __int128)units[i].ns * fraction / fraction_of);
		if (__builtin_mul_overflow(number, units[i].ns, &ns) ||
		    __builtin_add_overflow(ns, part, &ns))
			return false;
		*out_ns = ns;
		return true;
	}
	return false;
}

static int set_duration(uint64_t *out_ns, const struct option *option, const char *text,
			struct peeps_problem *problem)
{
	char what[128];

	if (parse_duration(text, out_ns))
		return 0;
	(void)snprintf(what, sizeof(what), "--%s takes a duration", option->name);
	if (*text && strspn(text, "0123456789.") == strlen(text))
		return refuse(problem, what, "write a unit: 100ms, 2s, 1m", "'%s' has no unit",
			      text);
	return refuse(problem, what, "such as 100ms, 2s, 1m", "'%s' is none", text);
}

static const char *const format_names[] = {
	[PEEPS_FORMAT_TEXT] = "text",
	[PEEPS_FORMAT_JSON] = "json",
	[PEEPS_FORMAT_MSGPACK] = "msgpack",
	[PEEPS_FORMAT_DOT] = "dot",
};

static const char *const color_names[] = {
	[PEEPS_COLOR_AUTO] = "auto",
	[PEEPS_COLOR_ALWAYS] = "always",
	[PEEPS_COLOR_NEVER] = "never",
};

/* One of the names, as its number. */
static int set_word(const struct option *option, const char *text, const char *const *names,
		    size_t count, unsigned int *out, struct peeps_problem *problem)
{
	char what[64];

	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(names[i], text) == 0) {
			*out = i;
			return 0;
		}
	}
	(void)snprintf(what, sizeof(what), "unknown %s", option->name);
	return refuse(problem, what, option->summary, "'%s'", text);
}

static int set_number(uint32_t *out, const struct option *option, const char *text,
		      struct peeps_problem *problem)
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
	return refuse(problem, what, "from 1 to 1000000", "'%s' is none", text);
}

/* What was found on the command line, before the verb is known to allow it. */
struct parse {
	struct peeps_options *options;
	struct peeps_problem *problem;
	unsigned int given; /* bit per option_id */
	const char *words[PEEPS_WORDS_MAX];
	size_t word_count;
	bool json_suffix;
};

static int apply(struct parse *parse, const struct option *option, const char *argument)
{
	struct peeps_options *options = parse->options;
	int r;

	parse->given |= 1U << option->id;
	switch (option->id) {
	case JSON:
		options->format = PEEPS_FORMAT_JSON;
		break;
	case TREE:
		options->tree = true;
		break;
	case MIN:
		return set_duration(&options->min_ns, option, argument, parse->problem);
	case MAX_WAIT:
		r = set_duration(&options->max_wait_ns, option, argument, parse->problem);
		if (r == 0 && options->max_wait_ns == 0)
			return refuse(parse->problem, "--max-wait takes a duration above zero",
				      "such as 100ms, 2s, 1m", "'%s' would find every wait",
				      argument);
		return r;
	case FORMAT:
		return set_word(option, argument, format_names, COUNT(format_names),
				&options->format, parse->problem);
	case OUTPUT:
		options->output = argument;
		break;
	case CONFIRM:
		return set_number(&options->confirm, option, argument, parse->problem);
	case EVERY:
		return set_duration(&options->every_ns, option, argument, parse->problem);
	case COLUMNS:
		options->columns = argument;
		break;
	case SORT:
		options->sort = argument;
		break;
	case WATCH:
		r = set_duration(&options->watch_ns, option, argument, parse->problem);
		if (r == 0 && options->watch_ns == 0)
			return refuse(parse->problem, "--watch takes a duration above zero",
				      "such as 500ms, 2s", "'%s' would never rest", argument);
		return r;
	case COLOR:
		return set_word(option, argument, color_names, COUNT(color_names), &options->color,
				parse->problem);
	case HISTORY:
		options->history = true;
		break;
	case PASSIVE:
		options->passive = true;
		break;
	case DRY_RUN:
		options->dry_run = true;
		break;
	case HELP:
	case VERSION:
		break;
	}
	return 0;
}

static int unknown_option(struct parse *parse, const char *text)
{
	return refuse(parse->problem, "unknown option", "peeps-read --help lists them", "'%s'",
		      text);
}

static int needs_argument(struct parse *parse, const struct option *option)
{
	return refuse(parse->problem, "an option lacks its argument",
		      "peeps-read --help explains it", "--%s takes a %s", option->name,
		      option->argument);
}

/* --name, --name=argument or --name argument. Returns how many further words were used, or -EINVAL. */
static int parse_long(struct parse *parse, const char *text, const char *next)
{
	const size_t length = strcspn(text + 2, "=");
	const char *argument = text[2 + length] ? text + 2 + length + 1 : NULL;

	for (size_t i = 0; i < COUNT(options_table); i++) {
		const struct option *option = &options_table[i];
		int r;

		if (strlen(option->name) != length || strncmp(option->name, text + 2, length) != 0)
			continue;
		if (!option->argument && argument)
			return refuse(parse->problem, "an option takes no argument", "", "'%s'",
				      text);
		if (option->argument && !argument && !next)
			return needs_argument(parse, option);
		r = apply(parse, option, argument ? argument : option->argument ? next : "");
		return r ? r : option->argument && !argument;
	}
	return unknown_option(parse, text);
}

/* -J, -Jh, -o FILE or -oFILE. Returns likewise. */
static int parse_letters(struct parse *parse, const char *text, const char *next)
{
	for (const char *letter = text + 1; *letter; letter++) {
		const struct option *option = NULL;
		int r;

		for (size_t i = 0; i < COUNT(options_table) && !option; i++) {
			if (options_table[i].letter == *letter)
				option = &options_table[i];
		}
		if (!option)
			return unknown_option(parse, text);
		if (!option->argument) {
			(void)apply(parse, option, "");
			continue;
		}
		if (!letter[1] && !next)
			return needs_argument(parse, option);
		r = apply(parse, option, letter[1] ? letter + 1 : next);
		return r ? r : !letter[1];
	}
	return 0;
}

static int parse_words(struct parse *parse, int count, char *const *arguments)
{
	bool only_words = false;

	for (int i = 0; i < count; i++) {
		const char *text = arguments[i];
		const char *next = i + 1 < count ? arguments[i + 1] : NULL;
		int used = 0;

		if (!only_words && strcmp(text, "--") == 0) {
			only_words = true;
		} else if (!only_words && strncmp(text, "--", 2) == 0) {
			used = parse_long(parse, text, next);
		} else if (!only_words && text[0] == '-' && text[1]) {
			used = parse_letters(parse, text, next);
		} else if (parse->word_count == COUNT(parse->words)) {
			return refuse(parse->problem, "too many arguments",
				      "peeps-read --help shows what it takes", "'%s'", text);
		} else {
			parse->words[parse->word_count++] = text;
		}
		if (used < 0)
			return used;
		i += used;
	}
	return 0;
}

static bool verb_named(const char *name, enum peeps_verb *out)
{
	for (size_t i = 1; i < COUNT(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0) {
			*out = (enum peeps_verb)i;
			return true;
		}
	}
	return false;
}

static int check_options(struct parse *parse)
{
	const enum peeps_verb verb = parse->options->verb;

	for (size_t i = 0; i < COUNT(options_table); i++) {
		const struct option *option = &options_table[i];
		char hint[64];

		if (!(parse->given & 1U << option->id) || option->verbs & 1U << verb)
			continue;
		(void)snprintf(hint, sizeof(hint), "peeps-read help%s%s",
			       *verbs[verb].name ? " " : "", verbs[verb].name);
		return refuse(parse->problem, "an option does not belong here", hint,
			      "--%s is not an option of %s", option->name,
			      *verbs[verb].name ? verbs[verb].name : "peeps-read TARGET");
	}
	return 0;
}

static bool ends_with(const char *text, const char *suffix)
{
	const size_t length = strlen(text);

	return length > strlen(suffix) && strcmp(text + length - strlen(suffix), suffix) == 0;
}

/* What a file's name says of its format; "work.json.zst". */
static void format_by_suffix(struct peeps_options *options, bool format_given)
{
	static const struct {
		const char *suffix;
		enum peeps_format format;
	} suffixes[] = {
		{ ".json", PEEPS_FORMAT_JSON },
		{ ".msgpack", PEEPS_FORMAT_MSGPACK },
		{ ".dot", PEEPS_FORMAT_DOT },
	};
	char name[PATH_MAX];
	int length;

	if (!options->output)
		return;
	length = snprintf(name, sizeof(name), "%s", options->output);
	if (length < 0 || (size_t)length >= sizeof(name))
		return; /* no such file can be opened */
	if (ends_with(name, ".zst")) {
		options->compressed = true;
		name[length - (int)strlen(".zst")] = '\0';
	}
	for (size_t i = 0; i < COUNT(suffixes) && !format_given; i++) {
		if (ends_with(name, suffixes[i].suffix))
			options->format = suffixes[i].format;
	}
}

/* The words that are no options, from that one on. */
static int take_words(struct parse *parse, size_t word)
{
	struct peeps_options *options = parse->options;
	const enum takes takes = verbs[options->verb].takes;

	if (takes == TAKES_VERB && word < parse->word_count &&
	    !verb_named(parse->words[word++], &options->topic))
		return refuse(parse->problem, "no such verb", "peeps-read help lists them", "'%s'",
			      parse->words[word - 1]);
	if (takes == TAKES_ID_AND_TARGETS || takes == TAKES_SHELL) {
		if (word == parse->word_count)
			return refuse(parse->problem, "an argument is missing",
				      "peeps-read help explains the verbs", "%s takes %s",
				      verbs[options->verb].name, verbs[options->verb].arguments);
		options->subject = parse->words[word++];
	}
	if (takes == TAKES_TARGETS || takes == TAKES_ID_AND_TARGETS) {
		while (word < parse->word_count)
			options->targets[options->target_count++] = parse->words[word++];
		if (options->target_count == 0 && *verbs[options->verb].arguments == 'T')
			return refuse(parse->problem, "no process given",
				      "peeps-read ps lists those that can be looked at",
				      "whom to look at?");
	}
	if (word < parse->word_count)
		return refuse(parse->problem, "too many arguments",
			      "peeps-read help explains the verbs", "'%s'", parse->words[word]);
	format_by_suffix(options, parse->given & (1U << FORMAT | 1U << JSON));
	return 0;
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

	if (parse.word_count && verb_named(parse.words[0], &options->verb))
		word++;
	if (parse.given & 1U << VERSION) {
		options->verb = PEEPS_VERB_VERSION;
		return 0;
	}
	if (parse.given & 1U << HELP) {
		options->topic = options->verb;
		options->verb = PEEPS_VERB_HELP;
		return 0;
	}

	r = check_options(&parse);
	if (r)
		return r;
	if (parse.word_count == 0 && options->verb == PEEPS_VERB_LOOK)
		options->verb = PEEPS_VERB_PS;
	return take_words(&parse, word);
}

/* Which verbs take it, unless all do. */
static void print_verbs_of(const struct option *option, FILE *out)
{
	const char *before = " [";

	if ((option->verbs & ALL_LOOKS) == ALL_LOOKS)
		return;
	for (size_t i = 1; i < COUNT(verbs); i++) {
		if (!(option->verbs & 1U << i))
			continue;
		(void)fprintf(out, "%s%s", before, verbs[i].name);
		before = ", ";
	}
	(void)fputs("]", out);
}

static void print_options(unsigned int of_verbs, bool name_verbs, FILE *out)
{
	for (size_t i = 0; i < COUNT(options_table); i++) {
		const struct option *option = &options_table[i];
		char usage[48];

		if (!(option->verbs & of_verbs))
			continue;
		(void)snprintf(usage, sizeof(usage), "%s%c%s --%s%s%s", option->letter ? "-" : " ",
			       option->letter ? option->letter : ' ', option->letter ? "," : " ",
			       option->name, option->argument ? " " : "",
			       option->argument ? option->argument : "");
		(void)fprintf(out, "  %-24s %s", usage, option->summary);
		if (name_verbs)
			print_verbs_of(option, out);
		(void)fputc('\n', out);
	}
}

void peeps_options_help(enum peeps_verb topic, FILE *out)
{
	if (topic != PEEPS_VERB_LOOK) {
		(void)fprintf(out, "usage: peeps-read %s [OPTION...] %s\n\n%s\n\n",
			      verbs[topic].name, verbs[topic].arguments, verbs[topic].summary);
		print_options(1U << topic, false, out);
		return;
	}

	(void)fputs(
		"usage: peeps-read [VERB] [OPTION...] TARGET...\n\n"
		"Shows which thread of a running process is blocked on what, since when, and who holds it,\n"
		"without stopping it.\n\n",
		out);
	for (size_t i = 0; i < COUNT(verbs); i++) {
		char usage[48];

		(void)snprintf(usage, sizeof(usage), "%s%s%s", verbs[i].name,
			       *verbs[i].name ? " " : "", verbs[i].arguments);
		(void)fprintf(out, "  %-26s %s\n", usage, verbs[i].summary);
	}
	(void)fputs("\n", out);
	print_options(ALL_LOOKS, true, out);
	(void)fputs(
		"\n"
		"A DURATION has a unit: 100ms, 2s, 1m.\n"
		"Exit status: 0 fine; 1 finding; 2 usage; 3 no such process; 4 no segment there; 5 permission;\n"
		"6 incompatible or corrupt; 7 no consistent snapshot in time; 8 output error.\n",
		out);
}
