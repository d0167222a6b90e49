/* SPDX-License-Identifier: MIT */
/*
 * A database of any bytes, as a target: refused with a reason, or graphs that can be shown. What is fuzzed is a database
 * of the golden snapshots, small in its pages:
 *
 *	byte 0      [1:0] what follows: 0 = changes of its bytes, 1 = of those of its WAL, 2 = SQL that is run on it, 3 = the
 *	            bytes of the file itself
 *	of changes, again and again:
 *	bytes 0..2  where, from the begin of the file on
 *	byte 3      [3:0] bytes that follow, and replace what is there
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/database/database.h"
#include "reader/database/database_read.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"
#include "tests/fuzz/golden.h"
#include "tests/fuzz/show.h"

enum mode { IN_FILE, IN_WAL, AS_SQL, AS_FILE };

#define CHANGES    64
#define SQL_STEPS  1000
#define SQL_ROUNDS 100
#define FILE_MAX   (8 << 20)
#define RUN_MEMORY \
	"PRAGMA max_page_count = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"

static char folder[] = "/dev/shm/peeps-fuzz-XXXXXX";
static char path[64], wal_path[64], shm_path[64], journal_path[64];
static struct bytes file, wal; /* of the database, and of the second half of its snapshots */

static void need_sqlite(int result, sqlite3 *sqlite)
{
	if (result == SQLITE_OK)
		return;
	(void)fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(sqlite));
	abort();
}

/* --- the database ----------------------------------------------------------------------------------------------- */

static struct bytes file_read(const char *from)
{
	FILE *stream = fopen(from, "r");
	struct bytes bytes = { .count = 0 };

	need(stream && fseek(stream, 0, SEEK_END) == 0, from);
	bytes.count = (size_t)ftell(stream);
	bytes.start = malloc(bytes.count + 1);
	rewind(stream);
	need(bytes.start && fread(bytes.start, 1, bytes.count, stream) == bytes.count, from);
	(void)fclose(stream);
	return bytes;
}

static void file_write(const char *to, const void *bytes, size_t count)
{
	const int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(fd >= 0 && write(fd, bytes, count) == (ssize_t)count, to);
	(void)close(fd);
}

static void add(struct peeps_database *database, const char *name)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	char from[512];
	int64_t id;
	int fd, r;

	(void)snprintf(from, sizeof(from), "%s/../snapshots/%s.msgpack", PEEPS_GOLDEN_FOLDER, name);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	need(fd >= 0, from);
	r = peeps_snapshot_read(fd, from, &graph, &problem);
	if (r == 0)
		r = peeps_database_add(database, graph, &id, &problem);
	need(r == 0, problem.why);
	peeps_graph_free(graph);
	(void)close(fd);
}

/* In pages of 512 bytes, so that there are many of them. */
static void make_small(void)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	char sql[256];

	need(peeps_database_in_memory(&database, &problem) == 0, problem.why);
	add(&database, "deadlock");
	add(&database, "everything");
	(void)snprintf(sql, sizeof(sql), "PRAGMA page_size = 512; VACUUM INTO '%s'", path);
	need_sqlite(sqlite3_exec(database.sqlite, sql, NULL, NULL, NULL), database.sqlite);
	peeps_database_close(&database);
}

static void make_wal(void)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	need(peeps_database_append(&database, path, &problem) == 0, problem.why);
	need_sqlite(sqlite3_wal_checkpoint_v2(database.sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE,
					      NULL, NULL),
		    database.sqlite);
	add(&database, "tasks");
	file = file_read(path);
	wal = file_read(wal_path);
	peeps_database_close(&database);
}

static void clean_up(void)
{
	(void)unlink(path);
	(void)unlink(wal_path);
	(void)unlink(shm_path);
	(void)unlink(journal_path);
	(void)rmdir(folder);
}

static int count_up(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	(void)graph;
	(void)problem;
	++*(unsigned int *)context;
	return 0;
}

/* What is fuzzed has to be sound before it is changed. */
static void check_database(void)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	unsigned int count = 0;
	int r;

	file_write(path, file.start, file.count);
	file_write(wal_path, wal.start, wal.count);
	r = peeps_database_read(&database, path, &problem);
	if (r == 0)
		r = peeps_database_snapshots(&database, 0, count_up, &count, &problem);
	need(r == 0 && count == 3, problem.why);
	peeps_database_close(&database);
}

static void make_database(void)
{
	need(mkdtemp(folder) != NULL, folder);
	(void)snprintf(path, sizeof(path), "%s/db", folder);
	(void)snprintf(wal_path, sizeof(wal_path), "%s-wal", path);
	(void)snprintf(shm_path, sizeof(shm_path), "%s-shm", path);
	(void)snprintf(journal_path, sizeof(journal_path), "%s-journal", path);
	make_small();
	make_wal();
	check_database();
	(void)atexit(clean_up);
}

/* --- what is done to it ----------------------------------------------------------------------------------------- */

static void change(struct bytes *bytes, const uint8_t *data, size_t size)
{
	for (int i = 0; i < CHANGES && size > 4; i++) {
		const size_t at =
			(data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) % bytes->count;
		size_t count = data[3] & 15;

		data += 4;
		size -= 4;
		if (count > size)
			count = size;
		if (count > bytes->count - at)
			count = bytes->count - at;
		memcpy(bytes->start + at, data, count);
		data += count;
		size -= count;
	}
}

static void write_changed(const uint8_t *data, size_t size, enum mode mode)
{
	struct bytes *changed = mode == IN_WAL ? &wal : &file;
	char *as_it_was = malloc(changed->count);

	need(as_it_was != NULL, "malloc");
	memcpy(as_it_was, changed->start, changed->count);
	change(changed, data, size);
	file_write(path, file.start, file.count);
	file_write(wal_path, wal.start, wal.count);
	memcpy(changed->start, as_it_was, changed->count);
	free(as_it_was);
}

static int stop_after(void *context)
{
	return ++*(int *)context > SQL_ROUNDS;
}

/* SQL may write anything into the file; it does not get at others. */
static void run_sql(const uint8_t *data, size_t size)
{
	char *sql = malloc(size + 1);
	sqlite3 *sqlite = NULL;
	int rounds = 0;

	need(sql != NULL, "malloc");
	memcpy(sql, data, size);
	sql[size] = '\0';
	file_write(path, file.start, file.count);
	(void)unlink(wal_path);
	need_sqlite(sqlite3_open(path, &sqlite), sqlite);
	(void)sqlite3_exec(sqlite, RUN_MEMORY, NULL, NULL, NULL);
	(void)sqlite3_limit(sqlite, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, 1 << 20);
	sqlite3_progress_handler(sqlite, SQL_STEPS, stop_after, &rounds);
	(void)sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
	(void)sqlite3_close(sqlite);
	free(sql);
}

static void make(const uint8_t *data, size_t size, enum mode mode)
{
	(void)unlink(shm_path);
	(void)unlink(journal_path);
	switch (mode) {
	case IN_FILE:
	case IN_WAL:
		write_changed(data, size, mode);
		break;
	case AS_SQL:
		run_sql(data, size);
		break;
	case AS_FILE:
		file_write(path, data, size);
		(void)unlink(wal_path);
		break;
	}
}

/* --- reading it ------------------------------------------------------------------------------------------------- */

static int show(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	unsigned int *count = context;

	(void)problem;
	if ((*count)++ == 0)
		fuzz_show(graph);
	return 0;
}

static void need_reason(int result, const struct peeps_problem *problem)
{
	if (result == 0)
		return;
	if (problem->status == PEEPS_PROBLEM_BAD_SEGMENT && problem->why[0])
		return;
	/* It may say so itself that there are none, or that it wants to be written to before it is read. */
	if (problem->status == PEEPS_PROBLEM_NO_PROCESS && result == -ENOENT)
		return;
	if (problem->status == PEEPS_PROBLEM_PERMISSION)
		return;
	(void)fprintf(stderr, "%s: %s (%d, %d)\n", problem->what, problem->why, problem->status,
		      result);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	unsigned int count = 0;
	int r;

	if (size == 0)
		return 0;
	if (!file.count)
		make_database();
	make(data + 1, size - 1, (enum mode)(data[0] & 3));
	r = peeps_database_read(&database, path, &problem);
	need_reason(r, &problem);
	if (r)
		return 0;
	need_reason(peeps_database_snapshots(&database, 0, show, &count, &problem), &problem);
	peeps_database_close(&database);
	return 0;
}
