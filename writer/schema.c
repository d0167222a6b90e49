/* SPDX-License-Identifier: MIT */
#include "writer/schema.h"

#include <string.h>

#include "layout/schema.h"
#include "writer/segment.h"

#define BUILT_IN (sizeof(peeps_schema_built_in) / sizeof(peeps_schema_built_in[0]))

/* Under the process lock. In private memory: a child writes them to a segment of its own. */
static struct peeps_schema_row own[PEEPS_SCHEMA_ROOM];
static uint64_t own_count;

uint64_t schema_capacity(void)
{
	return BUILT_IN + PEEPS_SCHEMA_ROOM;
}

uint64_t schema_rows(void)
{
	return BUILT_IN + own_count;
}

uint64_t schema_write(struct peeps_schema_row *rows)
{
	memcpy(rows, peeps_schema_built_in, sizeof(peeps_schema_built_in));
	memcpy(rows + BUILT_IN, own, own_count * sizeof(own[0]));
	return schema_rows();
}

bool schema_add(const struct peeps_schema_row *rows, uint64_t count)
{
	if (count > PEEPS_SCHEMA_ROOM - own_count ||
	    !segment_reserve(PEEPS_SECTION_SCHEMA, schema_rows() + count))
		return false;
	memcpy(segment_row(PEEPS_SECTION_SCHEMA, schema_rows()), rows, count * sizeof(rows[0]));
	memcpy(&own[own_count], rows, count * sizeof(rows[0]));
	own_count += count;
	segment_raise(PEEPS_SECTION_SCHEMA, schema_rows());
	return true;
}

const struct peeps_schema_row *schema_own(uint64_t place)
{
	return &own[place];
}

uint64_t schema_own_count(void)
{
	return own_count;
}
