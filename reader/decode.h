/* SPDX-License-Identifier: MIT */
/* From the bytes of an image to a graph. Every number, reference and text is checked here, and nowhere later. */
#ifndef PEEPS_READER_DECODE_H
#define PEEPS_READER_DECODE_H

#include "reader/attach.h"
#include "reader/graph.h"
#include "reader/image.h"

enum peeps_decode_flags {
	PEEPS_DECODE_HISTORY = 1, /* finished operations that are still in their slots, too */
};

/**
 * peeps_decode - make the graph of one image
 *
 * What is damaged (a stale reference, a text beyond its section, an unknown kind) is left out or null and noted;
 * a graph always comes out unless there is no memory. Live entities become nodes; exited threads only if something
 * still refers to them. Findings are not made here (reader/analysis.h).
 * Returns 0 or -ENOMEM.
 */
int peeps_decode(const struct peeps_image *image, unsigned int flags, struct peeps_graph **graph);

#endif
