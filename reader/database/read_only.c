/* SPDX-License-Identifier: MIT */
#include "reader/database/read_only.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SQL_BYTES_MAX 1000000 /* of a statement, and of what a schema says of one thing */
#define BUSY_WAIT_MS  5000

/* Of SQLite's own, to read a schema: it takes some thousand. */
#define STEPS_MAX 1000000

/* --- by its name ------------------------------------------------------------------------------------------------ */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("/._-", c);
}

/* As a URI, in which no name means anything: SQLite takes ":memory:", and where it was so built "file:...", for more than
 * names. Returns NULL without memory. */
static char *uri_of(const char *path, const char *query)
{
	static const char hex[] = "0123456789abcdef";
	const size_t length = strlen("file:./") + 3 * strlen(path) + strlen(query) + 1;
	char *uri = malloc(length), *to = uri;

	if (!uri)
		return NULL;
	to = stpcpy(to, *path == '/' ? "file://" : "file:./");
	for (; *path; path++) {
		if (is_plain(*path)) {
			*to++ = *path;
			continue;
		}
		*to++ = '%';
		*to++ = hex[(unsigned char)*path >> 4];
		*to++ = hex[(unsigned char)*path & 15];
	}
	(void)strcpy(to, query);
	return uri;
}

/* --- as what is not trusted ------------------------------------------------------------------------------------- */

static void mistrust(sqlite3 *sqlite)
{
	static const struct {
		int limit, value;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, PEEPS_DATABASE_ROW_BYTES_MAX },
		{ SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)sqlite3_limit(sqlite, limits[i].limit, limits[i].value);
	(void)sqlite3_extended_result_codes(sqlite, 1);
	(void)sqlite3_busy_timeout(sqlite, BUSY_WAIT_MS);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
}

static int stop(void *unused)
{
	(void)unused;
	return 1;
}

/* The last of them is the first that reads anything. Pages that lead round in circles would be read for ever. */
static int set_up(sqlite3 *sqlite)
{
	int r;

	sqlite3_progress_handler(sqlite, STEPS_MAX, stop, NULL);
	r = sqlite3_exec(sqlite,
			 "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; "
			 "PRAGMA query_only = ON; PRAGMA schema_version; "
			 "SELECT 1 FROM sqlite_schema LIMIT 1",
			 NULL, NULL, NULL);
	sqlite3_progress_handler(sqlite, 0, NULL, NULL);
	return r;
}

static int open_as(sqlite3 **sqlite, const char *path, const char *query, const char *before)
{
	char *uri = uri_of(path, query);
	int r;

	*sqlite = NULL;
	if (!uri)
		return SQLITE_NOMEM;
	r = sqlite3_open_v2(uri, sqlite, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	free(uri);
	if (r != SQLITE_OK)
		return r;
	mistrust(*sqlite);
	r = sqlite3_exec(*sqlite, before, NULL, NULL, NULL);
	return r == SQLITE_OK ? set_up(*sqlite) : r;
}

/* --- where nothing may be written ------------------------------------------------------------------------------- */

/* It is not allowed, or the disk is full. */
static bool cannot_write_beside_it(int result)
{
	return (result & 0xff) == SQLITE_CANTOPEN || (result & 0xff) == SQLITE_READONLY ||
	       result == SQLITE_IOERR_SHMOPEN || result == SQLITE_IOERR_SHMSIZE;
}

/* Bytes; 0 also if it is not there. */
static off_t length_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_size : 0;
}

/* Bytes of what everybody who has it open maps; a shorter one is what a full disk left of the attempt to make it. */
#define SHM_BYTES_MIN 32768

static bool is_used(const char *file)
{
	char *path = sqlite3_mprintf("%s-shm", file);
	const bool is_used = !path || length_of(path) >= SHM_BYTES_MIN;

	sqlite3_free(path);
	return is_used;
}

/* The WAL has what was committed and is not in the file itself. If there is none, nobody is writing, and it is as if it
 * could never be written to; if nobody uses it, which the third file would tell, it can be read without locks. A journal
 * has what is to be taken back: that cannot be done here. */
static int open_as_it_lies(sqlite3 **sqlite, const char *path)
{
	sqlite3 *before = *sqlite;
	const char *file = sqlite3_db_filename(before, "main");
	int r = SQLITE_CANTOPEN;

	if (!file || !*file || length_of(sqlite3_filename_journal(file)))
		return r;
	if (length_of(sqlite3_filename_wal(file)) == 0)
		r = open_as(sqlite, path, "?immutable=1", "");
	else if (!is_used(file))
		r = open_as(sqlite, path, "?vfs=unix-none", "PRAGMA locking_mode = EXCLUSIVE");
	if (*sqlite != before)
		(void)sqlite3_close(before);
	return r;
}

int peeps_database_open_read_only(sqlite3 **sqlite, const char *path)
{
	const int r = open_as(sqlite, path, "", "");

	return *sqlite && cannot_write_beside_it(r) ? open_as_it_lies(sqlite, path) : r;
}

/* --- what SQLite leaves beside it ------------------------------------------------------------------------------- */

/* Whoever is the last to close one that may be written removes them, with locks that who may only read does not get. Of
 * an empty WAL nothing is put into the database. */
static void open_and_close(const char *path)
{
	char *uri = uri_of(path, "");
	sqlite3 *sqlite = NULL;

	if (uri && sqlite3_open_v2(uri, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL) ==
			   SQLITE_OK) {
		mistrust(sqlite);
		(void)sqlite3_busy_timeout(sqlite, 0);
		(void)set_up(sqlite);
	}
	(void)sqlite3_close(sqlite);
	free(uri);
}

void peeps_database_tidy(const char *path)
{
	char *file = realpath(path, NULL); /* as SQLite names what it makes */
	char *wal = file ? sqlite3_mprintf("%s-wal", file) : NULL;
	struct stat status;

	if (wal && stat(wal, &status) == 0 && status.st_size == 0)
		open_and_close(path);
	sqlite3_free(wal);
	free(file);
}
