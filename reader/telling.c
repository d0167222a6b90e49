/* SPDX-License-Identifier: MIT */
#include "reader/telling.h"

#include <errno.h>

int peeps_telling_init(struct peeps_telling *telling, const struct peeps_graph *graph,
		       uint64_t min_ns)
{
	int r;

	telling->graph = graph;
	telling->arena = peeps_arena_new(0);
	if (!telling->arena)
		return -ENOMEM;
	r = peeps_labels_init(&telling->labels, graph);
	if (r)
		goto fail_labels;
	r = peeps_waits_init(&telling->waits, graph, min_ns);
	if (r)
		goto fail_waits;
	return 0;
fail_waits:
	peeps_labels_deinit(&telling->labels);
fail_labels:
	peeps_arena_free(telling->arena);
	return r;
}

void peeps_telling_deinit(struct peeps_telling *telling)
{
	peeps_waits_deinit(&telling->waits);
	peeps_labels_deinit(&telling->labels);
	peeps_arena_free(telling->arena);
}
