/* SPDX-License-Identifier: MIT */
/* Where an answer goes: all of it or, into a file, nothing. */
#ifndef PEEPS_READER_OUTPUT_H
#define PEEPS_READER_OUTPUT_H

#include <stdio.h>

#include "reader/target/attach.h"

struct peeps_output {
	FILE *stream;
	FILE *below;     /* of a compressed one: where the compressed bytes go; else NULL */
	char *path;      /* NULL: stdout */
	char *temporary; /* NULL: path is no regular file, and written as it is */
	int error; /* errno of a write that failed, if its writer knows; a stream notes only that one did */
};

/**
 * peeps_output_open - begin an answer
 * @path: NULL or "-" for stdout; a file is written beside itself and takes its name when all is well
 *
 * Returns 0 or -errno, with the problem filled. Undo with _commit or _abandon.
 */
int peeps_output_open(struct peeps_output *output, const char *path, struct peeps_problem *problem);

/**
 * peeps_output_compress - what is written from now on is compressed with zstd
 *
 * Returns 0 or -errno, with the problem filled; then the output is abandoned.
 */
int peeps_output_compress(struct peeps_output *output, struct peeps_problem *problem);

/**
 * peeps_output_commit - all was written: see that it truly was, and give the file its name
 *
 * Returns 0 or -errno, with the problem filled; then there is no file.
 */
int peeps_output_commit(struct peeps_output *output, struct peeps_problem *problem);
void peeps_output_abandon(struct peeps_output *output);

#endif
