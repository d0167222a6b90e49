/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/reader/decode_fixture.h"

int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fake_segment_new(&fixture->segment);
	fake_deadlock(&fixture->segment, &fixture->deadlock);
	peeps_image_init(&fixture->image);
	*state = fixture;
	return 0;
}

int set_up_town(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fake_segment_new(&fixture->segment);
	fake_town(&fixture->segment, &fixture->town);
	fixture->deadlock = fixture->town.deadlock;
	peeps_image_init(&fixture->image);
	*state = fixture;
	return 0;
}

int tear_down(void **state)
{
	struct fixture *fixture = *state;

	peeps_graph_free(fixture->graph);
	peeps_image_deinit(&fixture->image);
	fake_segment_free(&fixture->segment);
	free(fixture);
	return 0;
}

void take_image(struct fixture *f)
{
	assert_int_equal(peeps_attach_fd(&f->target, f->segment.fd, &f->problem), 0);
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	peeps_detach(&f->target);
}

void decode_image(struct fixture *f, unsigned int flags)
{
	peeps_graph_free(f->graph);
	f->graph = NULL;
	assert_int_equal(peeps_decode(&f->image, flags, &f->graph), 0);
	if (!f->graph)
		abort(); /* not reached; the analyzer does not know cmocka */
}

void decode(struct fixture *f)
{
	take_image(f);
	decode_image(f, 0);
}

const struct peeps_node *node_by_id(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->graph->node_count; i++) {
		if (strcmp(f->graph->nodes[i].id, id) == 0)
			return &f->graph->nodes[i];
	}
	for (size_t i = 0; i < f->graph->node_count; i++)
		print_error("node %s\n", f->graph->nodes[i].id);
	fail_msg("the graph has no node %s", id);
	abort();
}

const struct peeps_edge *edge_from(const struct fixture *f, enum peeps_edge_kind kind,
				   const char *src)
{
	for (size_t i = 0; i < f->graph->edge_count; i++) {
		const struct peeps_edge *edge = &f->graph->edges[i];

		if (edge->kind == kind && strcmp(f->graph->nodes[edge->src].id, src) == 0)
			return edge;
	}
	return NULL;
}

const char *dst_id(const struct fixture *f, const struct peeps_edge *edge)
{
	assert_non_null(edge);
	return f->graph->nodes[edge->dst].id;
}

void assert_number(const struct peeps_node *node, const char *name, uint64_t number)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	assert_non_null(value);
	assert_int_equal(value->type, PEEPS_VALUE_UNSIGNED);
	assert_int_equal(value->as.number, number);
}

void assert_text(const struct peeps_node *node, const char *name, const char *text)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	assert_non_null(value);
	assert_int_equal(value->type, PEEPS_VALUE_TEXT);
	assert_string_equal(value->as.text, text);
}

void assert_truth(const struct peeps_node *node, const char *name, bool truth)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	assert_non_null(value);
	assert_int_equal(value->type, PEEPS_VALUE_BOOL);
	assert_true(value->as.boolean == truth);
}

void assert_null_value(const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	assert_non_null(value);
	assert_int_equal(value->type, PEEPS_VALUE_NULL);
}

void assert_node(const struct fixture *f, const struct peeps_node *node, const char *name,
		 const char *id)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	assert_non_null(value);
	assert_int_equal(value->type, PEEPS_VALUE_NODE);
	assert_string_equal(f->graph->nodes[value->as.node].id, id);
}

void assert_noted(const struct fixture *f, const char *part)
{
	for (size_t i = 0; i < f->graph->note_count; i++) {
		if (strstr(f->graph->notes[i], part))
			return;
	}
	fail_msg("no note says: %s", part);
}
