/* SPDX-License-Identifier: MIT */
#include "reader/verbs/diff_sections.h"

#include "reader/format/color.h"
#include "reader/format/print.h"

void peeps_diff_title(const struct peeps_diff_text *t, const char *title)
{
	(void)fputc('\n', t->out);
	peeps_color_text(t->view->colored, PEEPS_MEANING_HEADER, title, t->out);
	(void)fputs(":\n", t->out);
}

struct peeps_table *peeps_diff_table(const struct peeps_diff_text *t,
				     const struct peeps_column *columns, size_t count)
{
	const struct peeps_table_view view = { .width = t->view->width,
					       .colored = t->view->colored };
	struct peeps_table *table = peeps_table_new(columns, count);

	if (table && peeps_table_look(table, &view, t->problem) != 0) {
		peeps_table_free(table);
		table = NULL;
	}
	return table;
}

int peeps_diff_table_end(const struct peeps_diff_text *t, struct peeps_table *table,
			 size_t left_out)
{
	const int r = peeps_table_print(table, t->out);
	char count[PEEPS_COUNT_BYTES];

	if (left_out)
		(void)fprintf(t->out, "and %s more: --all shows them\n",
			      peeps_count(count, left_out));
	peeps_table_free(table);
	return r;
}
