/* SPDX-License-Identifier: MIT */
#include "reader/graph/ids.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/graph.h"

#define NAME_MAX_BYTES 32

int peeps_ids_init(struct peeps_ids *ids, struct peeps_arena *arena, size_t count)
{
	*ids = (struct peeps_ids){ .arena = arena, .count = count };
	return peeps_id_index_init(&ids->index, count);
}

void peeps_ids_deinit(struct peeps_ids *ids)
{
	peeps_id_index_deinit(&ids->index);
}

uint32_t peeps_ids_find(const struct peeps_ids *ids, const char *id)
{
	return peeps_id_index_find(&ids->index, id, strlen(id));
}

/* Whether the id is now in its place; false if it was there, or if it has none. */
static bool insert(struct peeps_ids *ids, const char *id, uint32_t node)
{
	return peeps_id_index_add(&ids->index, id, node) == 0;
}

const char *peeps_ids_issue(struct peeps_ids *ids, const char *id, uint32_t node)
{
	const uint64_t first = ids->issued++;
	const char *unlike = id;

	if (!id || insert(ids, id, node))
		return id;
	ids->doubles++;
	/* No two doubles try the same number. The name of a foreign entity may be any of them, but each only once, so all
	 * the tries together are no more than there are ids. */
	for (uint64_t number = first; unlike && (unlike == id || !insert(ids, unlike, node));
	     number += ids->count)
		unlike = peeps_arena_format(ids->arena, "%s~dup%" PRIu64, id, number);
	return unlike;
}

static char *append(char *to, const char *text, size_t length)
{
	memcpy(to, text, length);
	return to + length;
}

/* Not by printf: with a million entities that would be most of the work. */
const char *peeps_ids_make(struct peeps_ids *ids, const char *stem, const char *key,
			   uint32_t ordinal, const char *suffix, uint32_t node)
{
	const size_t stem_length = strlen(stem), key_length = key ? strlen(key) : 0,
		     suffix_length = strlen(suffix);
	char number[16];
	const size_t number_length =
		ordinal ? (size_t)snprintf(number, sizeof(number), "~%" PRIu32, ordinal) : 0;
	char *id, *end;

	if (!key)
		return NULL;
	id = peeps_arena_take(ids->arena,
			      stem_length + key_length + number_length + suffix_length + 1, 1);
	if (!id)
		return NULL;
	end = append(id, stem, stem_length);
	end = append(end, key, key_length);
	end = append(end, number, number_length);
	end = append(end, suffix, suffix_length);
	*end = '\0';
	return peeps_ids_issue(ids, id, node);
}

const char *peeps_proc_key(struct peeps_arena *arena, const char *name, uint32_t pid)
{
	char key[NAME_MAX_BYTES + 1];
	size_t length = 0;

	for (; *name && length < NAME_MAX_BYTES; name++) {
		const char lower = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
		const bool fits = (lower >= 'a' && lower <= 'z') ||
				  (lower >= '0' && lower <= '9') || lower == '.' || lower == '_' ||
				  lower == '-';

		key[length++] = fits ? lower : '-';
	}
	key[length] = '\0';
	return peeps_arena_format(arena, "%s-%" PRIu32, length ? key : "process", pid);
}
