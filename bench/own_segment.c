/* SPDX-License-Identifier: MIT */
#include "bench/own_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/target/attach.h"

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

static uint32_t node_named(const struct peeps_graph *graph, enum peeps_kind kind, const char *name)
{
	for (uint32_t i = 0; i < graph->node_count; i++)
		if (graph->nodes[i].kind_number == kind && strcmp(graph->nodes[i].name, name) == 0)
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

static bool is_number(const struct peeps_node *node, const char *attribute, uint64_t number)
{
	const struct peeps_value *const value = peeps_graph_attribute(node, attribute);

	return value && value->type == PEEPS_VALUE_UNSIGNED && value->as.number == number;
}

/* Returns what is wrong, or NULL. */
static const char *complaint_of(const struct peeps_graph *graph, const char *name,
				uint64_t acquires)
{
	const uint32_t mutex = node_named(graph, PEEPS_KIND_MUTEX, name);
	const struct peeps_edge *hold;

	if (graph->quality != PEEPS_QUALITY_CUT)
		return "the look was no cut";
	if (mutex == PEEPS_NO_NODE)
		return "there is no such mutex";
	if (!is_number(&graph->nodes[mutex], "acquires", acquires))
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

/* How many ends say this number in this word. */
static uint64_t count_ends(const struct peeps_image *image, enum peeps_kind kind, int word,
			   uint64_t number)
{
	uint64_t count = 0;

	for (size_t i = 0; i < image->entity_count; i++)
		count += (image->entities[i].kind & 0xffff) == (uint64_t)kind &&
			 image->entities[i].body[word] == number;
	return count;
}

void own_segment_require_channels(uint64_t count, uint64_t items)
{
	struct peeps_image image;

	look(&image);
	if (image.quality != PEEPS_QUALITY_CUT ||
	    count_ends(&image, PEEPS_KIND_MPSC_TX, PEEPS_MPSC_TX_SENT_TOTAL_WORD, items) != count ||
	    count_ends(&image, PEEPS_KIND_MPSC_RX, PEEPS_MPSC_RX_RECV_TOTAL_WORD, items) != count) {
		(void)fprintf(stderr, "not %" PRIu64 " channels of %" PRIu64 " items each\n", count,
			      items);
		exit(1);
	}
	peeps_image_deinit(&image);
}

void own_segment_require_notifies(const char *name, uint64_t notifies)
{
	struct peeps_graph *const graph = look_at_graph();
	uint64_t most = 0;

	for (uint32_t i = 0; i < graph->node_count; i++) {
		const struct peeps_value *const value =
			peeps_graph_attribute(&graph->nodes[i], "notifies");

		if (strcmp(graph->nodes[i].name, name) == 0 && value &&
		    value->type == PEEPS_VALUE_UNSIGNED && value->as.number > most)
			most = value->as.number;
	}
	peeps_graph_free(graph);
	if (most >= notifies)
		return;
	(void)fprintf(stderr,
		      "%s was notified %" PRIu64 " times, and the segment has %" PRIu64 "\n", name,
		      notifies, most);
	exit(1);
}
