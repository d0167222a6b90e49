/* SPDX-License-Identifier: MIT */
/* From a file to the msgpack of a document, whatever it is in: msgpack or JSON, as it is or compressed. */
#ifndef PEEPS_READER_SNAPSHOT_LOAD_H
#define PEEPS_READER_SNAPSHOT_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "reader/target/attach.h"

/* Where the bytes come from: a descriptor, or, if that is -1, memory. */
struct peeps_snapshot_file {
	int fd;
	const unsigned char *bytes;
	size_t length;
};

struct peeps_snapshot_limits {
	uint64_t read_bytes; /* in all, before and after decompression */
	size_t kept_bytes;   /* of the msgpack */
};

/**
 * peeps_snapshot_load - read to the end
 * @msgpack: for the caller to free; whether it is sound is not known
 * @problem: status, why and hint are filled on failure
 *
 * Returns 0; -EBADMSG, -EPROTONOSUPPORT, -EFBIG, -ENOMEM; or -errno of a read that failed.
 */
int peeps_snapshot_load(const struct peeps_snapshot_file *file,
			const struct peeps_snapshot_limits *limits, unsigned char **msgpack,
			size_t *length, struct peeps_problem *problem);

#endif
