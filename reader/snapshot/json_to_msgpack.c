/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/json_to_msgpack.h"

#include <errno.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl_parse.h>

#include "reader/snapshot/msgpack_walk.h"

/* The parser looks at a text again from its begin with each piece that comes in: a long one would take for ever. None of
 * ours is longer than some KiB. */
#define QUIET_BYTES_MAX ((uint64_t)1 << 20)

#define ARRAY_32 0xdd
#define MAP_32   0xdf

/* A map or array that is not yet over: only then is it known how many entries it has. */
struct opened {
	size_t offset; /* of its head */
	uint32_t entries;
};

struct peeps_json_to_msgpack {
	yajl_handle parser;
	msgpack_sbuffer buffer;
	msgpack_packer packer;
	size_t limit_bytes;
	struct opened opened[PEEPS_MSGPACK_DEPTH_MAX];
	size_t depth;
	uint64_t fed_bytes;
	uint64_t quiet_bytes; /* of them, since the parser last told us of anything */
	int error;            /* why a callback stopped the parser */
	uint64_t fault_at;
	char fault[128];
};

static int stop(struct peeps_json_to_msgpack *c, int error, const char *fault)
{
	c->error = error;
	(void)snprintf(c->fault, sizeof(c->fault), "%s", fault);
	return 0;
}

/* All that is made goes through here. Returns whether to go on, as the callbacks do. */
static int made(struct peeps_json_to_msgpack *c, int packed)
{
	c->quiet_bytes = 0;
	if (packed != 0)
		return stop(c, -ENOMEM, "no memory");
	if (c->buffer.size > c->limit_bytes)
		return stop(c, -EFBIG, "it is too long");
	return 1;
}

static void count_entry(struct peeps_json_to_msgpack *c)
{
	if (c->depth)
		c->opened[c->depth - 1].entries++;
}

static int on_null(void *context)
{
	struct peeps_json_to_msgpack *c = context;

	count_entry(c);
	return made(c, msgpack_pack_nil(&c->packer));
}

static int on_boolean(void *context, int value)
{
	struct peeps_json_to_msgpack *c = context;

	count_entry(c);
	return made(c, value ? msgpack_pack_true(&c->packer) : msgpack_pack_false(&c->packer));
}

static int on_integer(void *context, long long value)
{
	struct peeps_json_to_msgpack *c = context;

	count_entry(c);
	return made(c, msgpack_pack_int64(&c->packer, value));
}

static int on_double(void *context, double value)
{
	struct peeps_json_to_msgpack *c = context;

	count_entry(c);
	return made(c, msgpack_pack_double(&c->packer, value));
}

static int pack_text(struct peeps_json_to_msgpack *c, const unsigned char *text, size_t length)
{
	if (length > UINT32_MAX)
		return stop(c, -EFBIG, "it is too long");
	return made(c, msgpack_pack_str_with_body(&c->packer, text, length));
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
	count_entry(context);
	return pack_text(context, text, length);
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
	return pack_text(context, text, length); /* its value counts for both */
}

static int begin(struct peeps_json_to_msgpack *c, char lead)
{
	const char head[5] = { lead };

	if (c->depth == PEEPS_MSGPACK_DEPTH_MAX)
		return stop(c, -EBADMSG, "it is nested too deep");
	count_entry(c);
	c->opened[c->depth++] = (struct opened){ .offset = c->buffer.size };
	return made(c, msgpack_sbuffer_write(&c->buffer, head, sizeof(head)));
}

static int end(void *context)
{
	struct peeps_json_to_msgpack *c = context;
	const struct opened *opened = &c->opened[--c->depth];
	unsigned char *count = (unsigned char *)c->buffer.data + opened->offset + 1;

	c->quiet_bytes = 0;
	for (unsigned int i = 0; i < 4; i++)
		count[i] = (unsigned char)(opened->entries >> (24 - 8 * i));
	return 1;
}

static int on_map(void *context)
{
	return begin(context, (char)MAP_32);
}

static int on_array(void *context)
{
	return begin(context, (char)ARRAY_32);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_integer = on_integer,
	.yajl_double = on_double,
	.yajl_string = on_string,
	.yajl_start_map = on_map,
	.yajl_map_key = on_key,
	.yajl_end_map = end,
	.yajl_start_array = on_array,
	.yajl_end_array = end,
};

struct peeps_json_to_msgpack *peeps_json_to_msgpack_new(size_t limit_bytes)
{
	struct peeps_json_to_msgpack *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->limit_bytes = limit_bytes;
	msgpack_sbuffer_init(&c->buffer);
	msgpack_packer_init(&c->packer, &c->buffer, msgpack_sbuffer_write);
	c->parser = yajl_alloc(&callbacks, NULL, c);
	if (!c->parser) {
		free(c);
		return NULL;
	}
	return c;
}

void peeps_json_to_msgpack_free(struct peeps_json_to_msgpack *converter)
{
	if (!converter)
		return;
	yajl_free(converter->parser);
	msgpack_sbuffer_destroy(&converter->buffer);
	free(converter);
}

/* yajl's own words end with a line end. */
static void keep_fault(struct peeps_json_to_msgpack *c)
{
	unsigned char *text = yajl_get_error(c->parser, 0, NULL, 0);

	(void)snprintf(c->fault, sizeof(c->fault), "%.*s",
		       text ? (int)strcspn((const char *)text, "\n") : 0,
		       text ? (const char *)text : "");
	if (text)
		yajl_free_error(c->parser, text);
}

/* What the parser stopped at. */
static int parsed(struct peeps_json_to_msgpack *c, yajl_status status)
{
	if (status == yajl_status_ok)
		return 0;
	if (c->error)
		return c->error;
	keep_fault(c);
	return -EBADMSG;
}

int peeps_json_to_msgpack_feed(struct peeps_json_to_msgpack *converter, const unsigned char *bytes,
			       size_t count)
{
	const yajl_status status = count ? yajl_parse(converter->parser, bytes, count)
					 : yajl_complete_parse(converter->parser);

	converter->fault_at = converter->fed_bytes;
	if (status != yajl_status_ok) {
		if (count)
			converter->fault_at += yajl_get_bytes_consumed(converter->parser);
		return parsed(converter, status);
	}
	converter->fed_bytes += count;
	converter->quiet_bytes += count;
	if (converter->quiet_bytes <= QUIET_BYTES_MAX)
		return 0;
	converter->fault_at = converter->fed_bytes;
	(void)stop(converter, -EBADMSG, "a text or a gap is longer than a MiB");
	return converter->error;
}

static int parse(struct peeps_json_to_msgpack *c, const void *bytes, size_t count)
{
	return parsed(c, yajl_parse(c->parser, bytes, count));
}

/* Values are entries of an array that never ends. A comma makes the parser see that a number is over. */
#define VALUES_HEAD_BYTES 5

int peeps_json_to_msgpack_value(struct peeps_json_to_msgpack *converter, const unsigned char *json,
				size_t count, const unsigned char **msgpack, size_t *length)
{
	uint32_t before;
	int r = converter->depth ? 0 : parse(converter, "[", 1);

	if (r)
		return r;
	before = converter->opened[0].entries;
	converter->buffer.size = VALUES_HEAD_BYTES;
	r = parse(converter, json, count);
	if (r == 0)
		r = parse(converter, ",", 1);
	if (r)
		return r;
	if (converter->depth != 1 || converter->opened[0].entries != before + 1) {
		(void)stop(converter, -EBADMSG, "it is not one whole value");
		return -EBADMSG;
	}
	*msgpack = (const unsigned char *)converter->buffer.data + VALUES_HEAD_BYTES;
	*length = converter->buffer.size - VALUES_HEAD_BYTES;
	return 0;
}

const char *peeps_json_to_msgpack_fault(const struct peeps_json_to_msgpack *converter, uint64_t *at)
{
	*at = converter->fault_at;
	return converter->fault;
}

struct peeps_msgpack_span peeps_json_to_msgpack_made(const struct peeps_json_to_msgpack *converter)
{
	return (struct peeps_msgpack_span){ (const unsigned char *)converter->buffer.data,
					    converter->buffer.size };
}
