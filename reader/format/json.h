/* SPDX-License-Identifier: MIT */
/* JSON, written as it is made: nothing is kept but the nesting. */
#ifndef PEEPS_READER_JSON_H
#define PEEPS_READER_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "reader/format/sink.h"

#define PEEPS_JSON_BUFFER_BYTES 16384

struct peeps_json {
	struct peeps_sink sink;
	FILE *out; /* NULL: what is made stays in memory */
	struct yajl_gen_t *gen;
	char *bytes; /* buffer, or memory that grows */
	size_t used, size;
	char buffer[PEEPS_JSON_BUFFER_BYTES];
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

/**
 * peeps_json_open_memory - values one by one, each in memory: json does not move until peeps_json_close_memory(), which
 * is also fine for one that is zeroed
 *
 * Between peeps_json_begin() and the next one, bytes and used are what was written, without an end of its own, unless
 * sink.error says that there was no memory.
 * Returns 0 or -ENOMEM.
 */
int peeps_json_open_memory(struct peeps_json *json);
struct peeps_sink *peeps_json_begin(struct peeps_json *json);
void peeps_json_close_memory(struct peeps_json *json);

/* As to any sink, but that it need not be known how many entries follow. */
static inline void peeps_json_map(struct peeps_json *json)
{
	peeps_sink_map(&json->sink, 0);
}

static inline void peeps_json_map_end(struct peeps_json *json)
{
	peeps_sink_map_end(&json->sink);
}

static inline void peeps_json_array(struct peeps_json *json)
{
	peeps_sink_array(&json->sink, 0);
}

static inline void peeps_json_array_end(struct peeps_json *json)
{
	peeps_sink_array_end(&json->sink);
}

static inline void peeps_json_key(struct peeps_json *json, const char *key)
{
	peeps_sink_key(&json->sink, key);
}

static inline void peeps_json_text(struct peeps_json *json, const char *text)
{
	peeps_sink_text(&json->sink, text);
}

/* Any, unlike those of snapshots: below zero, too. */
void peeps_json_integer(struct peeps_json *json, int64_t number);

/* Finite. */
static inline void peeps_json_real(struct peeps_json *json, double number)
{
	json->sink.type->real(&json->sink, number);
}

static inline void peeps_json_bool(struct peeps_json *json, bool value)
{
	peeps_sink_bool(&json->sink, value);
}

static inline void peeps_json_value(struct peeps_json *json, const struct peeps_graph *graph,
				    const struct peeps_value *value)
{
	peeps_sink_value(&json->sink, graph, value);
}

static inline void peeps_json_text_at(struct peeps_json *json, const char *key, const char *text)
{
	peeps_sink_text_at(&json->sink, key, text);
}

static inline void peeps_json_number_at(struct peeps_json *json, const char *key, uint64_t number)
{
	peeps_sink_number_at(&json->sink, key, number);
}

static inline void peeps_json_source_at(struct peeps_json *json, const char *key,
					const struct peeps_source *source)
{
	peeps_sink_source_at(&json->sink, key, source);
}

#endif
