/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/msgpack_walk.h"

#include <errno.h>

enum shape { PLAIN, BYTES, ARRAY, MAP, INVALID };

/* How a value begins: its first byte, then a number of so many bytes, which says how much of what shape follows. */
struct lead {
	uint8_t number_bytes;
	uint8_t more_bytes; /* that follow in any case: the value of a number, the type of an extension */
	enum shape shape;
};

/* 0xc0..0xdf: https://github.com/msgpack/msgpack/blob/master/spec.md */
static const struct lead leads[32] = {
	[0x00] = { 0, 0, PLAIN },                             /* nil */
	[0x01] = { 0, 0, INVALID }, [0x02] = { 0, 0, PLAIN }, /* false */
	[0x03] = { 0, 0, PLAIN },                             /* true */
	[0x04] = { 1, 0, BYTES },                             /* bin 8, 16, 32 */
	[0x05] = { 2, 0, BYTES },   [0x06] = { 4, 0, BYTES },
	[0x07] = { 1, 1, BYTES }, /* ext 8, 16, 32 */
	[0x08] = { 2, 1, BYTES },   [0x09] = { 4, 1, BYTES },
	[0x0a] = { 0, 4, PLAIN },                             /* float 32, 64 */
	[0x0b] = { 0, 8, PLAIN },   [0x0c] = { 0, 1, PLAIN }, /* uint 8, 16, 32, 64 */
	[0x0d] = { 0, 2, PLAIN },   [0x0e] = { 0, 4, PLAIN },
	[0x0f] = { 0, 8, PLAIN },   [0x10] = { 0, 1, PLAIN }, /* int 8, 16, 32, 64 */
	[0x11] = { 0, 2, PLAIN },   [0x12] = { 0, 4, PLAIN },
	[0x13] = { 0, 8, PLAIN },   [0x14] = { 0, 2, PLAIN }, /* fixext 1, 2, 4, 8, 16 */
	[0x15] = { 0, 3, PLAIN },   [0x16] = { 0, 5, PLAIN },
	[0x17] = { 0, 9, PLAIN },   [0x18] = { 0, 17, PLAIN },
	[0x19] = { 1, 0, BYTES }, /* str 8, 16, 32 */
	[0x1a] = { 2, 0, BYTES },   [0x1b] = { 4, 0, BYTES },
	[0x1c] = { 2, 0, ARRAY },                           /* array 16, 32 */
	[0x1d] = { 4, 0, ARRAY },   [0x1e] = { 2, 0, MAP }, /* map 16, 32 */
	[0x1f] = { 4, 0, MAP },
};

/* The begin of a value, as it was read. */
struct head {
	enum shape shape;
	uint64_t bytes;   /* of the value, without its entries */
	uint64_t entries; /* of an array; of a map, keys and values */
};

static uint64_t big_endian(const unsigned char *bytes, size_t count)
{
	uint64_t number = 0;

	for (size_t i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

static struct head short_head(unsigned char lead)
{
	if (lead >= 0x80 && lead <= 0x8f)
		return (struct head){ MAP, 1, 2 * (lead & 0x0fU) };
	if (lead >= 0x90 && lead <= 0x9f)
		return (struct head){ ARRAY, 1, lead & 0x0fU };
	if (lead >= 0xa0 && lead <= 0xbf)
		return (struct head){ BYTES, 1 + (lead & 0x1fU), 0 };
	return (struct head){ PLAIN, 1, 0 }; /* small numbers */
}

enum head_state { HEAD_FINE, HEAD_WRONG, HEAD_LACKS /* bytes, which may be to come */ };

static enum head_state lacks(const char **fault, const char *what)
{
	*fault = what;
	return HEAD_LACKS;
}

static enum head_state read_head(const unsigned char *bytes, size_t left, struct head *head,
				 const char **fault)
{
	const struct lead *lead;
	uint64_t number;

	if (left == 0)
		return lacks(fault, "ends in the middle");
	if (bytes[0] < 0xc0 || bytes[0] > 0xdf) {
		*head = short_head(bytes[0]);
	} else {
		lead = &leads[bytes[0] - 0xc0];
		if (lead->shape == INVALID) {
			*fault = "is no msgpack";
			return HEAD_WRONG;
		}
		if (left < 1U + lead->number_bytes)
			return lacks(fault, "ends in the middle");
		number = big_endian(bytes + 1, lead->number_bytes);
		head->shape = lead->shape;
		head->bytes = 1U + lead->number_bytes + lead->more_bytes +
			      (lead->shape == BYTES ? number : 0);
		head->entries = lead->shape == ARRAY ? number : lead->shape == MAP ? 2 * number : 0;
	}
	if (head->bytes > left)
		return lacks(fault, "claims more bytes than there are");
	if (head->entries > left - head->bytes) /* each has at least one byte */
		return lacks(fault, "claims more entries than there is room for");
	return HEAD_FINE;
}

int peeps_msgpack_walk_on(struct peeps_msgpack_walk *walk, struct peeps_msgpack_span span,
			  const char **fault)
{
	do {
		struct head head;

		*fault = NULL;
		switch (read_head(span.bytes + walk->at, span.length - walk->at, &head, fault)) {
		case HEAD_FINE:
			break;
		case HEAD_LACKS:
			return -EAGAIN;
		case HEAD_WRONG:
			return -EBADMSG;
		}
		if (head.entries && walk->depth == PEEPS_MSGPACK_DEPTH_MAX) {
			*fault = "is nested too deep";
			return -EBADMSG;
		}
		walk->at += head.bytes;
		walk->objects++;
		if (head.entries)
			walk->open[walk->depth++] = head.entries;
		else
			while (walk->depth && --walk->open[walk->depth - 1] == 0)
				walk->depth--;
	} while (walk->depth);
	return 0;
}

int peeps_msgpack_walk(struct peeps_msgpack_span span, struct peeps_msgpack_extent *extent)
{
	struct peeps_msgpack_walk walk;
	const char *fault;

	peeps_msgpack_walk_begin(&walk);
	*extent = (struct peeps_msgpack_extent){ .length = 0 };
	if (peeps_msgpack_walk_on(&walk, span, &fault)) {
		extent->fault = fault;
		extent->fault_at = walk.at;
		return -EBADMSG;
	}
	extent->length = walk.at;
	extent->objects = walk.objects;
	return 0;
}

static int enter(struct peeps_msgpack_span *span, enum shape shape, uint64_t *entries)
{
	const char *fault;
	struct head head;

	if (read_head(span->bytes, span->length, &head, &fault) != HEAD_FINE || head.shape != shape)
		return -EBADMSG;
	span->bytes += head.bytes;
	span->length -= head.bytes;
	*entries = head.entries;
	return 0;
}

int peeps_msgpack_enter_array(struct peeps_msgpack_span *span, uint32_t *entries)
{
	uint64_t count;
	const int r = enter(span, ARRAY, &count);

	if (r == 0)
		*entries = (uint32_t)count;
	return r;
}

int peeps_msgpack_enter_map(struct peeps_msgpack_span *span, uint32_t *entries)
{
	uint64_t count;
	const int r = enter(span, MAP, &count);

	if (r == 0)
		*entries = (uint32_t)(count / 2);
	return r;
}

int peeps_msgpack_next(struct peeps_msgpack_span *span, struct peeps_msgpack_span *value,
		       uint64_t *objects)
{
	struct peeps_msgpack_extent extent;
	const int r = peeps_msgpack_walk(*span, &extent);

	if (r)
		return r;
	*value = (struct peeps_msgpack_span){ span->bytes, extent.length };
	*objects = extent.objects;
	span->bytes += extent.length;
	span->length -= extent.length;
	return 0;
}
