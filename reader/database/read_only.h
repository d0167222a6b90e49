/* SPDX-License-Identifier: MIT */
/* Opening a database that somebody else made, and may be writing to, without changing it. */
#ifndef PEEPS_READER_DATABASE_READ_ONLY_H
#define PEEPS_READER_DATABASE_READ_ONLY_H

struct sqlite3;

/* Of one row: what is longer is refused. A million victims of a deadlock come to 60 MiB. */
#define PEEPS_DATABASE_ROW_BYTES_MAX (512 << 20)

/**
 * peeps_database_open_read_only - open a file, whatever it is called
 * @sqlite: to be closed by the caller, also on failure; NULL without memory
 *
 * What is in the file is bounded in length and depth, and runs nothing but SQLite's own harmless functions. One in WAL
 * mode needs two files beside it, which SQLite makes if they are not there; where that is not allowed, or the disk is
 * full, it is read as it lies, if nobody is writing to it.
 * Returns SQLite's result: the schema was read if that is SQLITE_OK.
 */
int peeps_database_open_read_only(struct sqlite3 **sqlite, const char *path);

/**
 * peeps_database_tidy - remove those two files, after who made them by reading has closed it
 *
 * Nothing is done where they are somebody's: who uses it keeps them, and what a WAL has stays in it.
 */
void peeps_database_tidy(const char *path);

#endif
