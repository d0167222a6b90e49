/* SPDX-License-Identifier: MIT */
#include "bench/own_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/attach.h"
#include "reader/cut.h"
#include "reader/decode.h"
#include "reader/graph.h"
#include "reader/problem.h"

static void look(struct peeps_image *image)
{
	struct peeps_problem problem = { 0 };
	struct peeps_target target;
	int result;

	peeps_image_init(image);
	result = peeps_attach(&target, getpid(), &problem);
	if (result == 0) {
		result = peeps_cut(&target, image, 0, &problem);
		peeps_detach(&target);
	}
	if (result != 0) {
		(void)fprintf(stderr, "no look at our own segment: %s: %s\n", problem.what,
			      problem.why);
		exit(1);
	}
}

static struct peeps_graph *look_at_graph(void)
{
	struct peeps_graph *graph = NULL;
	struct peeps_image image;

	look(&image);
	(void)peeps_decode(&image, 0, &graph);
	peeps_image_deinit(&image);
	if (!graph) {
		(void)fprintf(stderr, "our own segment cannot be decoded\n");
		exit(1);
	}
	return graph;
}

static uint32_t mutex_named(const struct peeps_graph *graph, const char *name)
{
	for (uint32_t i = 0; i < graph->node_count; i++)
		if (graph->nodes[i].kind_number == PEEPS_KIND_MUTEX &&
		    strcmp(graph->nodes[i].name, name) == 0)
			return i;
	return PEEPS_NO_NODE;
}

static const struct peeps_edge *hold_of(const struct peeps_graph *graph, uint32_t mutex)
{
	for (size_t i = 0; i < graph->edge_count; i++)
		if (graph->edges[i].kind == PEEPS_EDGE_HOLDS && graph->edges[i].src == mutex)
			return &graph->edges[i];
	return NULL;
}

/* Returns what is wrong, or NULL. */
static const char *complaint_of(const struct peeps_graph *graph, const char *name,
				uint64_t acquires)
{
	const uint32_t mutex = mutex_named(graph, name);
	const struct peeps_value *value;
	const struct peeps_edge *hold;

	if (graph->quality != PEEPS_QUALITY_CUT)
		return "the look was no cut";
	if (mutex == PEEPS_NO_NODE)
		return "there is no such mutex";
	value = peeps_graph_attribute(&graph->nodes[mutex], "acquires");
	if (!value || value->type != PEEPS_VALUE_UNSIGNED || value->as.number != acquires)
		return "acquires is not how often it was locked";
	hold = hold_of(graph, mutex);
	if (!hold || graph->nodes[hold->dst].tid != (uint32_t)gettid())
		return "the thread that holds it is not its holder";
	if (hold->held_since_ns == PEEPS_NO_TIME)
		return "it has no held_since";
	return NULL;
}

void own_segment_require(const char *name, uint64_t acquires)
{
	struct peeps_graph *const graph = look_at_graph();
	const char *const complaint = complaint_of(graph, name, acquires);

	peeps_graph_free(graph);
	if (complaint) {
		(void)fprintf(stderr, "mutex %s, locked %" PRIu64 " times: %s\n", name, acquires,
			      complaint);
		exit(1);
	}
}

static uint64_t permits_held(const struct peeps_image *image)
{
	uint64_t held = 0;

	for (size_t i = 0; i < image->edge_count; i++) {
		const struct peeps_edge_view *const edge = &image->edges[i];

		if ((edge->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK) ==
			    PEEPS_EDGE_HOLDS &&
		    (edge->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK) ==
			    PEEPS_HOLD_ROLE_PERMIT)
			held += edge->wait & PEEPS_EDGE_POLL_COUNT_MASK;
	}
	return held;
}

void own_segment_require_permits(uint64_t held)
{
	struct peeps_image image;
	uint64_t seen;

	look(&image);
	seen = permits_held(&image);
	peeps_image_deinit(&image);
	if (seen == held)
		return;
	(void)fprintf(stderr, "%" PRIu64 " permits held, %" PRIu64 " seen\n", held, seen);
	exit(1);
}
