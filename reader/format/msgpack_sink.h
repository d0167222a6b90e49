/* SPDX-License-Identifier: MIT */
/* msgpack, written as it is made: nothing is kept. */
#ifndef PEEPS_READER_MSGPACK_SINK_H
#define PEEPS_READER_MSGPACK_SINK_H

#include <stdio.h>

#include <msgpack.h>

#include "reader/format/sink.h"

#define PEEPS_MSGPACK_BUFFER_BYTES 16384

struct peeps_msgpack {
	struct peeps_sink sink;
	FILE *out;
	msgpack_packer packer;
	uint64_t owed; /* entries that were announced and have not come yet, of all that is open */
	size_t used;   /* of buffer */
	char buffer[PEEPS_MSGPACK_BUFFER_BYTES];
};

/**
 * peeps_msgpack_open - begin a document; undo with peeps_msgpack_close()
 */
void peeps_msgpack_open(struct peeps_msgpack *msgpack, FILE *out);

/**
 * peeps_msgpack_close - end it
 *
 * Returns 0, or -errno of the first write that failed; what is in the stream's buffer may still fail.
 */
int peeps_msgpack_close(struct peeps_msgpack *msgpack);

#endif
