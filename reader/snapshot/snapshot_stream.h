/* SPDX-License-Identifier: MIT */
/*
 * From a file to the msgpack of the documents in it, one after the other, whatever they are in: msgpack or JSON, as they
 * are or compressed. A snapshot is a series of one.
 *
 * Memory is taken for one document at a time. What is whole is told by where it ends, not by what comes after it, so
 * that a series may be read while it is written, or after whoever wrote it was killed.
 */
#ifndef PEEPS_READER_SNAPSHOT_STREAM_H
#define PEEPS_READER_SNAPSHOT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/snapshot/msgpack_walk.h"
#include "reader/target/attach.h"

/* Where the bytes come from: a descriptor, or, if that is -1, memory. */
struct peeps_snapshot_file {
	int fd;
	const unsigned char *bytes;
	size_t length;
};

struct peeps_snapshot_limits {
	uint64_t read_bytes; /* of a document, before and after decompression */
	size_t kept_bytes;   /* of its msgpack */
};

/* Where a document begins: so many documents after a place in the file from which on it can be read by itself. */
struct peeps_snapshot_position {
	uint64_t offset; /* bytes from where the file was first read */
	uint64_t skip;
};

struct peeps_snapshot_stream;

/**
 * peeps_snapshot_stream_open - nothing is read yet; undo with peeps_snapshot_stream_close(), which takes NULL, too
 * @limits: borrowed
 *
 * Returns NULL without memory.
 */
struct peeps_snapshot_stream *peeps_snapshot_stream_open(
	const struct peeps_snapshot_file *file, const struct peeps_snapshot_limits *limits);
void peeps_snapshot_stream_close(struct peeps_snapshot_stream *stream);

/**
 * peeps_snapshot_stream_next - read the next document
 * @msgpack: of the stream, until the next call; whether it is sound is not known
 * @problem: status, why and hint are filled on failure
 *
 * Returns 0; -ENODATA that was the last one (what comes after it, if anything, was cut off); -EBADMSG, also if not even
 * the first one is whole, -EPROTONOSUPPORT, -EFBIG, -ENOMEM; or -errno of a read that failed.
 */
int peeps_snapshot_stream_next(struct peeps_snapshot_stream *stream,
			       struct peeps_msgpack_span *msgpack, struct peeps_problem *problem);

/* Where the document begins that was read last; after the last, where the next one would. */
struct peeps_snapshot_position peeps_snapshot_stream_position(
	const struct peeps_snapshot_stream *stream);

/* At the end: how many bytes of the file come after that position, of a document that was cut off. */
uint64_t peeps_snapshot_stream_cut_off(const struct peeps_snapshot_stream *stream);

/* After -EBADMSG at the very first: that is only because it was cut off, and what is there is ours, as far as it goes. */
bool peeps_snapshot_stream_is_stump(const struct peeps_snapshot_stream *stream);

#endif
