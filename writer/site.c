/* SPDX-License-Identifier: MIT */
#include "writer/site.h"

#include <string.h>

#include <peeps/hook.h>
#include "layout/segment.h"
#include "writer/intern.h"
#include "writer/memory.h"
#include "writer/process.h"
#include "writer/segment.h"

#define BUCKET_COUNT 1024
#define REFUSED \
	UINT32_MAX /* id of a site that has no row, so that it is not tried again at every call */

struct peeps_site peeps_site_unknown = { .id = REFUSED, .layout_hash = PEEPS_LAYOUT_HASH };
struct peeps_site peeps_site_in_name = { .id = REFUSED, .layout_hash = PEEPS_LAYOUT_HASH };

/* A known place. Strings are interned, so equal ones are the same pointer. Kept for ever: ids
 * outlive a fork and the library that the place was compiled into. */
struct place {
	struct interned *file, *root, *function, *module; /* NULL = none */
	uint64_t line;
	struct peeps_site kept;
	uint32_t next; /* in its bucket */
};

/* Under the process lock. Position = id; 0 is "not known". */
static struct place *places;
static uint64_t place_count;
static uint32_t buckets[BUCKET_COUNT];

static uint64_t text_of(const struct interned *string)
{
	return string ? string->text : 0;
}

static void write_row(uint64_t id)
{
	const struct place *const place = &places[id];
	struct peeps_site_row *const row = segment_row(PEEPS_SECTION_SITES, id);

	row->line = (uint32_t)place->line;
	row->file = text_of(place->file);
	row->root = text_of(place->root);
	row->function = text_of(place->function);
	row->module = text_of(place->module);
}

bool site_init(void)
{
	if (!places)
		places = memory_reserve(segment_section(PEEPS_SECTION_SITES)->capacity *
					sizeof(*places));
	if (!places)
		return false;
	if (place_count == 0)
		place_count = 1;
	if (!segment_reserve(PEEPS_SECTION_SITES, place_count))
		return false;
	segment_raise(PEEPS_SECTION_SITES, place_count);
	for (uint64_t id = 1; id < place_count; id++)
		write_row(id);
	return true;
}

static uint32_t *bucket_of(const struct place *place)
{
	return &buckets[((uintptr_t)place->file / 64 * 31 + place->line) % BUCKET_COUNT];
}

static uint64_t find(const struct place *place)
{
	for (uint32_t id = *bucket_of(place); id; id = places[id].next)
		if (places[id].file == place->file && places[id].line == place->line &&
		    places[id].function == place->function && places[id].module == place->module &&
		    places[id].root == place->root)
			return id;
	return 0;
}

static const char *bytes_of(const struct interned *string)
{
	return string ? string->bytes : "";
}

static bool is_full(void)
{
	return peeps_load_relaxed(&place_count) == segment_section(PEEPS_SECTION_SITES)->capacity;
}

static uint64_t add(const struct place *place)
{
	const uint64_t id = place_count;

	if (is_full() || !segment_reserve(PEEPS_SECTION_SITES, id + 1)) {
		segment_count(PEEPS_COUNTER_DROPPED_SITES);
		return 0;
	}
	places[id] = *place;
	places[id].kept = (struct peeps_site){ .id = id,
					       .file = bytes_of(place->file),
					       .root = bytes_of(place->root),
					       .function = bytes_of(place->function),
					       .module = bytes_of(place->module),
					       .line = place->line,
					       .layout_hash = PEEPS_LAYOUT_HASH };
	places[id].next = *bucket_of(place);
	*bucket_of(place) = (uint32_t)id;
	/* Before the mark: a reader that sees the row sees it whole. */
	write_row(id);
	segment_raise(PEEPS_SECTION_SITES, id + 1);
	peeps_store_relaxed(&place_count, id + 1);
	return id;
}

static void put(struct interned *string)
{
	/* Nothing in the segment refers to it by this use. */
	if (string)
		intern_put(string, (struct rest){ .over = true });
}

static void put_all(const struct place *place)
{
	put(place->file);
	put(place->root);
	put(place->function);
	put(place->module);
}

static struct interned *get(const char *text)
{
	return text && *text ? intern_get(text, strlen(text)) : NULL;
}

/* A string that is nowhere yet makes the place one that is not in the table. */
static bool peek(struct interned **string, const char *text)
{
	*string = text && *text ? intern_peek(text, strlen(text)) : NULL;
	return *string || !text || !*text;
}

/* The table is full, so strings of a new place would be made for nothing. */
static uint64_t find_only(const char *file, const char *root, const char *function,
			  const char *module, uint64_t line)
{
	struct place place = { .line = line };
	uint64_t id = 0;
	sigset_t mask;

	process_lock(&mask);
	if (peek(&place.file, file) && peek(&place.root, root) && peek(&place.function, function) &&
	    peek(&place.module, module))
		id = find(&place);
	process_unlock(&mask);
	if (!id)
		segment_count(PEEPS_COUNTER_DROPPED_SITES);
	return id;
}

static uint64_t find_or_add(const char *file, const char *root, const char *function,
			    const char *module, uint64_t line)
{
	const struct place place = { .file = get(file),
				     .root = get(root),
				     .function = get(function),
				     .module = get(module),
				     .line = line };
	sigset_t mask;
	uint64_t id;

	process_lock(&mask);
	id = find(&place);
	if (id) {
		put_all(&place);
	} else {
		id = add(&place);
		if (!id)
			put_all(&place);
	}
	process_unlock(&mask);
	return id;
}

uint64_t site_id_of(const char *file, const char *root, const char *function, const char *module,
		    uint64_t line)
{
	return is_full() ? find_only(file, root, function, module, line)
			 : find_or_add(file, root, function, module, line);
}

uint64_t site_id(struct peeps_site *site)
{
	uint64_t id = peeps_load_relaxed(&site->id);

	if (id == 0) {
		id = site_id_of(site->file, site->root, site->function, site->module, site->line);
		peeps_store_relaxed(&site->id, id ? id : REFUSED);
	}
	return id == REFUSED ? 0 : id;
}

struct peeps_site *site_keep(struct peeps_site *site)
{
	const uint64_t id = site_id(site);

	return id ? &places[id].kept : NULL;
}
