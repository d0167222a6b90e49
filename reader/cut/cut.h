/* SPDX-License-Identifier: MIT */
/* The cut: segments as they were at one moment, copied while their writers run on. docs/protocol.md */
#ifndef PEEPS_READER_CUT_H
#define PEEPS_READER_CUT_H

#include "reader/cut/image.h"
#include "reader/target/attach.h"

enum peeps_cut_flags {
	PEEPS_CUT_PASSIVE = 1, /* do not write the targets' control pages */
};

/**
 * peeps_cut_set - copy a consistent image of each segment, all as of one moment
 * @targets: no process twice
 * @images:  initialised, one for each target; memory of an earlier cut is used again
 * @flags:   enum peeps_cut_flags
 * @skew_ns: how far the moments of the processes that live are apart; NULL = not of interest
 * @problem: filled on failure
 *
 * The set is taken as a whole, again and again if any part of it is lost. A target that keeps spoiling it, or that
 * cannot be cut at all, is looked at passively beside the cut of the others: each image's quality and notes say what it
 * is worth.
 * Bounded: returns within about a second, and another for each target that spoils it, whatever they do.
 * Returns 0; -ESRCH a process is no longer the one attached; -ENOMEM; -EBADMSG; -EAGAIN of some target no cut could be
 * completed (its image holds a passive look then).
 */
int peeps_cut_set(struct peeps_target *targets, struct peeps_image *images, size_t count,
		  unsigned int flags, uint64_t *skew_ns, struct peeps_problem *problem);

/* A set of one. */
static inline int peeps_cut(struct peeps_target *target, struct peeps_image *image,
			    unsigned int flags, struct peeps_problem *problem)
{
	return peeps_cut_set(target, image, 1, flags, NULL, problem);
}

#endif
