/* SPDX-License-Identifier: MIT */
/*
 * The words of the command line: verbs, options, exit statuses, and what is said of them.
 *
 * The one place that knows them. From it come parsing (options.c), --help and help VERB (help.c), what shells complete
 * (completion.c) and the lists of peeps-read(1) (docs/man/read.c, built and run on the machine that builds: so nothing here
 * may need another part of the reader).
 */
#ifndef PEEPS_READER_OPTIONS_TABLE_H
#define PEEPS_READER_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peeps_verb {
	PEEPS_VERB_LOOK, /* none was given */
	PEEPS_VERB_PS,   /* neither was a target */
	PEEPS_VERB_BLOCKED,
	PEEPS_VERB_CHECK,
	PEEPS_VERB_EXPLAIN,
	PEEPS_VERB_DUMP,
	PEEPS_VERB_RECORD,
	PEEPS_VERB_DIFF,
	PEEPS_VERB_LOAD,
	PEEPS_VERB_QUERY,
	PEEPS_VERB_DOCTOR,
	PEEPS_VERB_GC,
	PEEPS_VERB_COMPLETION,
	PEEPS_VERB_HELP,
	PEEPS_VERB_VERSION,
};

#define PEEPS_VERB_COUNT (PEEPS_VERB_VERSION + 1)

enum peeps_format {
	PEEPS_FORMAT_TEXT,
	PEEPS_FORMAT_JSON,
	PEEPS_FORMAT_MSGPACK,
	PEEPS_FORMAT_DOT,
	PEEPS_FORMAT_CSV,
};

enum peeps_shell { PEEPS_SHELL_BASH, PEEPS_SHELL_ZSH, PEEPS_SHELL_FISH };

/* What a verb wants besides options. */
enum peeps_takes {
	PEEPS_TAKES_NOTHING,
	PEEPS_TAKES_TARGETS, /* one or more */
	PEEPS_TAKES_PERHAPS_TARGETS,
	PEEPS_TAKES_ID_AND_TARGETS, /* of the latter perhaps none */
	PEEPS_TAKES_DATABASE_AND_TARGETS,
	PEEPS_TAKES_QUESTION_AND_TARGETS, /* neither: which there are; with --sql no question */
	PEEPS_TAKES_SHELL,
	PEEPS_TAKES_PERHAPS_A_VERB,
};

struct peeps_example {
	const char *command; /* NULL: no more */
	const char *meaning;
};

#define PEEPS_EXAMPLES_MAX 3

struct peeps_verb_entry {
	const char *name;        /* "" of LOOK */
	const char *arguments;   /* as in the usage */
	const char *summary;     /* a line */
	const char *description; /* a few more, each with its newline */
	enum peeps_takes takes;
	unsigned int statuses; /* a bit per exit status that it may have */
	struct peeps_example examples[PEEPS_EXAMPLES_MAX];
};

enum peeps_option_id {
	PEEPS_OPTION_JSON,
	PEEPS_OPTION_TREE,
	PEEPS_OPTION_ALL,
	PEEPS_OPTION_MIN,
	PEEPS_OPTION_MAX_WAIT,
	PEEPS_OPTION_CONFIRM,
	PEEPS_OPTION_EVERY,
	PEEPS_OPTION_FORMAT,
	PEEPS_OPTION_OUTPUT,
	PEEPS_OPTION_HISTORY,
	PEEPS_OPTION_DRY_RUN,
	PEEPS_OPTION_AT,
	PEEPS_OPTION_SQL,
	PEEPS_OPTION_SHOW,
	PEEPS_OPTION_MAX_ROWS,
	PEEPS_OPTION_TIMEOUT,
	PEEPS_OPTION_INTERVAL,
	PEEPS_OPTION_TIME,
	PEEPS_OPTION_KEEP,
	PEEPS_OPTION_MAX_SIZE,
	PEEPS_OPTION_PASSIVE,
	PEEPS_OPTION_COLUMNS,
	PEEPS_OPTION_SORT,
	PEEPS_OPTION_WATCH,
	PEEPS_OPTION_COLOR,
	PEEPS_OPTION_HELP,
	PEEPS_OPTION_VERSION,
};

struct peeps_option_entry {
	enum peeps_option_id id;
	char letter; /* 0 = none */
	bool argument_is_optional;
	const char *name;
	const char *argument;     /* NULL = takes none */
	const char *const *words; /* the argument is one of these, then NULL; NULL = it is free */
	const unsigned int
		*word_verbs; /* of each word, a bit per verb that knows it; NULL = all do */
	const char *summary; /* a line */
	const char *details; /* sentences for those who want to know; NULL = none */
	unsigned int verbs;  /* a bit per verb that takes it */
};

struct peeps_status_entry {
	int status;
	const char *summary;
	const char *details;
};

extern const struct peeps_verb_entry peeps_verbs[PEEPS_VERB_COUNT];

extern const struct peeps_option_entry peeps_option_entries[];
extern const size_t peeps_option_count;

extern const struct peeps_status_entry peeps_statuses[];
extern const size_t peeps_status_count;

/* By enum peeps_format, by enum peeps_shell, and by enum peeps_color; each ends with a NULL. */
extern const char *const peeps_format_names[];
extern const char *const peeps_shell_names[];
extern const char *const peeps_color_names[];

/* What a TARGET and a DURATION are: a few lines each. */
extern const char peeps_about_targets[];
extern const char peeps_about_durations[];

#define PEEPS_WORD_LIST_BYTES 128

/**
 * peeps_option_words - the words that an option may have as its argument: "text, json, csv"
 * @verb:      those that it knows; LOOK = all
 * @separator: between them
 *
 * Returns out.
 */
const char *peeps_option_words(const struct peeps_option_entry *option, enum peeps_verb verb,
			       const char *separator, char out[static PEEPS_WORD_LIST_BYTES]);

/* Whether the verb knows that word, by its position. */
static inline bool peeps_verb_knows(enum peeps_verb verb, const struct peeps_option_entry *option,
				    unsigned int word)
{
	return verb == PEEPS_VERB_LOOK || !option->word_verbs ||
	       option->word_verbs[word] & 1U << verb;
}

static inline bool peeps_verb_takes(enum peeps_verb verb, const struct peeps_option_entry *option)
{
	return option->verbs & 1U << verb;
}

#endif
