/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/text.h"
#include "reader/query/cell.h"
#include "reader/query/result.h"
#include "reader/query/statement.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* What of a text cannot stand as it is, from here: bytes that a terminal obeys. Returns how many; 0 = it can. */
static size_t is_control(const char *at)
{
	const unsigned char byte = (unsigned char)*at;
	const unsigned char next = byte ? (unsigned char)at[1] : 0;

	if (byte == 0xc2 && next >= 0x80 && next <= 0x9f)
		return 2; /* a C1 control */
	return (byte < 0x20 && !strchr("\t\n\r", byte)) || byte == 0x7f;
}

static void write_quoted(const char *text, FILE *out)
{
	(void)fputc('"', out);
	while (*text) {
		const size_t control = is_control(text);

		if (control)
			(void)fputs_unlocked(REPLACEMENT, out);
		else
			(void)fputc_unlocked(*text, out);
		if (*text == '"')
			(void)fputc_unlocked('"', out);
		text += control ? control : 1;
	}
	(void)fputc('"', out);
}

static bool needs_quotes(const char *text)
{
	if (!*text || *text == ' ' || text[strlen(text) - 1] == ' ')
		return true; /* empty is null; blanks at the ends are stripped by some */
	for (; *text; text++) {
		if (strchr(",\"\t\n\r", *text) || is_control(text))
			return true;
	}
	return false;
}

static void write_text(const char *text, FILE *out)
{
	if (needs_quotes(text))
		write_quoted(text, out);
	else
		(void)fputs_unlocked(text, out);
}

/* Bytes that may be anything. */
static int write_bytes(struct peeps_bytes bytes, FILE *out)
{
	struct peeps_arena *arena;
	const char *text;

	if (!bytes.start)
		return -ENOMEM;
	if (peeps_text_is_sound(bytes)) {
		write_text((const char *)bytes.start, out);
		return 0;
	}
	arena = peeps_arena_new(0);
	text = arena ? peeps_text_mend(arena, bytes) : NULL;
	if (text)
		write_text(text, out);
	peeps_arena_free(arena);
	return text ? 0 : -ENOMEM;
}

static int write_blob(sqlite3_stmt *row, int column, FILE *out)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *text = arena ? peeps_cell_blob(arena, row, column, SIZE_MAX) : NULL;

	if (text)
		(void)fputs_unlocked(text, out);
	peeps_arena_free(arena);
	return text ? 0 : -ENOMEM;
}

static int write_cell(sqlite3_stmt *row, int column, FILE *out)
{
	switch (sqlite3_column_type(row, column)) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_BLOB:
		return write_blob(row, column, out);
	case SQLITE_FLOAT: /* exact: what is read back is the same number */
		(void)fprintf(out, "%.17g", sqlite3_column_double(row, column));
		return 0;
	default:
		return write_bytes(
			(struct peeps_bytes){ sqlite3_column_text(row, column),
					      (size_t)sqlite3_column_bytes(row, column) },
			out);
	}
}

static int write_row(const struct peeps_statement *statement, FILE *out)
{
	int r = 0;

	for (size_t i = 0; i < statement->column_count && r == 0; i++) {
		if (i)
			(void)fputc_unlocked(',', out);
		r = write_cell(statement->prepared, (int)i, out);
	}
	(void)fputc_unlocked('\n', out);
	return r;
}

int peeps_result_csv(struct peeps_statement *statement, FILE *out, struct peeps_problem *problem)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *const *names = arena ? peeps_statement_names(statement, arena) : NULL;
	int r = names ? 0 : -ENOMEM;

	for (size_t i = 0; names && i < statement->column_count; i++) {
		write_text(names[i], out);
		(void)fputc(i + 1 < statement->column_count ? ',' : '\n', out);
	}
	while (r == 0 && !ferror(out)) {
		r = peeps_statement_next(statement, problem);
		if (r <= 0)
			break;
		r = write_row(statement, out);
	}
	peeps_arena_free(arena);
	return r;
}
