/* SPDX-License-Identifier: MIT */
/*
 * Where a document goes, value by value, in whatever format: JSON (reader/format/json.h) or msgpack (reader/format/msgpack_sink.h).
 *
 * Maps and arrays say beforehand how many entries follow. A key is a text. An error is kept, and reported once at the
 * end.
 */
#ifndef PEEPS_READER_SINK_H
#define PEEPS_READER_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PEEPS_SINK_NUMBER_MAX ((uint64_t)INT64_MAX)

struct peeps_graph;
struct peeps_sink;
struct peeps_source;
struct peeps_value;

struct peeps_sink_type {
	void (*map)(struct peeps_sink *sink, uint32_t count);
	void (*map_end)(struct peeps_sink *sink);
	void (*array)(struct peeps_sink *sink, uint32_t count);
	void (*array_end)(struct peeps_sink *sink);
	void (*text)(struct peeps_sink *sink, const char *text, size_t length);
	void (*number)(struct peeps_sink *sink, uint64_t number); /* up to PEEPS_SINK_NUMBER_MAX */
	void (*real)(struct peeps_sink *sink, double number);     /* finite */
	void (*boolean)(struct peeps_sink *sink, bool value);
	void (*null)(struct peeps_sink *sink);
};

struct peeps_sink {
	const struct peeps_sink_type *type;
	int error; /* errno of the first thing that failed; 0 = all is well */
};

static inline void peeps_sink_map(struct peeps_sink *sink, uint32_t count)
{
	sink->type->map(sink, count);
}

static inline void peeps_sink_map_end(struct peeps_sink *sink)
{
	sink->type->map_end(sink);
}

static inline void peeps_sink_array(struct peeps_sink *sink, uint32_t count)
{
	sink->type->array(sink, count);
}

static inline void peeps_sink_array_end(struct peeps_sink *sink)
{
	sink->type->array_end(sink);
}

static inline void peeps_sink_key(struct peeps_sink *sink, const char *key)
{
	sink->type->text(sink, key, strlen(key));
}

/* NULL is null. */
static inline void peeps_sink_text(struct peeps_sink *sink, const char *text)
{
	if (text)
		sink->type->text(sink, text, strlen(text));
	else
		sink->type->null(sink);
}

/* Integers are exact and below 2^63: beyond, and PEEPS_NO_TIME is beyond, is null. */
static inline void peeps_sink_number(struct peeps_sink *sink, uint64_t number)
{
	if (number <= PEEPS_SINK_NUMBER_MAX)
		sink->type->number(sink, number);
	else
		sink->type->null(sink);
}

static inline void peeps_sink_bool(struct peeps_sink *sink, bool value)
{
	sink->type->boolean(sink, value);
}

static inline void peeps_sink_text_at(struct peeps_sink *sink, const char *key, const char *text)
{
	peeps_sink_key(sink, key);
	peeps_sink_text(sink, text);
}

static inline void peeps_sink_number_at(struct peeps_sink *sink, const char *key, uint64_t number)
{
	peeps_sink_key(sink, key);
	peeps_sink_number(sink, number);
}

static inline void peeps_sink_bool_at(struct peeps_sink *sink, const char *key, bool value)
{
	peeps_sink_key(sink, key);
	peeps_sink_bool(sink, value);
}

void peeps_sink_value(struct peeps_sink *sink, const struct peeps_graph *graph,
		      const struct peeps_value *value);

/* "/src/bank.c:42", or null */
void peeps_sink_source(struct peeps_sink *sink, const struct peeps_source *source);

static inline void peeps_sink_source_at(struct peeps_sink *sink, const char *key,
					const struct peeps_source *source)
{
	peeps_sink_key(sink, key);
	peeps_sink_source(sink, source);
}

/* Notes an error, if it is the first. */
static inline void peeps_sink_fail(struct peeps_sink *sink, int error)
{
	if (!sink->error)
		sink->error = error;
}

#endif
