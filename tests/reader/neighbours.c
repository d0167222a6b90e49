/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reader/neighbours.h"

static void settle(struct neighbours *n, int side, const char *name, uint32_t pid)
{
	struct fake_segment *segment = &n->segments[side];

	fake_segment_new(segment);
	segment->header->pid = pid;
	(void)snprintf(segment->header->process_name, sizeof(segment->header->process_name), "%s",
		       name);
	segment->header->start_realtime_ns = pid;
	n->thread[side] = fake_thread(segment, pid, name);
	n->gate[side] = fake_entity(segment, PEEPS_KIND_MUTEX, "gate");
	fake_hold(segment, n->gate[side], n->thread[side], UINT64_C(200000000), 0);
	peeps_image_init(&n->images[side]);
}

int neighbours_set_up(void **state)
{
	struct neighbours *n = calloc(1, sizeof(*n));

	settle(n, LEFT, "left", 4711);
	settle(n, RIGHT, "right", 4712);
	*state = n;
	return 0;
}

int neighbours_tear_down(void **state)
{
	struct neighbours *n = *state;

	peeps_graph_free(n->graph);
	for (int side = 0; side < SIDES; side++) {
		peeps_image_deinit(&n->images[side]);
		fake_segment_free(&n->segments[side]);
	}
	free(n);
	return 0;
}

uint32_t neighbours_wait(struct neighbours *n, int side, const char *id)
{
	struct fake_segment *segment = &n->segments[side];

	return fake_wait(segment, n->thread[side], fake_entity(segment, PEEPS_KIND_FOREIGN, id),
			 UINT64_C(300000000), 0);
}

void neighbours_wait_for_each_other(struct neighbours *n)
{
	(void)neighbours_wait(n, LEFT, RIGHT_GATE);
	(void)neighbours_wait(n, RIGHT, LEFT_GATE);
}

void neighbours_look(struct neighbours *n, int first, int second)
{
	const int sides[SIDES] = { first, second };

	for (int i = 0; i < SIDES; i++)
		assert_int_equal(
			peeps_attach_fd(&n->targets[i], n->segments[sides[i]].fd, &n->problem), 0);
	assert_int_equal(peeps_cut_set(n->targets, n->images, SIDES, 0, NULL, &n->problem), 0);
	for (int i = 0; i < SIDES; i++)
		peeps_detach(&n->targets[i]);
	peeps_graph_free(n->graph);
	n->graph = NULL;
	assert_int_equal(peeps_decode_set(n->images, SIDES, 0, &n->graph), 0);
	if (!n->graph)
		abort(); /* not reached; the analyzer does not know cmocka */
}

const struct peeps_node *neighbours_node(const struct neighbours *n, const char *id)
{
	for (size_t i = 0; i < n->graph->node_count; i++) {
		if (strcmp(n->graph->nodes[i].id, id) == 0)
			return &n->graph->nodes[i];
	}
	for (size_t i = 0; i < n->graph->node_count; i++)
		print_error("node %s\n", n->graph->nodes[i].id);
	fail_msg("the graph has no node %s", id);
	abort();
}

const struct peeps_edge *neighbours_edge(const struct neighbours *n, enum peeps_edge_kind kind,
					 const char *src)
{
	for (size_t i = 0; i < n->graph->edge_count; i++) {
		const struct peeps_edge *edge = &n->graph->edges[i];

		if (edge->kind == kind && strcmp(n->graph->nodes[edge->src].id, src) == 0)
			return edge;
	}
	fail_msg("no such edge begins at %s", src);
	abort();
}
