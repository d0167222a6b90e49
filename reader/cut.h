/* SPDX-License-Identifier: MIT */
/* The cut: the segment as it was at one moment, copied while its writers run on. docs/protocol.md */
#ifndef PEEPS_READER_CUT_H
#define PEEPS_READER_CUT_H

#include "reader/attach.h"
#include "reader/image.h"

enum peeps_cut_flags {
	PEEPS_CUT_PASSIVE = 1, /* do not write the target's control page */
};

/**
 * peeps_cut - copy a consistent image of the segment
 * @image:   initialised; memory of an earlier cut is used again
 * @flags:   enum peeps_cut_flags
 * @problem: filled on failure
 *
 * Bounded: returns within about a second, whatever the target does. image->quality says what it is worth.
 * Returns 0; -ESRCH the process is no longer the one attached; -ENOMEM; -EBADMSG; -EAGAIN no cut could be completed
 * (image holds a passive look then).
 */
int peeps_cut(struct peeps_target *target, struct peeps_image *image, unsigned int flags,
	      struct peeps_problem *problem);

#endif
