/* SPDX-License-Identifier: MIT */
/* From edge slots, and from what mutexes say of their holders, to edges. */
#include "reader/decoder.h"

#include <errno.h>

#include "reader/arena.h"
#include "reader/decode.h"

static bool state_is_shown(const struct peeps_decoder *d, uint32_t state)
{
	return state == PEEPS_STATE_PENDING || state == PEEPS_STATE_ACTIVE ||
	       d->flags & PEEPS_DECODE_HISTORY;
}

static bool is_sound_operation(const struct peeps_decoder *d, const struct peeps_edge_parts *parts)
{
	return parts->op != PEEPS_OP_NONE && parts->state != PEEPS_STATE_NONE &&
	       peeps_schema_name(&d->schema, PEEPS_SCHEMA_OP, 0, parts->op) &&
	       peeps_schema_name(&d->schema, PEEPS_SCHEMA_STATE, 0, parts->state) &&
	       d->entities[parts->src].kind->role == PEEPS_ROLE_ACTOR;
}

int peeps_decoder_edge_parts(const struct peeps_decoder *d, const struct peeps_edge_view *view,
			     struct peeps_edge_parts *parts)
{
	parts->kind = view->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK;
	parts->op = view->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK;
	parts->state = view->status >> PEEPS_EDGE_STATE_SHIFT & PEEPS_EDGE_BYTE_MASK;
	if (parts->kind < PEEPS_EDGE_NEEDS || parts->kind > PEEPS_EDGE_RPC_LINK)
		return -1;
	if (parts->kind == PEEPS_EDGE_NEEDS && parts->state != PEEPS_STATE_NONE &&
	    !state_is_shown(d, parts->state))
		return 0;
	parts->src = peeps_decoder_place(d, view->src);
	parts->dst = peeps_decoder_place(d, view->dst);
	if (parts->src == PEEPS_NO_PLACE || parts->dst == PEEPS_NO_PLACE)
		/* An operation that is over outlives what it was on. */
		return parts->state > PEEPS_STATE_PENDING ? 0 : -1;
	if (parts->kind == PEEPS_EDGE_NEEDS && !is_sound_operation(d, parts))
		return -1;
	return 1;
}

static const char *op_name(const struct peeps_decoder *d, const struct peeps_edge_parts *parts)
{
	return parts->kind == PEEPS_EDGE_NEEDS
		       ? peeps_schema_name(&d->schema, PEEPS_SCHEMA_OP, 0, parts->op)
		       : NULL;
}

static const char *state_name(const struct peeps_decoder *d, const struct peeps_edge_parts *parts)
{
	return parts->kind == PEEPS_EDGE_NEEDS
		       ? peeps_schema_name(&d->schema, PEEPS_SCHEMA_STATE, 0, parts->state)
		       : NULL;
}

/* What explains this very wait; a word that is 0 does not apply to it. */
static void add_details(struct peeps_decoder *d, struct peeps_edge *edge,
			const struct peeps_edge_view *view)
{
	size_t count;
	const struct peeps_schema_row *details = peeps_schema_details(&d->schema, edge->op, &count);

	if (count == 0)
		return;
	edge->details = peeps_arena_take(d->arena, count, sizeof(*edge->details));
	if (!edge->details)
		return;
	for (size_t i = 0; i < count; i++) {
		const uint64_t bits = view->details[details[i].word];

		if (details[i].name[0] == '\0')
			continue;
		edge->details[edge->detail_count++] = (struct peeps_attribute){
			.name = details[i].name,
			.value = bits ? peeps_decoder_value(d, details[i].type, bits)
				      : peeps_value_null(),
		};
	}
}

static void make_edge(struct peeps_decoder *d, const struct peeps_edge_view *view,
		      const struct peeps_edge_parts *parts)
{
	struct peeps_edge *edge = &d->graph->edges[d->graph->edge_count++];
	const bool operation = parts->kind == PEEPS_EDGE_NEEDS;

	*edge = (struct peeps_edge){
		.kind = (enum peeps_edge_kind)parts->kind,
		.src = d->entities[parts->src].node,
		.dst = d->entities[parts->dst].node,
		.op = operation ? parts->op : PEEPS_OP_NONE,
		.op_kind = op_name(d, parts),
		.state = operation ? parts->state : PEEPS_STATE_NONE,
		.state_name = state_name(d, parts),
		.uncertain = view->uncertain,
		.pending_since_ns = peeps_decoder_time(d, view->pending_since_ns),
		.last_change_ns = peeps_decoder_time(d, view->last_change_ns),
		.poll_count = (uint32_t)(view->wait & PEEPS_EDGE_POLL_COUNT_MASK),
		.wait_sequence = (uint32_t)(view->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT),
		.slot = view->index,
		.reason = parts->state == PEEPS_STATE_FAILED
				  ? (uint32_t)(view->origin >> PEEPS_EDGE_REASON_SHIFT)
				  : 0,
		.source = peeps_sources_at(&d->sources, view->origin & PEEPS_EDGE_SITE_MASK),
		.count = parts->kind == PEEPS_EDGE_HOLDS,
		.held_since_ns = PEEPS_NO_TIME,
	};
	if (operation)
		add_details(d, edge, view);
}

/* The hold that a mutex's words stand for. */
static void make_mutex_hold(struct peeps_decoder *d, size_t place, uint32_t holder)
{
	const struct peeps_entity_view *view = &d->image->entities[place];
	const bool exact = PEEPS_VIEW_FIELD(view, MUTEX, HELD_SINCE_EXACT);
	const uint64_t period_ns = d->image->tick_period_ns <= PEEPS_NUMBER_MAX
					   ? d->image->tick_period_ns
					   : PEEPS_NUMBER_MAX;
	struct peeps_edge *edge = &d->graph->edges[d->graph->edge_count++];

	*edge = (struct peeps_edge){
		.kind = PEEPS_EDGE_HOLDS,
		.src = d->entities[place].node,
		.dst = holder,
		.uncertain = view->uncertain,
		.pending_since_ns = PEEPS_NO_TIME,
		.last_change_ns = PEEPS_NO_TIME,
		/* Which hold of this mutex it is. */
		.wait_sequence = (uint32_t)PEEPS_VIEW_FIELD(view, MUTEX, ACQUIRES),
		.slot = view->index,
		.source = peeps_sources_at(&d->sources, PEEPS_VIEW_FIELD(view, MUTEX, HELD_SITE)),
		.role = "lock",
		.mode = "exclusive",
		.count = PEEPS_VIEW_FIELD(view, MUTEX, HELD_DEPTH) + 1,
		.held_since_ns = peeps_decoder_time(d, PEEPS_VIEW_FIELD(view, MUTEX, HELD_SINCE)),
		.held_accuracy_ns = exact ? 0 : period_ns,
	};
}

int peeps_decoder_make_edges(struct peeps_decoder *d)
{
	struct peeps_graph *graph = d->graph;
	struct peeps_edge_parts parts;
	size_t room = 0;

	for (size_t i = 0; i < d->image->edge_count; i++)
		room += peeps_decoder_edge_parts(d, &d->image->edges[i], &parts) == 1;
	for (size_t i = 0; i < d->image->entity_count; i++)
		room += peeps_decoder_is_mutex(d, i) &&
			peeps_view_holder(&d->image->entities[i]) != 0;
	graph->edges = peeps_arena_take(d->arena, room, sizeof(*graph->edges));
	if (!graph->edges)
		return -ENOMEM;
	for (size_t i = 0; i < d->image->edge_count; i++) {
		const int shown = peeps_decoder_edge_parts(d, &d->image->edges[i], &parts);

		if (shown == 1)
			make_edge(d, &d->image->edges[i], &parts);
		d->damage.edges += shown < 0;
	}
	for (size_t i = 0; i < d->image->entity_count; i++) {
		uint32_t holder;

		if (!peeps_decoder_is_mutex(d, i) || peeps_view_holder(&d->image->entities[i]) == 0)
			continue;
		holder = peeps_decoder_holder(d, &d->image->entities[i]);
		if (holder != PEEPS_NO_NODE)
			make_mutex_hold(d, i, holder);
		else
			d->damage.values++;
	}
	return 0;
}
