/* SPDX-License-Identifier: MIT */
#include "writer/schema.h"

#include <string.h>

#include "layout/schema.h"

uint64_t schema_rows(void)
{
	return sizeof(peeps_schema_built_in) / sizeof(peeps_schema_built_in[0]);
}

uint64_t schema_write(struct peeps_schema_row *rows)
{
	memcpy(rows, peeps_schema_built_in, sizeof(peeps_schema_built_in));
	return schema_rows();
}
