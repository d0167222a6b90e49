/* SPDX-License-Identifier: MIT */
#include "reader/format/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl_gen.h>

static void flush(struct peeps_json *json)
{
	errno = 0;
	if (!json->sink.error &&
	    fwrite_unlocked(json->bytes, 1, json->used, json->out) != json->used)
		peeps_sink_fail(&json->sink, errno ? errno : EIO);
	json->used = 0;
}

/* For at least so many more. Returns false without memory. */
static bool grow(struct peeps_json *json, size_t count)
{
	const size_t size = 2 * (json->used + count);
	char *bytes = json->bytes == json->buffer ? malloc(size) : realloc(json->bytes, size);

	if (!bytes) {
		peeps_sink_fail(&json->sink, ENOMEM);
		return false;
	}
	if (json->bytes == json->buffer)
		memcpy(bytes, json->buffer, json->used);
	json->bytes = bytes;
	json->size = size;
	return true;
}

/* yajl says each quote, comma and colon by itself: a stream's own buffer would cost more than all else. */
static void write_out(void *context, const char *bytes, size_t count)
{
	struct peeps_json *json = context;

	if (count > json->size - json->used && !json->out && !grow(json, count))
		return;
	while (count > json->size - json->used) {
		const size_t room = json->size - json->used;

		memcpy(json->bytes + json->used, bytes, room);
		json->used += room;
		bytes += room;
		count -= room;
		flush(json);
	}
	memcpy(json->bytes + json->used, bytes, count);
	json->used += count;
}

/* What yajl leaves as it is, and a terminal would obey: DEL and the C1 controls. They stand in texts only. */
static void write_escaped(void *context, const char *bytes, size_t count)
{
	size_t done = 0;

	/* Most that comes is a quote, a comma or a colon. */
	if ((count == 1 && *bytes != 0x7f) ||
	    (!memchr(bytes, 0x7f, count) && !memchr(bytes, 0xc2, count))) {
		write_out(context, bytes, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const unsigned char byte = (unsigned char)bytes[i];
		const unsigned char next = i + 1 < count ? (unsigned char)bytes[i + 1] : 0;
		const bool is_c1 = byte == 0xc2 && next >= 0x80 && next <= 0x9f;
		char escaped[8];

		if (byte != 0x7f && !is_c1)
			continue;
		write_out(context, bytes + done, i - done);
		(void)snprintf(escaped, sizeof(escaped), "\\u%04X", is_c1 ? next : byte);
		write_out(context, escaped, strlen(escaped));
		i += is_c1;
		done = i + 1;
	}
	write_out(context, bytes + done, count - done);
}

static struct peeps_json *json_of(struct peeps_sink *sink)
{
	return (struct peeps_json *)sink; /* its first member */
}

static void write_map(struct peeps_sink *sink, uint32_t count)
{
	(void)count;
	(void)yajl_gen_map_open(json_of(sink)->gen);
}

static void write_map_end(struct peeps_sink *sink)
{
	(void)yajl_gen_map_close(json_of(sink)->gen);
}

static void write_array(struct peeps_sink *sink, uint32_t count)
{
	(void)count;
	(void)yajl_gen_array_open(json_of(sink)->gen);
}

static void write_array_end(struct peeps_sink *sink)
{
	(void)yajl_gen_array_close(json_of(sink)->gen);
}

static void write_text(struct peeps_sink *sink, const char *text, size_t length)
{
	(void)yajl_gen_string(json_of(sink)->gen, (const unsigned char *)text, length);
}

#define NUMBER_BYTES sizeof("18446744073709551615")

/* Backwards from the end of the room for it, and not by yajl, who leaves it to printf: every second value is one. */
static void write_number(struct peeps_sink *sink, uint64_t number)
{
	char room[NUMBER_BYTES], *at = room + sizeof(room);

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	(void)yajl_gen_number(json_of(sink)->gen, at, (size_t)(room + sizeof(room) - at));
}

static void write_real(struct peeps_sink *sink, double number)
{
	(void)yajl_gen_double(json_of(sink)->gen, number);
}

static void write_bool(struct peeps_sink *sink, bool value)
{
	(void)yajl_gen_bool(json_of(sink)->gen, value);
}

static void write_null(struct peeps_sink *sink)
{
	(void)yajl_gen_null(json_of(sink)->gen);
}

void peeps_json_integer(struct peeps_json *json, int64_t number)
{
	(void)yajl_gen_integer(json->gen, number);
}

static const struct peeps_sink_type json_type = {
	.map = write_map,
	.map_end = write_map_end,
	.array = write_array,
	.array_end = write_array_end,
	.text = write_text,
	.number = write_number,
	.real = write_real,
	.boolean = write_bool,
	.null = write_null,
};

int peeps_json_open(struct peeps_json *json, FILE *out)
{
	json->sink = (struct peeps_sink){ .type = &json_type };
	json->out = out;
	json->bytes = json->buffer;
	json->size = sizeof(json->buffer);
	json->used = 0;
	json->gen = yajl_gen_alloc(NULL);
	if (!json->gen)
		return -ENOMEM;
	(void)yajl_gen_config(json->gen, yajl_gen_print_callback, write_escaped, json);
	return 0;
}

int peeps_json_close(struct peeps_json *json)
{
	write_out(json, "\n", 1);
	flush(json);
	yajl_gen_free(json->gen);
	json->gen = NULL;
	return -json->sink.error;
}

int peeps_json_open_memory(struct peeps_json *json)
{
	return peeps_json_open(json, NULL);
}

struct peeps_sink *peeps_json_begin(struct peeps_json *json)
{
	json->used = 0;
	json->sink.error = 0;
	yajl_gen_reset(json->gen, NULL);
	return &json->sink;
}

void peeps_json_close_memory(struct peeps_json *json)
{
	if (json->gen)
		yajl_gen_free(json->gen);
	if (json->bytes != json->buffer)
		free(json->bytes);
	*json = (struct peeps_json){ .gen = NULL };
}
