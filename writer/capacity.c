/* SPDX-License-Identifier: MIT */
#include "writer/capacity.h"

#include <stdlib.h>
#include <string.h>

#include "writer/schema.h"

struct capacity_name {
	const char *name;
	enum peeps_section_id section;
	uint64_t rows_default;
	uint64_t rows_min;
	uint64_t rows_max;
	uint64_t unit; /* of the number given, in rows: text is given in bytes */
};

static const struct capacity_name names[] = {
	{ "entities", PEEPS_SECTION_ENTITIES, 65536, 1, UINT64_C(1) << 26, 1 },
	{ "edges", PEEPS_SECTION_EDGES, 65536, 1, UINT64_C(1) << 26, 1 },
	/* Record 0 is the one that threads share when there is no other. */
	{ "threads", PEEPS_SECTION_THREADS, 4096 + 1, 2, PEEPS_EDGE_THREAD_MASK, 1 },
	{ "sites", PEEPS_SECTION_SITES, 16384, 1, UINT64_C(1) << 24, 1 },
	{ "scopes", PEEPS_SECTION_SCOPES, 16384, 1, UINT64_C(1) << 24, 1 },
	{ "memberships", PEEPS_SECTION_MEMBERSHIPS, 65536, 1, UINT64_C(1) << 26, 1 },
	{ "text", PEEPS_SECTION_TEXT, (64 << 20) / PEEPS_TEXT_GRANULE, 4, UINT64_C(1) << 30,
	  PEEPS_TEXT_GRANULE },
};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static uint64_t parse_number(const char *text, char **end)
{
	uint64_t number, unit = 1;

	if (*text < '0' || *text > '9') {
		*end = (char *)text;
		return 0;
	}
	number = strtoull(text, end, 10);
	for (const char *suffix = "KMG"; *suffix; suffix++) {
		unit *= 1024;
		if (**end != *suffix)
			continue;
		(*end)++;
		return __builtin_mul_overflow(number, unit, &number) ? UINT64_MAX : number;
	}
	return number;
}

static void apply(struct capacity *capacity, const struct capacity_name *name, uint64_t number)
{
	uint64_t rows = number / name->unit;

	if (rows > name->rows_max)
		rows = name->rows_max;
	/* "threads=N" means N of their own. */
	if (name->section == PEEPS_SECTION_THREADS && rows < name->rows_max)
		rows++;
	if (rows < name->rows_min)
		rows = name->rows_min;
	capacity->rows[name->section] = rows;
}

void capacity_parse(struct capacity *capacity, const char *text)
{
	memset(capacity, 0, sizeof(*capacity));
	capacity->rows[PEEPS_SECTION_COUNTERS] = PEEPS_COUNTER_ROOM;
	capacity->rows[PEEPS_SECTION_SCHEMA] = schema_capacity();
	for (size_t i = 0; i < NAME_COUNT; i++)
		capacity->rows[names[i].section] = names[i].rows_default;
	while (text && *text) {
		for (size_t i = 0; i < NAME_COUNT; i++) {
			const size_t length = strlen(names[i].name);
			char *end;
			uint64_t number;

			if (strncmp(text, names[i].name, length) != 0 || text[length] != '=')
				continue;
			number = parse_number(text + length + 1, &end);
			if (end != text + length + 1 && (*end == ',' || *end == '\0'))
				apply(capacity, &names[i], number);
		}
		text = strchr(text, ',');
		text = text ? text + 1 : NULL;
	}
}

void capacity_read(struct capacity *capacity)
{
	/* Kept from the constructor on: a forked child may run after the program scrubbed its
	 * environment. */
	static struct capacity read_once;
	static int is_read;

	if (!is_read) {
		capacity_parse(&read_once, secure_getenv("PEEPS_CAPACITY"));
		is_read = 1;
	}
	*capacity = read_once;
}
