/* SPDX-License-Identifier: MIT */
#include "reader/database/tables.h"

#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "reader/database/schema.h"

/* SQL without comments, and with one space wherever there was either. To be freed. In quotes, too: none of ours have any. */
static char *strip(const char *sql)
{
	char *stripped = malloc(strlen(sql) + 1), *at = stripped;
	bool spaced = false;

	for (; stripped && *sql; sql++) {
		if (sql[0] == '-' && sql[1] == '-') {
			sql += strcspn(sql, "\n");
			sql -= !*sql;
			spaced = true;
			continue;
		}
		if (isspace((unsigned char)*sql)) {
			spaced = true;
			continue;
		}
		if (spaced && at > stripped)
			*at++ = ' ';
		spaced = false;
		*at++ = *sql;
	}
	if (stripped)
		*at = '\0';
	return stripped;
}

/* "edges" of "CREATE TABLE edges (...)". To be freed. */
static char *name_of(const char *create)
{
	const char *name = create;

	for (int words = 0; words < 2; words++) {
		name += strcspn(name, " ");
		name += strspn(name, " ");
	}
	return strndup(name, strcspn(name, " "));
}

/* Returns 0, -EBADMSG, -ENOMEM or -EIO. */
static int compare(sqlite3_stmt *statement, const char *name, const char *wanted)
{
	int step, r = -EBADMSG;
	char *found;

	if (sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) != SQLITE_OK)
		return -EIO;
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW && sqlite3_column_text(statement, 0)) {
		found = strip((const char *)sqlite3_column_text(statement, 0));
		r = !found ? -ENOMEM : strcmp(found, wanted) == 0 ? 0 : -EBADMSG;
		free(found);
	}
	(void)sqlite3_reset(statement);
	return step == SQLITE_ROW || step == SQLITE_DONE ? r : -EIO;
}

/* Statement by statement; no name or text in it has a semicolon. */
static int check(sqlite3_stmt *statement, char *schema, char **differs)
{
	char *rest = schema;

	for (char *sql = strsep(&rest, ";"); sql; sql = strsep(&rest, ";")) {
		char *name;
		int r;

		sql += strspn(sql, " ");
		if (strncmp(sql, "CREATE ", strlen("CREATE ")) != 0)
			continue;
		name = name_of(sql);
		r = name ? compare(statement, name, sql) : -ENOMEM;
		if (r == -EBADMSG)
			*differs = name;
		else
			free(name);
		if (r)
			return r;
	}
	return 0;
}

int peeps_tables_check(sqlite3 *sqlite, char **differs)
{
	sqlite3_stmt *statement = NULL;
	char *schema = strip(peeps_schema_sql);
	int r = -ENOMEM;

	if (schema) {
		r = sqlite3_prepare_v2(sqlite, "SELECT sql FROM sqlite_schema WHERE name = ?", -1,
				       &statement, NULL) == SQLITE_OK
			    ? check(statement, schema, differs)
			    : -EIO;
		(void)sqlite3_finalize(statement);
	}
	free(schema);
	return r;
}
