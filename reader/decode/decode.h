/* SPDX-License-Identifier: MIT */
/* From the bytes of an image to a graph. Every number, reference and text is checked here, and nowhere later. */
#ifndef PEEPS_READER_DECODE_H
#define PEEPS_READER_DECODE_H

#include "reader/cut/image.h"
#include "reader/graph/graph.h"
#include "reader/target/attach.h"

enum peeps_decode_flags {
	PEEPS_DECODE_HISTORY = 1, /* finished operations that are still in their slots, too */
};

/**
 * peeps_decode_set - make one graph of the images of one cut
 * @images: at least one
 *
 * What is damaged (a stale reference, a text beyond its section, an unknown kind) is left out or null and noted;
 * a graph always comes out unless there is no memory, or it would take too much. Live entities become nodes; exited threads only if something
 * still refers to them; foreign stubs only if what they name is not there. Its quality is that of the worst image.
 * Findings are not made here (reader/analysis/analysis.h).
 * Returns 0; -ENOMEM; -EFBIG it would take more than a reader gives it.
 */
int peeps_decode_set(const struct peeps_image *images, size_t count, unsigned int flags,
		     struct peeps_graph **graph);

/* A set of one. */
static inline int peeps_decode(const struct peeps_image *image, unsigned int flags,
			       struct peeps_graph **graph)
{
	return peeps_decode_set(image, 1, flags, graph);
}

#endif
