/* SPDX-License-Identifier: MIT */
/* Whether the tables of a database are those of schema.sql. */
#ifndef PEEPS_READER_DATABASE_TABLES_H
#define PEEPS_READER_DATABASE_TABLES_H

struct sqlite3;

/**
 * peeps_tables_check - whether each table, index and view of schema.sql is there and as it stands there
 * @differs: set to the name of the first that is not, to be freed; else untouched
 *
 * White space and comments do not count. Others may be there, too: a user's, or those of ANALYZE.
 * Returns 0; -EBADMSG with differs set; -ENOMEM; -EIO if SQLite failed, which knows why.
 */
int peeps_tables_check(struct sqlite3 *sqlite, char **differs);

#endif
