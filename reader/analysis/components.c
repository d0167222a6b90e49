/* SPDX-License-Identifier: MIT */
/* Tarjan's algorithm, with its recursion on a stack of our own. */
#include "reader/analysis/components.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct search {
	const struct peeps_reduction *r;
	struct peeps_components *out;
	uint32_t *order;  /* by node: when it was met; 0 = not yet */
	uint32_t *low;    /* by node: the earliest met that it reaches */
	uint32_t *cursor; /* by node: where it was left */
	uint32_t *path;   /* nodes being looked at */
	size_t path_length;
	uint32_t *open; /* nodes met whose component is not known yet */
	size_t open_count;
	uint32_t met;
	size_t member_count;
};

static void enter(struct search *s, uint32_t node)
{
	s->order[node] = s->low[node] = ++s->met;
	s->path[s->path_length++] = node;
	s->open[s->open_count++] = node;
}

static void close_component(struct search *s, uint32_t root)
{
	uint32_t node;

	s->out->starts[s->out->count] = (uint32_t)s->member_count;
	do {
		node = s->open[--s->open_count];
		s->out->of[node] = (uint32_t)s->out->count;
		s->out->members[s->member_count++] = node;
	} while (node != root);
	s->out->count++;
	s->out->starts[s->out->count] = (uint32_t)s->member_count;
}

static void leave(struct search *s, uint32_t node)
{
	s->path_length--;
	if (s->low[node] == s->order[node])
		close_component(s, node);
	if (s->path_length) {
		const uint32_t before = s->path[s->path_length - 1];

		if (s->low[node] < s->low[before])
			s->low[before] = s->low[node];
	}
}

static void search_from(struct search *s, uint32_t start)
{
	enter(s, start);
	while (s->path_length) {
		const uint32_t node = s->path[s->path_length - 1];
		uint32_t via;
		const uint32_t next = peeps_reduction_next(s->r, node, &s->cursor[node], &via);

		if (next == PEEPS_NO_NODE)
			leave(s, node);
		else if (!s->order[next])
			enter(s, next);
		else if (s->out->of[next] == PEEPS_NO_NODE && s->order[next] < s->low[node])
			s->low[node] = s->order[next];
	}
}

int peeps_components_init(struct peeps_components *components,
			  const struct peeps_reduction *reduction)
{
	const struct peeps_graph *graph = reduction->wakers->graph;
	const size_t room = graph->node_count + 1;
	struct search s = { .r = reduction, .out = components };
	int r = -ENOMEM;

	memset(components, 0, sizeof(*components));
	components->of = calloc(room, sizeof(components->of[0]));
	components->starts = calloc(room, sizeof(components->starts[0]));
	components->members = calloc(room, sizeof(components->members[0]));
	s.order = calloc(room, sizeof(s.order[0]));
	s.low = calloc(room, sizeof(s.low[0]));
	s.cursor = calloc(room, sizeof(s.cursor[0]));
	s.path = calloc(room, sizeof(s.path[0]));
	s.open = calloc(room, sizeof(s.open[0]));
	if (components->of && components->starts && components->members && s.order && s.low &&
	    s.cursor && s.path && s.open) {
		for (uint32_t node = 0; node < graph->node_count; node++)
			components->of[node] = PEEPS_NO_NODE;
		for (uint32_t node = 0; node < graph->node_count; node++) {
			if (reduction->stuck[node] && !graph->nodes[node].gone && !s.order[node])
				search_from(&s, node);
		}
		r = 0;
	}
	free(s.order);
	free(s.low);
	free(s.cursor);
	free(s.path);
	free(s.open);
	if (r)
		peeps_components_deinit(components);
	return r;
}

void peeps_components_deinit(struct peeps_components *components)
{
	free(components->of);
	free(components->starts);
	free(components->members);
	memset(components, 0, sizeof(*components));
}
