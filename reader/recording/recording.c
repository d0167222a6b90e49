/* SPDX-License-Identifier: MIT */
#include "reader/recording/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/graph/graph.h"
#include "reader/graph/text.h"
#include "reader/problem.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- what it is called ------------------------------------------------------------------------------------------ */

static const struct {
	const char *suffix;
	enum peeps_recording_kind kind;
	enum peeps_format format;
	bool compressed;
} suffixes[] = {
	{ ".msgpack", PEEPS_RECORDING_SERIES, PEEPS_FORMAT_MSGPACK, false },
	{ ".msgpack.zst", PEEPS_RECORDING_SERIES, PEEPS_FORMAT_MSGPACK, true },
	{ ".json", PEEPS_RECORDING_SERIES, PEEPS_FORMAT_JSON, false },
	{ ".json.zst", PEEPS_RECORDING_SERIES, PEEPS_FORMAT_JSON, true },
	{ ".db", PEEPS_RECORDING_DATABASE, PEEPS_FORMAT_TEXT, false },
	{ ".sqlite", PEEPS_RECORDING_DATABASE, PEEPS_FORMAT_TEXT, false },
	{ ".sqlite3", PEEPS_RECORDING_DATABASE, PEEPS_FORMAT_TEXT, false },
};

/* "orders.db", but not ".db". */
static bool is_called_so(const char *path, const char *suffix)
{
	return strlen(path) > strlen(suffix) && peeps_text_ends_with(path, suffix);
}

static bool is_database(const char *path)
{
	static const char magic[] = "SQLite format 3"; /* with its NUL */
	char head[sizeof(magic)];
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool is_one;

	if (fd < 0)
		return false;
	is_one = read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
		 memcmp(head, magic, sizeof(magic)) == 0;
	(void)close(fd);
	return is_one;
}

/* --- a database ------------------------------------------------------------------------------------------------- */

/* A number; null is 0. */
static int ask(struct peeps_recording *recording, const char *sql, uint64_t *out,
	       struct peeps_problem *problem)
{
	int64_t number;
	const int r = peeps_database_ask(&recording->database, sql, &number, problem);

	if (r == 0)
		*out = (uint64_t)number;
	return r;
}

static int measure(struct peeps_recording *recording, struct peeps_problem *problem)
{
	uint64_t pages = 0, free_pages = 0, page_bytes = 0;
	int r = ask(recording, "PRAGMA page_count", &pages, problem);

	if (r == 0)
		r = ask(recording, "PRAGMA freelist_count", &free_pages, problem);
	if (r == 0)
		r = ask(recording, "PRAGMA page_size", &page_bytes, problem);
	if (r == 0)
		r = ask(recording, "SELECT count(*) FROM snapshots", &recording->snapshots,
			problem);
	if (r == 0)
		recording->bytes = (pages - free_pages) * page_bytes;
	return r;
}

/* SQLite forgets its own locks on a file that this process closes: so it is open for longer than SQLite has it. */
static int lock(struct peeps_recording *recording, const char *path, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s", path);
	recording->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (recording->lock_fd < 0)
		return peeps_problem_set(
			problem, errno == EACCES ? PEEPS_PROBLEM_PERMISSION : PEEPS_PROBLEM_OTHER,
			-errno, "is there room, and may you write there?", "%m");
	if (flock(recording->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	(void)close(recording->lock_fd);
	recording->lock_fd = -1;
	return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EBUSY, "name another file",
				 "another peeps-read is recording into it");
}

static void unlock(struct peeps_recording *recording, bool remove)
{
	if (remove)
		(void)unlink(recording->path);
	(void)close(recording->lock_fd);
}

static bool is_empty_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
}

/* Others may have loaded something into it meanwhile. None can while this transaction lasts. */
static bool is_still_empty(struct peeps_recording *recording)
{
	struct peeps_problem unused = { .status = 0 };
	int64_t count;

	return sqlite3_exec(recording->database.sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL) ==
		       SQLITE_OK &&
	       peeps_database_ask(&recording->database, "SELECT count(*) FROM snapshots", &count,
				  &unused) == 0 &&
	       count == 0;
}

/* One that was made for nothing goes, unless somebody else has it open: who closes it last takes its log away. */
static void close_database(struct peeps_recording *recording)
{
	const char *file = sqlite3_db_filename(recording->database.sqlite, "main");
	char *log = sqlite3_mprintf("%s-wal", file);
	const bool is_empty = recording->is_new && is_still_empty(recording);

	peeps_database_close(&recording->database);
	unlock(recording, is_empty && log && access(log, F_OK) != 0);
	sqlite3_free(log);
}

static int open_database(struct peeps_recording *recording, const char *path,
			 struct peeps_problem *problem)
{
	int r = lock(recording, path, problem);

	if (r)
		return r;
	recording->path = path;
	recording->is_new = is_empty_file(recording->lock_fd);
	r = peeps_database_append(&recording->database, path, problem);
	if (r) {
		unlock(recording, recording->is_new && is_empty_file(recording->lock_fd));
		return r;
	}
	r = ask(recording, "SELECT max(sequence) FROM snapshots", &recording->last, problem);
	if (r == 0)
		r = measure(recording, problem);
	if (r)
		close_database(recording);
	return r;
}

static int drop(struct peeps_recording *recording, uint64_t leave, struct peeps_problem *problem)
{
	const int64_t removed = peeps_database_keep(&recording->database, leave, problem);

	if (removed < 0)
		return (int)removed;
	recording->dropped += (uint64_t)removed;
	return measure(recording, problem);
}

static int is_too_much(struct peeps_recording *recording, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s",
		       recording->database.name);
	return peeps_problem_set(
		problem, PEEPS_PROBLEM_OTHER, -EFBIG, "allow it more by --max-size",
		"with one snapshot it takes %" PRIu64 " bytes, and all together may take %" PRIu64,
		recording->bytes, recording->bounds.bytes);
}

/* What is dropped leaves pages that are used again: the file does not shrink, and grows no more either. */
static int keep_bounds(struct peeps_recording *recording, struct peeps_problem *problem)
{
	const struct peeps_series_bounds *bounds = &recording->bounds;
	int r = 0;

	if (bounds->snapshots && recording->snapshots > bounds->snapshots)
		r = drop(recording, bounds->snapshots, problem);
	while (r == 0 && bounds->bytes && recording->bytes > bounds->bytes &&
	       recording->snapshots > 1)
		r = drop(recording, recording->snapshots - 1, problem);
	return r == 0 && bounds->bytes && recording->bytes > bounds->bytes
		       ? is_too_much(recording, problem)
		       : r;
}

static int add_to_database(struct peeps_recording *recording, struct peeps_graph *graph,
			   struct peeps_problem *problem)
{
	int64_t id;
	int r;

	graph->sequence = recording->last + 1;
	r = peeps_database_add(&recording->database, graph, &id, problem);
	if (r)
		return r;
	recording->last++;
	r = measure(recording, problem);
	return r ? r : keep_bounds(recording, problem);
}

/* --- either ----------------------------------------------------------------------------------------------------- */

static void take_counts(struct peeps_recording *recording)
{
	recording->last = recording->series.last;
	recording->snapshots = recording->series.snapshots;
	recording->dropped = recording->series.dropped;
	recording->bytes = recording->series.bytes;
}

static int has_no_suffix(const char *path, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "how shall %.200s be written?", path);
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "such as orders.msgpack.zst, or orders.db for query",
				 "its name ends with none of .msgpack, .json, .msgpack.zst, "
				 ".json.zst, .db, .sqlite, .sqlite3");
}

int peeps_recording_open(struct peeps_recording *recording, const char *path,
			 struct peeps_series_bounds bounds, struct peeps_problem *problem)
{
	size_t i = 0;
	int r;

	*recording = (struct peeps_recording){ .bounds = bounds, .lock_fd = -1 };
	while (i < COUNT(suffixes) && !is_called_so(path, suffixes[i].suffix))
		i++;
	if (is_database(path) ||
	    (i < COUNT(suffixes) && suffixes[i].kind == PEEPS_RECORDING_DATABASE)) {
		recording->kind = PEEPS_RECORDING_DATABASE;
		return open_database(recording, path, problem);
	}
	if (i == COUNT(suffixes))
		return has_no_suffix(path, problem);
	r = peeps_series_writer_open(&recording->series, path, suffixes[i].format,
				     suffixes[i].compressed, bounds, problem);
	if (r == 0)
		take_counts(recording);
	return r;
}

int peeps_recording_add(struct peeps_recording *recording, struct peeps_graph *graph,
			struct peeps_problem *problem)
{
	int r;

	if (recording->kind == PEEPS_RECORDING_DATABASE)
		return add_to_database(recording, graph, problem);
	r = peeps_series_writer_add(&recording->series, graph, problem);
	take_counts(recording);
	return r;
}

int peeps_recording_close(struct peeps_recording *recording, struct peeps_problem *problem)
{
	if (recording->kind == PEEPS_RECORDING_SERIES)
		return peeps_series_writer_close(&recording->series, problem);
	close_database(recording);
	return 0;
}
