/* SPDX-License-Identifier: MIT */
/*
 * The maps of a document, as C structs: which keys there may be, of what type, and where each goes.
 *
 * Keys may stand in any order, but each once; those that are not in the table are passed over.
 */
#ifndef PEEPS_READER_FIELDS_H
#define PEEPS_READER_FIELDS_H

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

struct peeps_arena;
struct peeps_problem;

enum peeps_key_kind {
	PEEPS_KEY_TEXT,     /* const char *, in the arena; equal ones may be one */
	PEEPS_KEY_BYTES,    /* msgpack_object_str, borrowed: to be looked up */
	PEEPS_KEY_NUMBER,   /* uint64_t, below 2^63 */
	PEEPS_KEY_NUMBER32, /* uint32_t */
	PEEPS_KEY_BOOL,     /* bool */
	PEEPS_KEY_MAP,      /* const msgpack_object * */
	PEEPS_KEY_ARRAY,    /* const msgpack_object * */
};

#define PEEPS_KEY_REQUIRED 1U
#define PEEPS_KEY_NULLABLE 2U /* then what is in the struct stays */

struct peeps_key {
	const char *name;
	enum peeps_key_kind kind;
	unsigned int flags;
	size_t offset;
};

#define PEEPS_KEYS_MAX 32

struct peeps_text_copy {
	const char *text; /* NULL = none */
	size_t length;
};

#define PEEPS_TEXT_COPIES 1024 /* a power of two */

/* What is being read: for messages, and for what all of it shares. */
struct peeps_fields {
	struct peeps_arena *arena;
	struct peeps_problem *problem;
	const char *section; /* "edges"; NULL: the document itself */
	size_t row;          /* in it */
	const char *inner;   /* a map or array in it: "meta"; NULL = none */
	size_t inner_row;    /* in that; SIZE_MAX: it is no array */
	struct peeps_text_copy copies[PEEPS_TEXT_COPIES]; /* of late: documents repeat themselves */
};

/**
 * peeps_fields_fail - "edges[17].meta.slot: " and why
 * @key: may be NULL
 *
 * Returns -EBADMSG.
 */
int peeps_fields_fail(struct peeps_fields *fields, const char *key, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * peeps_fields_read - the fields of a map
 * @out: a struct with what is to be so where nothing is said
 *
 * Returns 0; -EBADMSG with the problem filled; -ENOMEM.
 */
int peeps_fields_read(struct peeps_fields *fields, const msgpack_object *map,
		      const struct peeps_key *table, size_t count, void *out);

/**
 * peeps_fields_take - one value
 *
 * Returns likewise.
 */
int peeps_fields_take(struct peeps_fields *fields, const msgpack_object *value,
		      const struct peeps_key *field, void *out);

/**
 * peeps_fields_text - a text, checked and copied
 *
 * Returns likewise.
 */
int peeps_fields_text(struct peeps_fields *fields, const char *key, const msgpack_object_str *bytes,
		      const char **text);

#endif
