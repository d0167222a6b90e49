/* SPDX-License-Identifier: MIT */
/* A look that writes nothing at all: for targets whose control page is not ours to write, or is another reader's. */
#ifndef PEEPS_READER_PASSIVE_H
#define PEEPS_READER_PASSIVE_H

#include "reader/cut/image.h"
#include "reader/target/attach.h"

/**
 * peeps_passive_look - copy the segment without asking anything of its writers
 *
 * The image is `quiescent` (exact) if nothing moved meanwhile. Else it is `passive`: what is not marked uncertain was
 * written by threads that did nothing while it was copied, twice, with the same result. Of a dead process it is exact
 * but for sections that were never ended (`partial`).
 * Returns 0; -ENOMEM; -EBADMSG; -EAGAIN there is too much to copy in time.
 */
int peeps_passive_look(struct peeps_target *target, struct peeps_image *image,
		       struct peeps_problem *problem);

#endif
