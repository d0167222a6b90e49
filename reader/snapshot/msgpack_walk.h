/* SPDX-License-Identifier: MIT */
/*
 * Walking over msgpack without believing a word of it: where a value ends, and how much is in it.
 *
 * msgpack-c takes memory for as many entries as a message claims to have: five bytes can claim gigabytes. So nothing
 * is unpacked that was not walked over before; after that, unpacking takes 24 bytes for each object.
 */
#ifndef PEEPS_READER_MSGPACK_WALK_H
#define PEEPS_READER_MSGPACK_WALK_H

#include <stddef.h>
#include <stdint.h>

#define PEEPS_MSGPACK_DEPTH_MAX 24 /* msgpack-c goes no deeper than 32 */

/* Bytes that begin with a value. */
struct peeps_msgpack_span {
	const unsigned char *bytes;
	size_t length;
};

struct peeps_msgpack_extent {
	size_t length;     /* bytes of the value, with all in it */
	uint64_t objects;  /* it, and all in it */
	const char *fault; /* on failure: what is wrong */
	size_t fault_at;   /* and at which byte */
};

/**
 * peeps_msgpack_walk - find the end of a value
 *
 * Every entry that is claimed is there, and nothing is nested deeper than PEEPS_MSGPACK_DEPTH_MAX. Texts are not looked
 * at. Takes no memory, and time as the value is long.
 * Returns 0 or -EBADMSG with a fault.
 */
int peeps_msgpack_walk(struct peeps_msgpack_span span, struct peeps_msgpack_extent *extent);

/* A walk over a value of which more bytes may come. */
struct peeps_msgpack_walk {
	uint64_t open[PEEPS_MSGPACK_DEPTH_MAX]; /* entries to come of what is around us */
	size_t depth;
	size_t at; /* bytes walked over; at the end, those of the value */
	uint64_t objects;
};

static inline void peeps_msgpack_walk_begin(struct peeps_msgpack_walk *walk)
{
	walk->depth = 0;
	walk->at = 0;
	walk->objects = 0;
}

/**
 * peeps_msgpack_walk_on - walk as far as there are bytes
 * @span: all bytes of the value that came in until now, from its first one on
 *
 * What claims more than there is waits for more. In all, it takes time as the value is long.
 * Returns 0 at the end of the value; -EAGAIN more bytes are needed; -EBADMSG. Unless 0, fault says why.
 */
int peeps_msgpack_walk_on(struct peeps_msgpack_walk *walk, struct peeps_msgpack_span span,
			  const char **fault);

/**
 * peeps_msgpack_enter - step over the head of an array or a map
 * @span:    of one that was walked over; becomes that of its first entry
 * @entries: of a map, pairs
 *
 * Returns 0 or -EBADMSG: it is neither, or not what was asked for.
 */
int peeps_msgpack_enter_array(struct peeps_msgpack_span *span, uint32_t *entries);
int peeps_msgpack_enter_map(struct peeps_msgpack_span *span, uint32_t *entries);

/**
 * peeps_msgpack_next - the value that a span begins with, which then begins after it
 */
int peeps_msgpack_next(struct peeps_msgpack_span *span, struct peeps_msgpack_span *value,
		       uint64_t *objects);

#endif
