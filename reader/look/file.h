/* SPDX-License-Identifier: MIT */
/* A file as a target: opened, and told by its first bytes. */
#ifndef PEEPS_READER_FILE_H
#define PEEPS_READER_FILE_H

#include "reader/look/place.h"

#define PEEPS_FILE_PIPED_BYTES_MAX (UINT64_C(4) << 30)

struct peeps_file {
	enum peeps_place_kind kind; /* never PEEPS_PLACE_PROCESS */
	int fd; /* at the file's begin, can be sought and read by position; for the caller to close */
};

/**
 * peeps_file_open - open a file and tell what it is
 *
 * What comes out of a pipe is read to its end first, into memory, at most PEEPS_FILE_PIPED_BYTES_MAX of it. Whether the
 * rest of the file keeps what its first bytes promise is for its reader to see.
 * Returns 0 or -errno with the problem filled: status 3 no such file, 5 permission, 6 nothing that we read.
 */
int peeps_file_open(struct peeps_file *file, const char *path, struct peeps_problem *problem);
int peeps_file_open_stdin(struct peeps_file *file, struct peeps_problem *problem);

#endif
