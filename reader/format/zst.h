/* SPDX-License-Identifier: MIT */
/* zstd, if it was built in: a stream that compresses what it is given, and the way back. */
#ifndef PEEPS_READER_ZST_H
#define PEEPS_READER_ZST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * peeps_zst_is_built_in - whether the functions below do anything but say -EPROTONOSUPPORT
 */
bool peeps_zst_is_built_in(void);

/**
 * peeps_zst_open - a stream whose bytes reach another one compressed
 * @below: borrowed; complete once the stream is closed, but for its own buffer
 *
 * Returns 0, -ENOMEM or -EPROTONOSUPPORT.
 */
int peeps_zst_open(FILE *below, FILE **stream);

struct peeps_unzst;

/* Whether these first bytes of a file are zstd's. */
bool peeps_unzst_is_ours(const unsigned char *bytes, size_t count);

/**
 * peeps_unzst_new - undo with peeps_unzst_free(), which takes NULL, too
 *
 * Returns 0, -ENOMEM or -EPROTONOSUPPORT.
 */
int peeps_unzst_new(struct peeps_unzst **unzst);
void peeps_unzst_free(struct peeps_unzst *unzst);

/**
 * peeps_unzst_run - decompress some
 * @bytes: moves on over what was used, as does count
 * @out:   room for so many bytes; made says how many there are now
 *
 * All of the bytes are used once nothing more is made of none. The memory needed is zstd's window: at most 128 MiB.
 * Returns 0, or -EBADMSG: it is no zstd, or damaged.
 */
int peeps_unzst_run(struct peeps_unzst *unzst, const unsigned char **bytes, size_t *count,
		    unsigned char *out, size_t room, size_t *made);

/* Whether the bytes may end here. */
bool peeps_unzst_is_complete(const struct peeps_unzst *unzst);

#endif
