/* SPDX-License-Identifier: MIT */
#include "reader/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <yajl_gen.h>

#include "reader/graph.h"

static void write_out(void *context, const char *bytes, size_t count)
{
	struct peeps_json *json = context;

	if (!json->error && fwrite_unlocked(bytes, 1, count, json->out) != count)
		json->error = errno ? errno : EIO;
}

int peeps_json_open(struct peeps_json *json, FILE *out)
{
	json->out = out;
	json->error = 0;
	json->gen = yajl_gen_alloc(NULL);
	if (!json->gen)
		return -ENOMEM;
	(void)yajl_gen_config(json->gen, yajl_gen_print_callback, write_out, json);
	return 0;
}

int peeps_json_close(struct peeps_json *json)
{
	write_out(json, "\n", 1);
	yajl_gen_free(json->gen);
	json->gen = NULL;
	return -json->error;
}

void peeps_json_map(struct peeps_json *json)
{
	(void)yajl_gen_map_open(json->gen);
}

void peeps_json_map_end(struct peeps_json *json)
{
	(void)yajl_gen_map_close(json->gen);
}

void peeps_json_array(struct peeps_json *json)
{
	(void)yajl_gen_array_open(json->gen);
}

void peeps_json_array_end(struct peeps_json *json)
{
	(void)yajl_gen_array_close(json->gen);
}

void peeps_json_key(struct peeps_json *json, const char *key)
{
	(void)yajl_gen_string(json->gen, (const unsigned char *)key, strlen(key));
}

void peeps_json_text(struct peeps_json *json, const char *text)
{
	if (text)
		(void)yajl_gen_string(json->gen, (const unsigned char *)text, strlen(text));
	else
		(void)yajl_gen_null(json->gen);
}

void peeps_json_number(struct peeps_json *json, uint64_t number)
{
	if (number <= INT64_MAX)
		(void)yajl_gen_integer(json->gen, (long long)number);
	else
		(void)yajl_gen_null(json->gen);
}

void peeps_json_bool(struct peeps_json *json, bool value)
{
	(void)yajl_gen_bool(json->gen, value);
}

void peeps_json_null(struct peeps_json *json)
{
	(void)yajl_gen_null(json->gen);
}

void peeps_json_value(struct peeps_json *json, const struct peeps_graph *graph,
		      const struct peeps_value *value)
{
	switch (value->type) {
	case PEEPS_VALUE_NULL:
		break;
	case PEEPS_VALUE_BOOL:
		peeps_json_bool(json, value->as.boolean);
		return;
	case PEEPS_VALUE_UNSIGNED:
		peeps_json_number(json, value->as.number);
		return;
	case PEEPS_VALUE_REAL:
		if (!isfinite(value->as.real))
			break;
		(void)yajl_gen_double(json->gen, value->as.real);
		return;
	case PEEPS_VALUE_TEXT:
		peeps_json_text(json, value->as.text);
		return;
	case PEEPS_VALUE_NODE:
		peeps_json_text(json, value->as.node == PEEPS_NO_NODE
					      ? NULL
					      : graph->nodes[value->as.node].id);
		return;
	}
	peeps_json_null(json);
}

/* In three pieces would be no JSON string, and a whole one would need memory: it goes through a buffer for files. */
void peeps_json_source(struct peeps_json *json, const struct peeps_source *source)
{
	char text[8192];
	int length;

	if (!source->file) {
		peeps_json_null(json);
		return;
	}
	length = snprintf(text, sizeof(text), "%s:%" PRIu32, source->file, source->line);
	peeps_json_text(json, length < (int)sizeof(text) ? text : source->file);
}
