/* SPDX-License-Identifier: MIT */
/* Sites as places in the source: files joined with the root that they were compiled in, and normalised. */
#ifndef PEEPS_READER_SOURCE_H
#define PEEPS_READER_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "layout/segment.h"
#include "reader/graph/graph.h"

struct peeps_arena;
struct peeps_texts;

struct peeps_sources {
	struct peeps_arena *arena;
	struct peeps_texts *texts;
	const struct peeps_site_row *sites;
	size_t site_count;
	struct peeps_source **made; /* by site: each is made once */
	uint64_t damaged;           /* sites that are not there */
};

/* Returns 0 or -ENOMEM. */
int peeps_sources_init(struct peeps_sources *sources, struct peeps_arena *arena,
		       struct peeps_texts *texts, const struct peeps_site_row *sites,
		       size_t site_count);
void peeps_sources_deinit(struct peeps_sources *sources);

/* The place of a site; all empty for site 0 ("not known") and for what is damaged, which is counted. */
struct peeps_source peeps_sources_at(struct peeps_sources *sources, uint64_t site);

/**
 * peeps_path_join - a path as if from root: "/r/build" and "../a/./b.c" give "/r/a/b.c"
 * @root: absolute; not looked at if file is absolute
 *
 * By the text alone: no link is followed. Returns NULL without memory.
 */
char *peeps_path_join(struct peeps_arena *arena, const char *root, const char *file);

#endif
