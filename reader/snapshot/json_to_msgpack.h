/* SPDX-License-Identifier: MIT */
/* JSON as it comes in, made into msgpack, so that there is one reader of documents. */
#ifndef PEEPS_READER_JSON_TO_MSGPACK_H
#define PEEPS_READER_JSON_TO_MSGPACK_H

#include <stddef.h>
#include <stdint.h>

#include "reader/snapshot/msgpack_walk.h"

struct peeps_json_to_msgpack;

/**
 * peeps_json_to_msgpack_new - nothing came in yet; undo with peeps_json_to_msgpack_free()
 * @limit_bytes: of the msgpack: beyond, the JSON is refused
 *
 * Returns NULL without memory.
 */
struct peeps_json_to_msgpack *peeps_json_to_msgpack_new(size_t limit_bytes);
void peeps_json_to_msgpack_free(struct peeps_json_to_msgpack *converter);

/**
 * peeps_json_to_msgpack_feed - what comes next
 * @count: 0 = that was all; at most 64 KiB
 *
 * Returns 0; -EBADMSG no JSON, nested too deep, or a text of a MiB in it; -EFBIG beyond the limit; -ENOMEM.
 */
int peeps_json_to_msgpack_feed(struct peeps_json_to_msgpack *converter, const unsigned char *bytes,
			       size_t count);

/**
 * peeps_json_to_msgpack_value - one value, which is all there; then another, and so on
 * @msgpack: of it; valid until the next call
 *
 * For a converter of its own: it is not fed. A text may be of any length, for all of it is there.
 * Returns likewise; -EBADMSG also if it is not one value. After a failure there is no next one.
 */
int peeps_json_to_msgpack_value(struct peeps_json_to_msgpack *converter, const unsigned char *json,
				size_t count, const unsigned char **msgpack, size_t *length);

/* After a failure: what is wrong, and at which byte. */
const char *peeps_json_to_msgpack_fault(const struct peeps_json_to_msgpack *converter,
					uint64_t *at);

/* The msgpack, as far as it has come: the converter's. */
struct peeps_msgpack_span peeps_json_to_msgpack_made(const struct peeps_json_to_msgpack *converter);

#endif
