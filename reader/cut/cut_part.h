/* SPDX-License-Identifier: MIT */
/*
 * One process's part in a cut, step by step as docs/protocol.md has them: lock, announce, flip the epoch, wait for the
 * sections of the old epoch, copy, look back, clear, unlock. reader/cut/cut.c takes these steps for all processes together.
 */
#ifndef PEEPS_READER_CUT_PART_H
#define PEEPS_READER_CUT_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "reader/cut/image.h"
#include "reader/target/attach.h"
#include "reader/target/bounds.h"

struct peeps_cut_part {
	struct peeps_target *target;
	struct peeps_image *image;
	struct peeps_marks marks;
	size_t scanned; /* records whose txn was read before the flip */
	uint64_t e0;    /* the epoch that the cut shows */
	uint64_t deadline_ns;
	uint64_t flipped_ns;
	dev_t device; /* the segment's file, by which locks are taken in order */
	ino_t inode;
	bool locked;
	bool announced;
	int why_not; /* 0 = it takes part in the cut; else why it does not, or not any more:
		      * -ECANCELED nobody asked for a cut, -EACCES its control page may not be written, or what a step said */
};

/**
 * peeps_cut_part_prepare - make room for the copy
 *
 * Returns 0; -ENOMEM; -EBADMSG.
 */
int peeps_cut_part_prepare(struct peeps_cut_part *part, struct peeps_problem *problem);

/**
 * peeps_cut_part_lock - take the reader's lock, which dies with us, so that it never has to be broken
 *
 * Returns 0; -EBUSY another reader kept it for 300 ms.
 */
int peeps_cut_part_lock(struct peeps_cut_part *part);
void peeps_cut_part_unlock(struct peeps_cut_part *part); /* if it is locked */

/* --- under the lock: no output, no fork, no allocation ---------------------------------------------------------- */

/**
 * peeps_cut_part_announce - say that a cut begins, and whose
 *
 * Undone by peeps_cut_part_clear(). Returns 0; -EBADMSG the epoch is none.
 */
int peeps_cut_part_announce(struct peeps_cut_part *part);

/**
 * peeps_cut_part_flip - let the new epoch begin. Returns 0; -EAGAIN somebody else has used it
 */
int peeps_cut_part_flip(struct peeps_cut_part *part);

/**
 * peeps_cut_part_measure - read the marks, after the membarrier. Returns 0; -ENOBUFS there is not room for so much
 */
int peeps_cut_part_measure(struct peeps_cut_part *part);

/**
 * peeps_cut_part_wait - until the sections of the old epoch have ended, or are given up on
 *
 * Returns 0; -EAGAIN there were so many to give up on that the cut's time is over.
 */
int peeps_cut_part_wait(struct peeps_cut_part *part);

/* Returns 0; -EAGAIN not in time. */
int peeps_cut_part_copy(struct peeps_cut_part *part);

/* Returns 0; -EAGAIN the cut was lost: another reader has begun one, or we are too late. */
int peeps_cut_part_check(struct peeps_cut_part *part);
void peeps_cut_part_clear(struct peeps_cut_part *part); /* if it was announced */

/* --- when it is unlocked ---------------------------------------------------------------------------------------- */

/* What the finished part is worth. */
void peeps_cut_part_judge(struct peeps_cut_part *part);

/**
 * peeps_cut_part_look_instead - a passive look, with a note why there is no cut (part->why_not)
 *
 * Returns 0; -EAGAIN if no cut could be completed in time; as peeps_passive_look().
 */
int peeps_cut_part_look_instead(struct peeps_cut_part *part, struct peeps_problem *problem);

/**
 * peeps_cut_part_check_process - whether it still is the process that was attached. Returns 0; -ESRCH
 */
int peeps_cut_part_check_process(const struct peeps_cut_part *part, struct peeps_problem *problem);

#endif
