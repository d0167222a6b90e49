/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/analysis/attribute_changes.h"
#include "reader/format/print.h"
#include "reader/graph/arena.h"
#include "reader/graph/text.h"
#include "reader/verbs/diff_sections.h"

/* --- summed up -------------------------------------------------------------------------------------------------- */

enum { MOVED_KIND, MOVED_COUNTER, MOVED_MOVED, MOVED_BY, MOVED_RATE, MOVED_BUSIEST, MOVED_COLUMNS };

static const struct peeps_column moved_columns[MOVED_COLUMNS] = {
	[MOVED_KIND] = { .title = "KIND", .columns_max = 24 },
	[MOVED_COUNTER] = { .title = "COUNTER", .columns_max = 24 },
	[MOVED_MOVED] = { .title = "MOVED", .right = true },
	[MOVED_BY] = { .title = "BY", .right = true },
	[MOVED_RATE] = { .title = "PER SECOND", .right = true },
	[MOVED_BUSIEST] = { .title = "BUSIEST", .columns_max = 64, .is_escaped = true },
};

#define AMOUNT_BYTES 80

/* "+1,204", "-3", "+12.4 s" */
static const char *amount(char out[static AMOUNT_BYTES], const char *name, uint64_t by, bool fell)
{
	char duration[PEEPS_DURATION_BYTES], count[PEEPS_COUNT_BYTES];

	(void)snprintf(out, AMOUNT_BYTES, "%c%s", fell ? '-' : '+',
		       peeps_counts_ns(name) ? peeps_duration_floor(duration, by)
					     : peeps_count(count, by));
	return out;
}

/* "+5 -3" where some rose and others fell. */
static const char *amounts(char out[static AMOUNT_BYTES], const struct peeps_moved_counter *counter)
{
	char rose[AMOUNT_BYTES], fell[AMOUNT_BYTES];

	if (counter->fell == 0)
		return amount(out, counter->name, counter->rose, false);
	if (counter->rose == 0)
		return amount(out, counter->name, counter->fell, true);
	(void)snprintf(out, AMOUNT_BYTES, "%.36s %.36s",
		       amount(rose, counter->name, counter->rose, false),
		       amount(fell, counter->name, counter->fell, true));
	return out;
}

static bool is_gauge(const char *name)
{
	static const char *const ends[] = { "waiters",   "available", "_len",     "_count",
					    "watermark", "capacity",  "_per_cent" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (peeps_text_ends_with(name, ends[i]))
			return true;
	}
	return false;
}

/* Of what is counted, and not of how much there is of it. */
static const char *rate(char out[static AMOUNT_BYTES], const char *name, uint64_t rose,
			uint64_t fell, uint64_t elapsed_ns)
{
	const double per_second =
		elapsed_ns ? (double)rose / ((double)elapsed_ns / 1000000000.0) : 0;
	char count[PEEPS_COUNT_BYTES];

	if (fell || !elapsed_ns || peeps_counts_ns(name) || is_gauge(name))
		(void)snprintf(out, AMOUNT_BYTES, "-");
	else if (per_second < 10)
		(void)snprintf(out, AMOUNT_BYTES, "%.1f", per_second);
	else
		(void)snprintf(out, AMOUNT_BYTES, "%s",
			       per_second < 1e18 ? peeps_count(count, (uint64_t)per_second) : "-");
	return out;
}

/* "pulse +1,204, left +3, ..." */
static const char *busiest(const struct peeps_diff_text *t, struct peeps_arena *arena,
			   const struct peeps_moved_counter *counter)
{
	const char *text = "";

	for (size_t i = 0; text && i < counter->busy_count; i++) {
		const struct peeps_moved_entity *entity = &counter->busy[i];
		const char *name =
			peeps_escape(arena, t->difference->after->nodes[entity->node].name);
		char by[AMOUNT_BYTES];

		name = name ? peeps_elide(arena, name, 24) : NULL;
		if (!name)
			return NULL;
		text = peeps_arena_format(arena, "%s%s%s %s", text, i ? ", " : "", name,
					  amount(by, counter->name, entity->by, entity->fell));
	}
	return text && counter->moved > counter->busy_count
		       ? peeps_arena_format(arena, "%s, ...", text)
		       : text;
}

static int add_counter(const struct peeps_diff_text *t, struct peeps_table *table,
		       struct peeps_arena *arena, const struct peeps_movement *movement,
		       size_t position)
{
	const struct peeps_moved_counter *counter = &movement->counters[position];
	const bool again =
		position > 0 && strcmp(movement->counters[position - 1].kind, counter->kind) == 0;
	char moved[64], by[AMOUNT_BYTES], per_second[AMOUNT_BYTES];
	const char *cells[MOVED_COLUMNS] = {
		[MOVED_KIND] = again ? "" : counter->kind,
		[MOVED_COUNTER] = counter->name,
		[MOVED_MOVED] = moved,
		[MOVED_BY] = amounts(by, counter),
		[MOVED_RATE] = rate(per_second, counter->name, counter->rose, counter->fell,
				    counter->elapsed_ns),
		[MOVED_BUSIEST] = busiest(t, arena, counter),
	};

	(void)snprintf(moved, sizeof(moved), "%zu of %zu", counter->moved, counter->count);
	return cells[MOVED_BUSIEST] ? peeps_table_row(table, cells) : -ENOMEM;
}

static int print_counters(const struct peeps_diff_text *t, const struct peeps_movement *movement)
{
	struct peeps_arena *arena;
	struct peeps_table *table;
	int r = 0;

	if (movement->counter_count == 0)
		return 0;
	arena = peeps_arena_new(0);
	table = peeps_diff_table(t, moved_columns, MOVED_COLUMNS);
	if (!arena || !table)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < movement->counter_count; i++)
		r = add_counter(t, table, arena, movement, i);
	peeps_arena_free(arena);
	if (r) {
		peeps_table_free(table);
		return r;
	}
	peeps_diff_title(t, "What moved");
	r = peeps_diff_table_end(t, table, 0);
	if (movement->beyond)
		(void)fprintf(t->out, "and %" PRIu64 " changes of other counters\n",
			      movement->beyond);
	return r;
}

/* --- one by one ------------------------------------------------------------------------------------------------- */

enum { CHANGED_ENTITY, CHANGED_WHAT, CHANGED_BEFORE, CHANGED_AFTER, CHANGED_BY, CHANGED_COLUMNS };

static const struct peeps_column changed_columns[CHANGED_COLUMNS] = {
	[CHANGED_ENTITY] = { .title = "ENTITY", .columns_max = 48 },
	[CHANGED_WHAT] = { .title = "WHAT", .columns_max = 24 },
	[CHANGED_BEFORE] = { .title = "BEFORE", .columns_max = 32 },
	[CHANGED_AFTER] = { .title = "AFTER", .columns_max = 32 },
	[CHANGED_BY] = { .title = "BY", .right = true },
};

struct listing {
	const struct peeps_diff_text *t;
	struct peeps_table *table;
	struct peeps_arena *arena;
	enum peeps_attribute_class class;
	size_t count;
};

static const char *value_in_words(struct peeps_arena *arena, const struct peeps_graph *graph,
				  const struct peeps_value *value)
{
	if (!value)
		return "-";
	switch (value->type) {
	case PEEPS_VALUE_BOOL:
		return value->as.boolean ? "yes" : "no";
	case PEEPS_VALUE_UNSIGNED:
		return peeps_arena_format(arena, "%" PRIu64, value->as.number);
	case PEEPS_VALUE_REAL:
		return peeps_arena_format(arena, "%g", value->as.real);
	case PEEPS_VALUE_TEXT:
		return value->as.text;
	case PEEPS_VALUE_NODE:
		return graph->nodes[value->as.node].name;
	case PEEPS_VALUE_NULL:
	default:
		return "-";
	}
}

/* What threads do changes all the time, and who waits and holds is told above. */
static bool is_restless(const char *name)
{
	static const char *const names[] = { "activity", "current_task_id", "sleep_until_ptime_ms",
					     "holder" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int add_change(struct listing *listing, const struct peeps_attribute_change *change)
{
	const struct peeps_difference *difference = listing->t->difference;
	const struct peeps_node *node = &difference->after->nodes[change->node];
	const bool counts = change->class == PEEPS_ATTRIBUTE_COUNTER;
	char by[AMOUNT_BYTES] = "";
	bool fell = false;
	const uint64_t size = counts ? peeps_attribute_change_by(change, &fell) : 0;
	const char *cells[CHANGED_COLUMNS] = {
		[CHANGED_ENTITY] =
			peeps_arena_format(listing->arena, "%s %s", node->kind, node->name),
		[CHANGED_WHAT] = change->name,
		[CHANGED_BEFORE] =
			value_in_words(listing->arena, difference->before, change->before),
		[CHANGED_AFTER] = value_in_words(listing->arena, difference->after, change->after),
		[CHANGED_BY] = counts ? amount(by, change->name, size, fell) : "",
	};

	return peeps_arena_failed(listing->arena) ? -ENOMEM
						  : peeps_table_row(listing->table, cells);
}

static int list(void *context, const struct peeps_attribute_change *change)
{
	struct listing *listing = context;
	const struct peeps_node *node = &listing->t->difference->after->nodes[change->node];
	const bool all = listing->t->view->all;

	if (change->class != listing->class || node->kind_number == PEEPS_KIND_MPSC_RX ||
	    (!all && is_restless(change->name)))
		return 0;
	if (listing->count++ >= PEEPS_DIFF_ROWS_MAX && !all)
		return 0;
	return add_change(listing, change);
}

static int print_changes(const struct peeps_diff_text *t, enum peeps_attribute_class class,
			 const char *title)
{
	struct peeps_column columns[CHANGED_COLUMNS];
	struct listing listing = { .t = t, .class = class };
	int r = -ENOMEM;

	memcpy(columns, changed_columns, sizeof(columns));
	columns[CHANGED_BY].is_extra = class == PEEPS_ATTRIBUTE_STATE;
	listing.arena = peeps_arena_new(0);
	listing.table = peeps_diff_table(t, columns, CHANGED_COLUMNS);
	if (listing.arena && listing.table)
		r = peeps_attribute_changes(t->difference, list, &listing);
	peeps_arena_free(listing.arena);
	if (r || listing.count == 0) {
		peeps_table_free(listing.table);
		return r;
	}
	peeps_diff_title(t, title);
	return peeps_diff_table_end(t, listing.table,
				    t->view->all || listing.count <= PEEPS_DIFF_ROWS_MAX
					    ? 0
					    : listing.count - PEEPS_DIFF_ROWS_MAX);
}

int peeps_diff_moved(const struct peeps_diff_text *text, const struct peeps_movement *movement)
{
	int r = print_counters(text, movement);

	if (r == 0 && text->view->all)
		r = print_changes(text, PEEPS_ATTRIBUTE_COUNTER, "Every counter");
	return r ? r : print_changes(text, PEEPS_ATTRIBUTE_STATE, "Changed state");
}
