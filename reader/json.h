/* SPDX-License-Identifier: MIT */
/* JSON, written as it is made: nothing is kept but the nesting. */
#ifndef PEEPS_READER_JSON_H
#define PEEPS_READER_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct peeps_graph;
struct peeps_source;
struct peeps_value;

struct peeps_json {
	FILE *out;
	struct yajl_gen_t *gen;
	int error; /* of the first write that failed */
};

/**
 * peeps_json_open - begin a document; undo with peeps_json_close()
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_json_open(struct peeps_json *json, FILE *out);

/**
 * peeps_json_close - end the document and its line
 *
 * Returns 0, or -errno of the first write that failed; what is in the stream's buffer may still fail.
 */
int peeps_json_close(struct peeps_json *json);

void peeps_json_map(struct peeps_json *json);
void peeps_json_map_end(struct peeps_json *json);
void peeps_json_array(struct peeps_json *json);
void peeps_json_array_end(struct peeps_json *json);
void peeps_json_key(struct peeps_json *json, const char *key);

/* NULL is null. */
void peeps_json_text(struct peeps_json *json, const char *text);
/* Integers are exact and below 2^63: beyond, and PEEPS_NO_TIME is beyond, is null. */
void peeps_json_number(struct peeps_json *json, uint64_t number);
void peeps_json_bool(struct peeps_json *json, bool value);
void peeps_json_null(struct peeps_json *json);
void peeps_json_value(struct peeps_json *json, const struct peeps_graph *graph,
		      const struct peeps_value *value);

/* "/src/bank.c:42", or null */
void peeps_json_source(struct peeps_json *json, const struct peeps_source *source);

static inline void peeps_json_text_at(struct peeps_json *json, const char *key, const char *text)
{
	peeps_json_key(json, key);
	peeps_json_text(json, text);
}

static inline void peeps_json_number_at(struct peeps_json *json, const char *key, uint64_t number)
{
	peeps_json_key(json, key);
	peeps_json_number(json, number);
}

static inline void peeps_json_source_at(struct peeps_json *json, const char *key,
					const struct peeps_source *source)
{
	peeps_json_key(json, key);
	peeps_json_source(json, source);
}

#endif
