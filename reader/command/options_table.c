/* SPDX-License-Identifier: MIT */
#include "reader/command/options_table.h"

#include <limits.h>
#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *const peeps_format_names[] = {
	[PEEPS_FORMAT_TEXT] = "text",       [PEEPS_FORMAT_JSON] = "json",
	[PEEPS_FORMAT_MSGPACK] = "msgpack", [PEEPS_FORMAT_DOT] = "dot",
	[PEEPS_FORMAT_CSV] = "csv",         NULL,
};

const char *const peeps_shell_names[] = {
	[PEEPS_SHELL_BASH] = "bash",
	[PEEPS_SHELL_ZSH] = "zsh",
	[PEEPS_SHELL_FISH] = "fish",
	NULL,
};

const char *const peeps_color_names[] = { "auto", "always", "never", NULL };

const char peeps_about_targets[] =
	"A TARGET is a PID, the name of a process, a snapshot file, a database, a kept segment, a core file,\n"
	"or - for a snapshot on standard input. Several processes are looked at in one moment.\n";

const char peeps_about_durations[] =
	"A DURATION has a unit: 100ms, 2s, 1.5m; ns, us, h and d are others.\n";

#define STATUS(status) (1U << (status))
#define ANSWERS        (STATUS(0) | STATUS(2) | STATUS(8))
#define LOOKS          (ANSWERS | STATUS(3) | STATUS(4) | STATUS(5) | STATUS(6) | STATUS(7))

const struct peeps_status_entry peeps_statuses[] = {
	{ 0, "fine", "Nothing is wrong." },
	{ 1, "finding",
	  "A deadlock, or a wait that nobody is left to end, that is certain; or one that is longer than --max-wait." },
	{ 2, "usage", "The command line makes no sense, or a name means several processes." },
	{ 3, "no such process or file", "It does not exist, or has ended." },
	{ 4, "no segment there", "The process does not use peeps, or has it switched off." },
	{ 5, "permission", "The process or the file is somebody else's." },
	{ 6, "incompatible or corrupt",
	  "The segment or the file was made by another version, or is damaged." },
	{ 7, "no consistent snapshot in time",
	  "The process did not let itself be seen in one moment. What was seen of it is printed." },
	{ 8, "output error",
	  "The answer could not be written, or there was no memory; or a query would have taken more time or memory than it may." },
};
const size_t peeps_status_count = COUNT(peeps_statuses);

const struct peeps_verb_entry peeps_verbs[PEEPS_VERB_COUNT] = {
	[PEEPS_VERB_LOOK] = {
		.name = "",
		.arguments = "TARGET...",
		.summary = "what `blocked` shows, then the verdict of `check`",
		.description = "The first question to a process that hangs: who waits, and does it wait for ever?\n",
		.takes = PEEPS_TAKES_TARGETS,
		.statuses = LOOKS | STATUS(1),
		.examples = {
			{ "peeps-read 4711", "why does it hang?" },
			{ "peeps-read -w 4711", "ask again every two seconds" },
		},
	},
	[PEEPS_VERB_PS] = {
		.name = "ps",
		.arguments = "",
		.summary = "the processes that can be looked at (also without any argument)",
		.description = "Lists the processes that use peeps and that you may look at: how much each has of everything,\n"
			       "how many of its threads and tasks are blocked, and for how long the longest.\n",
		.takes = PEEPS_TAKES_NOTHING,
		.statuses = ANSWERS,
		.examples = {
			{ "peeps-read", "which processes are there?" },
			{ "peeps-read ps --sort -blocked -w 1s", "those with most blocked first, every second" },
		},
	},
	[PEEPS_VERB_BLOCKED] = {
		.name = "blocked",
		.arguments = "TARGET...",
		.summary = "who waits on what, how long, and who holds it",
		.description = "A row per operation that is blocked now, the longest first: who waits, on what, who holds it or\n"
			       "owns its other end, and since when. With --tree: below each holder those who wait for it.\n",
		.takes = PEEPS_TAKES_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read blocked 4711 --min 100ms", "what is merely short is left out" },
			{ "peeps-read blocked 4711 --tree", "who holds the others up?" },
		},
	},
	[PEEPS_VERB_CHECK] = {
		.name = "check",
		.arguments = "TARGET...",
		.summary = "find deadlocks and long waits; exit 1 if there are any",
		.description = "Deadlocks, and waits that nobody is left to end, are certain (all who could end them wait\n"
			       "themselves, or are gone) or possible (something that peeps does not see could end them). Only\n"
			       "the certain ones, and waits beyond --max-wait, make the exit status 1.\n",
		.takes = PEEPS_TAKES_TARGETS,
		.statuses = LOOKS | STATUS(1),
		.examples = {
			{ "peeps-read check 4711 --max-wait 2s", "for scripts: 1 if it is stuck or slow" },
			{ "peeps-read check 4711 --max-wait 100ms --confirm 3 --every 1s",
			  "only what is still so after three looks" },
		},
	},
	[PEEPS_VERB_EXPLAIN] = {
		.name = "explain",
		.arguments = "ID [TARGET...]",
		.summary = "one entity: its life, who holds it, who waits, who could end that",
		.description = "Everything that is known of one lock, channel, thread, ...: where it was made, who holds it, who\n"
			       "waits for it and since when, and who could wake them. An ID is what `dump` and -J call it; it says\n"
			       "which process it belongs to, so that a TARGET is needed only for files.\n",
		.takes = PEEPS_TAKES_ID_AND_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read explain mutex:orders-4711:accounts", "who holds it, who waits?" },
			{ "peeps-read explain mutex:orders-4711:accounts hang.msgpack",
			  "the same of a snapshot that was taken before" },
		},
	},
	[PEEPS_VERB_DUMP] = {
		.name = "dump",
		.arguments = "TARGET...",
		.summary = "print the whole snapshot",
		.description = "All entities, operations, links and findings of one moment. A file that was written with -o in\n"
			       "JSON or msgpack is a TARGET itself, for every verb: take it now, look at it later and elsewhere.\n",
		.takes = PEEPS_TAKES_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read dump 4711 -o hang.msgpack", "take it along; then: peeps-read hang.msgpack" },
			{ "peeps-read dump 4711 -J | jq .findings", "for other programs" },
			{ "peeps-read dump 4711 -f dot | dot -Tsvg >hang.svg", "a picture" },
		},
	},
	[PEEPS_VERB_RECORD] = {
		.name = "record",
		.arguments = "TARGET... -o FILE|DB",
		.summary = "a snapshot every so often, into a file or a database",
		.description = "What was it like before it hung? The file is a series of snapshots, and a TARGET itself: every verb\n"
			       "shows its last one, or that of --at. A file that is there already is gone on with. A TARGET by name\n"
			       "need not run yet: whatever starts under that name is followed. It can be stopped at any moment, by\n"
			       "any means: what was recorded stays.\n",
		.takes = PEEPS_TAKES_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read record orders -i 500ms -t 60s -o orders.msgpack.zst",
			  "a minute of whatever is called orders" },
			{ "peeps-read record 4711 --keep 1000 -o orders.db", "the last thousand, for query" },
		},
	},
	[PEEPS_VERB_DIFF] = {
		.name = "diff",
		.arguments = "A [B]",
		.summary = "what came, went, changed or stood still between two snapshots",
		.description = "A and B are targets, looked at one after the other. Of a series or database alone, its first\n"
			       "snapshot is compared with its last; a process alone is looked at twice: does anything move?\n"
			       "A wait that is the same in both, by its number and not only by its looks, made no progress.\n"
			       "This is a report: a deadlock that is still there makes the exit status of check 1, not this.\n",
		.takes = PEEPS_TAKES_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read diff 4711 --every 5s", "does anything move in it?" },
			{ "peeps-read diff before.msgpack 4711", "what has changed since it was dumped?" },
			{ "peeps-read diff orders.db", "over all that was recorded" },
		},
	},
	[PEEPS_VERB_LOAD] = {
		.name = "load",
		.arguments = "DB TARGET...",
		.summary = "append snapshots to a SQLite database",
		.description = "Processes are looked at in one moment, and are one snapshot; of a series, each one is loaded.\n"
			       "DB is made if it is not there. A snapshot is loaded whole or not at all, and printed as soon as it\n"
			       "is: a line each, which begins with its number in the database.\n",
		.takes = PEEPS_TAKES_DATABASE_AND_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read load hang.db 4711", "now; then: peeps-read query root-blockers hang.db" },
			{ "peeps-read load hang.db hang.msgpack", "taken before" },
		},
	},
	[PEEPS_VERB_QUERY] = {
		.name = "query",
		.arguments = "[QUESTION TARGET...]",
		.summary = "ask a named question, or SQL of your own",
		.description = "Without arguments: which questions there are. With --sql none is named; SQL reads and does nothing\n"
			       "else, whatever it says. A database is asked where it is, and only read; of processes and snapshots\n"
			       "one is made in memory. docs/database.md describes the tables, docs/query.md the bounds.\n",
		.takes = PEEPS_TAKES_QUESTION_AND_TARGETS,
		.statuses = LOOKS,
		.examples = {
			{ "peeps-read query root-blockers 4711", "who holds up how many?" },
			{ "peeps-read query --show root-blockers", "its SQL" },
			{ "peeps-read query hang.db -e 'SELECT kind, count(*) FROM nodes GROUP BY kind'",
			  "your own" },
		},
	},
	[PEEPS_VERB_DOCTOR] = {
		.name = "doctor",
		.arguments = "[TARGET...]",
		.summary = "what is wrong with this set-up, and how to mend it",
		.description = "Checks what peeps needs of this machine and, with a TARGET, of that process; each complaint says how\n"
			       "to mend it.\n",
		.takes = PEEPS_TAKES_PERHAPS_TARGETS,
		.statuses = ANSWERS | STATUS(1) | STATUS(3),
		.examples = {
			{ "peeps-read doctor 4711", "why can I not look at it?" },
		},
	},
	[PEEPS_VERB_GC] = {
		.name = "gc",
		.arguments = "",
		.summary = "remove the kept segments of processes that are no more",
		.description = "In the directory that PEEPS_DIR names. Segments of processes that live, and files that are none,\n"
			       "are left alone.\n",
		.takes = PEEPS_TAKES_NOTHING,
		.statuses = ANSWERS | STATUS(3) | STATUS(5),
		.examples = {
			{ "PEEPS_DIR=/dev/shm/peeps peeps-read gc", "it says what it removed" },
		},
	},
	[PEEPS_VERB_COMPLETION] = {
		.name = "completion",
		.arguments = "bash|zsh|fish",
		.summary = "print what teaches a shell these words",
		.description = "A script for the shell to source. An installed peeps-read has it where the shells look already.\n",
		.takes = PEEPS_TAKES_SHELL,
		.statuses = ANSWERS,
		.examples = {
			{ "source <(peeps-read completion bash)", "for this shell" },
		},
	},
	[PEEPS_VERB_HELP] = {
		.name = "help",
		.arguments = "[VERB]",
		.summary = "explain a verb",
		.description = "What it does, its options, its exit statuses, and examples. Without a verb: all of them.\n",
		.takes = PEEPS_TAKES_PERHAPS_A_VERB,
		.statuses = ANSWERS,
		.examples = {
			{ "peeps-read help check", "the same as peeps-read check --help" },
		},
	},
	[PEEPS_VERB_VERSION] = {
		.name = "version",
		.arguments = "",
		.summary = "print the version",
		.description = "Of peeps-read: a process may use another; `ps` shows which.\n",
		.takes = PEEPS_TAKES_NOTHING,
		.statuses = ANSWERS,
		.examples = {
			{ "peeps-read version", "the same as peeps-read --version" },
		},
	},
};

#define VERB(verb) (1U << PEEPS_VERB_##verb)
#define GRAPHS     (VERB(LOOK) | VERB(BLOCKED) | VERB(CHECK) | VERB(EXPLAIN) | VERB(DUMP))
#define SERIES     (GRAPHS | VERB(DIFF) | VERB(LOAD) | VERB(QUERY))
#define TABLES     (VERB(LOOK) | VERB(BLOCKED) | VERB(PS))
#define ANY        UINT_MAX

static const unsigned int format_verbs[] = {
	[PEEPS_FORMAT_TEXT] = VERB(DUMP) | VERB(QUERY),
	[PEEPS_FORMAT_JSON] = VERB(DUMP) | VERB(QUERY),
	[PEEPS_FORMAT_MSGPACK] = VERB(DUMP),
	[PEEPS_FORMAT_DOT] = VERB(DUMP),
	[PEEPS_FORMAT_CSV] = VERB(QUERY),
};

const struct peeps_option_entry peeps_option_entries[] = {
	{
		.id = PEEPS_OPTION_JSON,
		.letter = 'J',
		.name = "json",
		.summary = "print JSON",
		.details =
			"Numbers are exact, ids are strings, durations are in ns or ms as their names say. "
			"With --watch a document per look.",
		.verbs = GRAPHS | VERB(PS) | VERB(DOCTOR) | VERB(GC) | VERB(QUERY) | VERB(DIFF) |
			 VERB(LOAD) | VERB(RECORD),
	},
	{
		.id = PEEPS_OPTION_TREE,
		.name = "tree",
		.summary = "who waits behind whom, from those who hold the others up",
		.verbs = VERB(LOOK) | VERB(BLOCKED),
	},
	{
		.id = PEEPS_OPTION_ALL,
		.name = "all",
		.summary = "each by itself, however many there are",
		.details =
			"Otherwise waits that are alike are told together, long lists end with how many more there are, and "
			"waits of or for what the program calls internal are counted only.",
		.verbs = VERB(LOOK) | VERB(BLOCKED) | VERB(CHECK) | VERB(EXPLAIN) | VERB(DIFF),
	},
	{
		.id = PEEPS_OPTION_MIN,
		.name = "min",
		.argument = "DURATION",
		.summary = "only what has waited that long",
		.verbs = VERB(LOOK) | VERB(BLOCKED) | VERB(QUERY) | VERB(DIFF),
	},
	{
		.id = PEEPS_OPTION_MAX_WAIT,
		.name = "max-wait",
		.argument = "DURATION",
		.summary = "whatever waits longer is a finding, too",
		.verbs = VERB(LOOK) | VERB(CHECK),
	},
	{
		.id = PEEPS_OPTION_CONFIRM,
		.name = "confirm",
		.argument = "N",
		.summary = "only what N looks in a row find",
		.details = "A wait counts as the same only if it is the same operation.",
		.verbs = VERB(CHECK),
	},
	{
		.id = PEEPS_OPTION_EVERY,
		.name = "every",
		.argument = "DURATION",
		.summary = "from one look to the next; 1s unless told",
		.verbs = VERB(CHECK) | VERB(DIFF),
	},
	{
		.id = PEEPS_OPTION_FORMAT,
		.letter = 'f',
		.name = "format",
		.argument = "FORMAT",
		.words = peeps_format_names,
		.word_verbs = format_verbs,
		.summary = "as FILE ends unless told",
		.details =
			"msgpack is the same document as JSON, smaller and faster to read; dot is for Graphviz. csv is of query, "
			"which knows neither of these.",
		.verbs = VERB(DUMP) | VERB(QUERY),
	},
	{
		.id = PEEPS_OPTION_OUTPUT,
		.letter = 'o',
		.name = "output",
		.argument = "FILE",
		.summary = "write into FILE; - is stdout, but not of record",
		.details =
			"The format is as FILE ends: .json, .msgpack, .dot or .csv, else text; "
			"what ends in .zst is compressed as well. A file takes its name only when it is complete. Of record: "
			".msgpack, .json (with .zst or not) or .db, and the file is appended to as it goes.",
		.verbs = VERB(DUMP) | VERB(RECORD) | VERB(QUERY),
	},
	{
		.id = PEEPS_OPTION_HISTORY,
		.name = "history",
		.summary = "finished operations too, as far as known",
		.verbs = VERB(DUMP) | VERB(EXPLAIN) | VERB(RECORD) | VERB(LOAD),
	},
	{
		.id = PEEPS_OPTION_AT,
		.name = "at",
		.argument = "N",
		.summary = "that snapshot of a series by its number, or from the last, -1",
		.details =
			"Without it, the last. A database numbers its snapshots, and a recording those that it took, "
			"from 1: older ones may have made room.",
		.verbs = SERIES,
	},
	{
		.id = PEEPS_OPTION_SQL,
		.letter = 'e',
		.name = "sql",
		.argument = "SQL",
		.summary = "this SQL instead of a named question; it can only read",
		.details =
			"One statement, SELECT or EXPLAIN. ?1 stands for the snapshot that is asked about (--at), :before for "
			"the one before it, and :min_ns for --min.",
		.verbs = VERB(QUERY),
	},
	{
		.id = PEEPS_OPTION_SHOW,
		.name = "show",
		.summary = "the question's SQL instead of its answer",
		.verbs = VERB(QUERY),
	},
	{
		.id = PEEPS_OPTION_MAX_ROWS,
		.name = "max-rows",
		.argument = "N",
		.summary = "so many rows; of a table 1000 unless told, else all",
		.details = "Wherever rows are left out, the answer says so.",
		.verbs = VERB(QUERY),
	},
	{
		.id = PEEPS_OPTION_TIMEOUT,
		.name = "timeout",
		.argument = "DURATION",
		.summary = "give up after this; 30s unless told",
		.details =
			"What else is bounded: docs/query.md. What comes to a bound ends with status 8.",
		.verbs = VERB(QUERY),
	},
	{
		.id = PEEPS_OPTION_INTERVAL,
		.letter = 'i',
		.name = "interval",
		.argument = "DURATION",
		.summary = "from one snapshot to the next; 1s unless told",
		.details =
			"One that is late, because the one before it took longer, is left out and counted.",
		.verbs = VERB(RECORD),
	},
	{
		.id = PEEPS_OPTION_TIME,
		.letter = 't',
		.name = "time",
		.argument = "DURATION",
		.summary = "how long; until it is stopped (Ctrl-C) unless told",
		.verbs = VERB(RECORD),
	},
	{
		.id = PEEPS_OPTION_KEEP,
		.name = "keep",
		.argument = "N",
		.summary = "at most N snapshots: the oldest make room",
		.details =
			"Of a series a quarter goes at once, of a database only what has to.",
		.verbs = VERB(RECORD),
	},
	{
		.id = PEEPS_OPTION_MAX_SIZE,
		.name = "max-size",
		.argument = "SIZE",
		.summary = "of the file, such as 64M: the oldest make room; 1G unless told",
		.verbs = VERB(RECORD),
	},
	{
		.id = PEEPS_OPTION_DRY_RUN,
		.letter = 'n',
		.name = "dry-run",
		.summary = "only print what would be removed",
		.verbs = VERB(GC),
	},
	{
		.id = PEEPS_OPTION_PASSIVE,
		.name = "passive",
		.summary = "do not write a byte into the process: it may not be one moment then",
		.details =
			"Otherwise a few words of its segment are written, which make it keep what it changes until it was "
			"copied. Passively, only what stood still meanwhile is proved: all else is marked uncertain, and "
			"nothing that rests on it is said to be certain.",
		.verbs = SERIES | VERB(RECORD),
	},
	{
		.id = PEEPS_OPTION_COLUMNS,
		.name = "columns",
		.argument = "LIST",
		.summary = "only these columns, in this order: pid,name",
		.details =
			"Columns are called as their titles, with - for blanks: held-by. An unknown one is answered with "
			"the list of those that there are.",
		.verbs = TABLES,
	},
	{
		.id = PEEPS_OPTION_SORT,
		.name = "sort",
		.argument = "COLUMN",
		.summary = "by this column; -COLUMN for the other way round",
		.details =
			"Numbers and durations by size, smallest first; what is unknown comes last either way.",
		.verbs = TABLES,
	},
	{
		.id = PEEPS_OPTION_WATCH,
		.letter = 'w',
		.name = "watch",
		.argument = "DURATION",
		.argument_is_optional = true,
		.summary = "look again and again, so long apart; 2s unless told",
		.details =
			"On a terminal each look takes the place of the one before; elsewhere an empty line and the time "
			"stand between them. Ends with the status of its last look: when interrupted (Ctrl-C), "
			"when nobody reads on, and when the process ends.",
		.verbs = TABLES,
	},
	{
		.id = PEEPS_OPTION_COLOR,
		.name = "color",
		.argument = "WHEN",
		.words = peeps_color_names,
		.summary = "auto, always or never",
		.details =
			"auto: on a terminal, unless NO_COLOR is set or TERM is dumb. Never what a process wrote.",
		.verbs = GRAPHS | VERB(PS) | VERB(DOCTOR) | VERB(QUERY) | VERB(DIFF),
	},
	{
		.id = PEEPS_OPTION_HELP,
		.letter = 'h',
		.name = "help",
		.summary = "print help; after a verb, on that",
		.verbs = ANY,
	},
	{
		.id = PEEPS_OPTION_VERSION,
		.name = "version",
		.summary = "print the version",
		.verbs = ANY,
	},
};
const size_t peeps_option_count = COUNT(peeps_option_entries);

const char *peeps_option_words(const struct peeps_option_entry *option, enum peeps_verb verb,
			       const char *separator, char out[static PEEPS_WORD_LIST_BYTES])
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned int i = 0; option->words[i] && used < PEEPS_WORD_LIST_BYTES; i++) {
		if (peeps_verb_knows(verb, option, i))
			used += (size_t)snprintf(out + used, PEEPS_WORD_LIST_BYTES - used, "%s%s",
						 used ? separator : "", option->words[i]);
	}
	return out;
}
