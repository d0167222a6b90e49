/* SPDX-License-Identifier: MIT */
#include "reader/format/msgpack_sink.h"

#include <assert.h>
#include <errno.h>

static void flush(struct peeps_msgpack *msgpack)
{
	errno = 0;
	if (!msgpack->sink.error &&
	    fwrite_unlocked(msgpack->buffer, 1, msgpack->used, msgpack->out) != msgpack->used)
		peeps_sink_fail(&msgpack->sink, errno ? errno : EIO);
	msgpack->used = 0;
}

static int write_out(void *context, const char *bytes, size_t count)
{
	struct peeps_msgpack *msgpack = context;

	while (count > sizeof(msgpack->buffer) - msgpack->used) {
		const size_t room = sizeof(msgpack->buffer) - msgpack->used;

		memcpy(msgpack->buffer + msgpack->used, bytes, room);
		msgpack->used += room;
		bytes += room;
		count -= room;
		flush(msgpack);
	}
	memcpy(msgpack->buffer + msgpack->used, bytes, count);
	msgpack->used += count;
	return 0;
}

static msgpack_packer *packer_of(struct peeps_sink *sink)
{
	struct peeps_msgpack *msgpack = (struct peeps_msgpack *)sink; /* its first member */

	/* One value more or fewer than was said would make all that follows mean something else. */
	assert(msgpack->owed > 0);
	msgpack->owed--;
	return &msgpack->packer;
}

static void owe(struct peeps_sink *sink, uint64_t count)
{
	((struct peeps_msgpack *)sink)->owed += count;
}

static void write_map(struct peeps_sink *sink, uint32_t count)
{
	(void)msgpack_pack_map(packer_of(sink), count);
	owe(sink, 2 * (uint64_t)count);
}

static void write_array(struct peeps_sink *sink, uint32_t count)
{
	(void)msgpack_pack_array(packer_of(sink), count);
	owe(sink, count);
}

static void write_end(struct peeps_sink *sink)
{
	(void)sink; /* it was said at the begin */
}

static void write_text(struct peeps_sink *sink, const char *text, size_t length)
{
	if (length > UINT32_MAX) {
		peeps_sink_fail(sink, EOVERFLOW);
		return;
	}
	(void)msgpack_pack_str_with_body(packer_of(sink), text, length);
}

static void write_number(struct peeps_sink *sink, uint64_t number)
{
	(void)msgpack_pack_uint64(packer_of(sink), number);
}

static void write_real(struct peeps_sink *sink, double number)
{
	(void)msgpack_pack_double(packer_of(sink), number);
}

static void write_bool(struct peeps_sink *sink, bool value)
{
	if (value)
		(void)msgpack_pack_true(packer_of(sink));
	else
		(void)msgpack_pack_false(packer_of(sink));
}

static void write_null(struct peeps_sink *sink)
{
	(void)msgpack_pack_nil(packer_of(sink));
}

static const struct peeps_sink_type msgpack_type = {
	.map = write_map,
	.map_end = write_end,
	.array = write_array,
	.array_end = write_end,
	.text = write_text,
	.number = write_number,
	.real = write_real,
	.boolean = write_bool,
	.null = write_null,
};

void peeps_msgpack_open(struct peeps_msgpack *msgpack, FILE *out)
{
	msgpack->sink = (struct peeps_sink){ .type = &msgpack_type };
	msgpack->out = out;
	msgpack->used = 0;
	msgpack->owed = 1; /* the document */
	msgpack_packer_init(&msgpack->packer, msgpack, write_out);
}

int peeps_msgpack_close(struct peeps_msgpack *msgpack)
{
	flush(msgpack);
	assert(msgpack->owed == 0 || msgpack->sink.error);
	return -msgpack->sink.error;
}
