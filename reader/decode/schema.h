/* SPDX-License-Identifier: MIT */
/* The schema that travels in a segment: what its kinds, fields and numbers are called. */
#ifndef PEEPS_READER_SCHEMA_H
#define PEEPS_READER_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "layout/segment.h"

struct peeps_arena;

#define PEEPS_SCHEMA_FIELDS_MAX 64 /* of one kind or operation; more are not believed */

/* Checked: the bits lie within the word, the type is known, the name is printable and unlike the others of its kind. */
struct peeps_schema_kind {
	uint32_t number;
	enum peeps_role role;
	const char *name;
	const char *prefix;                    /* of ids */
	const struct peeps_schema_row *fields; /* in order; no name: for the reader's own use */
	size_t field_count;
	size_t attribute_count; /* of the fields that have a name */
	size_t derived_count;   /* attributes that are the reader's own work */
};

struct peeps_schema {
	struct peeps_schema_row *rows; /* the sound ones, sorted by list, owner, number */
	size_t row_count;
	struct peeps_schema_kind *kinds; /* sorted by number */
	size_t kind_count;
	uint64_t unknown; /* rows left out because a later layout may give them a meaning */
	uint64_t damaged; /* rows left out because they have none */
};

/**
 * peeps_schema_read - believe what can be believed of an image's schema
 * @arena: where the schema goes, with its names
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_schema_read(struct peeps_schema *schema, struct peeps_arena *arena,
		      const struct peeps_schema_row *rows, size_t count);

/* The kind of that number; NULL if the schema has none. */
const struct peeps_schema_kind *peeps_schema_kind(const struct peeps_schema *schema,
						  uint32_t number);

/**
 * peeps_schema_details - what the details words of an operation's edges mean
 *
 * Returns the first of *count rows; a row's name is empty if it is not to be shown.
 */
const struct peeps_schema_row *peeps_schema_details(const struct peeps_schema *schema, uint32_t op,
						    size_t *count);

/**
 * peeps_schema_name - what a number of a list is called; NULL if the schema does not say
 * @owner: the field type for PEEPS_SCHEMA_ENUM, else 0
 */
const char *peeps_schema_name(const struct peeps_schema *schema, enum peeps_schema_list list,
			      uint32_t owner, uint32_t number);

#endif
