/* SPDX-License-Identifier: MIT */
/* From edge slots, from what mutexes say of their holders, and from the ends of channels, to edges. */
#include "reader/decode/decoder.h"

#include "reader/decode/decode.h"
#include "reader/graph/arena.h"
#include "reader/graph/ends.h"

/* --- which are shown -------------------------------------------------------------------------------------------- */

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

static int operation_is_shown(const struct peeps_decoder *d, const struct peeps_edge_view *view,
			      const struct peeps_edge_parts *parts)
{
	if (parts->state != PEEPS_STATE_NONE && !state_is_shown(d, parts->state))
		return 0;
	if (parts->src == PEEPS_NO_PLACE || parts->dst == PEEPS_NO_PLACE) {
		/* An operation that is over outlives what it was on; one that is not goes with its actor, and a join
		 * may come to know late that its thread is no more. */
		return parts->state > PEEPS_STATE_PENDING || peeps_decoder_is_stale(d, view->src) ||
				       (parts->op == PEEPS_OP_JOIN &&
					peeps_decoder_is_stale(d, view->dst))
			       ? 0
			       : -1;
	}
	return is_sound_operation(d, parts) ? 1 : -1;
}

static uint32_t held_count(const struct peeps_edge_view *hold)
{
	return (uint32_t)(hold->wait & PEEPS_EDGE_POLL_COUNT_MASK);
}

static uint32_t hold_mode(const struct peeps_edge_view *hold)
{
	return hold->status >> PEEPS_HOLD_MODE_SHIFT & PEEPS_HOLD_NIBBLE_MASK;
}

/* The slot stays with its holder while nothing is held; the holder may be gone, which says a lot. */
static int hold_is_shown(const struct peeps_decoder *d, const struct peeps_edge_view *view,
			 const struct peeps_edge_parts *parts)
{
	if (held_count(view) == 0)
		return 0;
	if (parts->src == PEEPS_NO_PLACE)
		/* A rwlock may be destroyed while it is read. */
		return peeps_decoder_is_stale(d, view->src) &&
				       hold_mode(view) == PEEPS_HOLD_MODE_READ
			       ? 0
			       : -1;
	if (parts->dst == PEEPS_NO_PLACE)
		return peeps_decoder_is_stale(d, view->dst) ? 1 : -1;
	return d->entities[parts->dst].kind->role == PEEPS_ROLE_ACTOR ? 1 : -1;
}

int peeps_decoder_edge_parts(const struct peeps_decoder *d, const struct peeps_edge_view *view,
			     struct peeps_edge_parts *parts)
{
	parts->kind = view->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK;
	parts->op = view->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK;
	parts->state = view->status >> PEEPS_EDGE_STATE_SHIFT & PEEPS_EDGE_BYTE_MASK;
	parts->src = peeps_decoder_place(d, view->src);
	parts->dst = peeps_decoder_place(d, view->dst);
	switch (parts->kind) {
	case PEEPS_EDGE_NEEDS:
		return operation_is_shown(d, view, parts);
	case PEEPS_EDGE_HOLDS:
		return hold_is_shown(d, view, parts);
	case PEEPS_EDGE_CHANNEL_LINK:
	case PEEPS_EDGE_RPC_LINK:
		return parts->src != PEEPS_NO_PLACE && parts->dst != PEEPS_NO_PLACE ? 1 : -1;
	default:
		return -1;
	}
}

/* --- operations ------------------------------------------------------------------------------------------------- */

static struct peeps_edge *add_edge(struct peeps_decoder *d, enum peeps_edge_kind kind, uint32_t src,
				   uint32_t dst)
{
	struct peeps_edge *edge = &d->graph->edges[d->graph->edge_count++];

	*edge = (struct peeps_edge){
		.kind = kind,
		.src = src,
		.dst = dst,
		.pending_since_ns = PEEPS_NO_TIME,
		.last_change_ns = PEEPS_NO_TIME,
		.held_since_ns = PEEPS_NO_TIME,
	};
	return edge;
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
		const uint64_t bits = peeps_word_bits(view->details[details[i].word],
						      details[i].shift, details[i].bits);

		if (details[i].name[0] == '\0')
			continue;
		edge->details[edge->detail_count++] = (struct peeps_attribute){
			.name = details[i].name,
			.value = bits ? peeps_decoder_value(d, details[i].type, bits)
				      : peeps_value_null(),
		};
	}
}

/* What every edge of a slot has. */
static struct peeps_edge *add_edge_of(struct peeps_decoder *d, const struct peeps_edge_view *view,
				      const struct peeps_edge_parts *parts, uint32_t dst)
{
	struct peeps_edge *edge =
		add_edge(d, (enum peeps_edge_kind)parts->kind, d->entities[parts->src].node, dst);

	edge->uncertain = view->uncertain;
	edge->wait_sequence = (uint32_t)(view->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT);
	edge->slot = view->index;
	edge->source = peeps_sources_at(&d->sources, view->origin & PEEPS_EDGE_SITE_MASK);
	return edge;
}

static void make_operation(struct peeps_decoder *d, const struct peeps_edge_view *view,
			   const struct peeps_edge_parts *parts)
{
	struct peeps_edge *edge = add_edge_of(d, view, parts, d->entities[parts->dst].node);

	if (view->status >> PEEPS_EDGE_MODE_SHIFT & PEEPS_OPERATION_FLAGS_NEEDED)
		edge->uncertain = true; /* shown, and nothing is concluded from it for certain */
	edge->op = parts->op;
	edge->op_kind = peeps_schema_name(&d->schema, PEEPS_SCHEMA_OP, 0, parts->op);
	edge->state = parts->state;
	edge->state_name = peeps_schema_name(&d->schema, PEEPS_SCHEMA_STATE, 0, parts->state);
	edge->pending_since_ns = peeps_decoder_time(d, view->pending_since_ns);
	edge->last_change_ns = peeps_decoder_time(d, view->last_change_ns);
	edge->poll_count = (uint32_t)(view->wait & PEEPS_EDGE_POLL_COUNT_MASK);
	edge->blocks = view->status >> PEEPS_EDGE_MODE_SHIFT & PEEPS_OPERATION_BLOCKS;
	if (parts->state == PEEPS_STATE_FAILED)
		edge->reason = (uint32_t)(view->origin >> PEEPS_EDGE_REASON_SHIFT);
	add_details(d, edge, view);
}

/* --- holds ------------------------------------------------------------------------------------------------------ */

/* What a number of an enum is called; NULL for 0, and for one that is none, which is then 0. */
static const char *number_name(struct peeps_decoder *d, uint32_t list, uint32_t *number)
{
	const char *name =
		*number ? peeps_schema_name(&d->schema, PEEPS_SCHEMA_ENUM, list, *number) : NULL;

	if (*number && !name) {
		d->damage.values++;
		*number = 0;
	}
	return name;
}

/* By how much a hold may be younger than it says. */
static uint64_t accuracy_ns(const struct peeps_decoder *d, bool exact)
{
	if (exact)
		return 0;
	return d->image->tick_period_ns <= PEEPS_NUMBER_MAX ? d->image->tick_period_ns
							    : PEEPS_NUMBER_MAX;
}

static void make_hold(struct peeps_decoder *d, const struct peeps_edge_view *view,
		      const struct peeps_edge_parts *parts)
{
	struct peeps_edge *edge = add_edge_of(d, view, parts, peeps_decoder_holder(d, view->dst));

	edge->role_number = view->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK;
	edge->mode_number = hold_mode(view);
	edge->role = number_name(d, PEEPS_TYPE_ENUM_HOLD_ROLE, &edge->role_number);
	edge->mode = number_name(d, PEEPS_TYPE_ENUM_HOLD_MODE, &edge->mode_number);
	edge->count = held_count(view);
	edge->held_since_ns = peeps_decoder_time(d, view->pending_since_ns);
	edge->held_accuracy_ns =
		accuracy_ns(d, view->origin >> PEEPS_EDGE_REASON_SHIFT & PEEPS_HOLD_EXACT);
}

/* The hold that a mutex's words stand for, or those of a rwlock that is written. */
static void make_lock_hold(struct peeps_decoder *d, size_t place, uint32_t holder)
{
	const struct peeps_entity_view *view = &d->image->entities[place];
	struct peeps_edge *edge = add_edge(d, PEEPS_EDGE_HOLDS, d->entities[place].node, holder);

	edge->uncertain = view->uncertain;
	/* Which hold of this lock it is. */
	edge->wait_sequence = (uint32_t)PEEPS_VIEW_FIELD(view, MUTEX, ACQUIRES);
	edge->slot = view->index;
	edge->source = peeps_sources_at(&d->sources, PEEPS_VIEW_FIELD(view, MUTEX, HELD_SITE));
	edge->role_number = PEEPS_HOLD_ROLE_LOCK;
	edge->mode_number = PEEPS_HOLD_MODE_EXCLUSIVE;
	edge->role = "lock";
	edge->mode = "exclusive";
	edge->count = d->entities[place].kind->number == PEEPS_KIND_MUTEX
			      ? PEEPS_VIEW_FIELD(view, MUTEX, HELD_DEPTH) + 1
			      : 1;
	edge->held_since_ns = peeps_decoder_time(d, PEEPS_VIEW_FIELD(view, MUTEX, HELD_SINCE));
	edge->held_accuracy_ns = accuracy_ns(d, PEEPS_VIEW_FIELD(view, MUTEX, HELD_SINCE_EXACT));
}

/* --- links ------------------------------------------------------------------------------------------------------ */

/* Each link also means that its source depends on its target: the `needs` that is no operation. */
static void add_structural_need(struct peeps_decoder *d, const struct peeps_edge *link)
{
	struct peeps_edge *need = &d->graph->edges[d->graph->edge_count++];

	*need = *link;
	need->kind = PEEPS_EDGE_NEEDS;
}

static void make_link(struct peeps_decoder *d, const struct peeps_edge_view *view,
		      const struct peeps_edge_parts *parts)
{
	struct peeps_edge *edge = add_edge_of(d, view, parts, d->entities[parts->dst].node);

	edge->last_change_ns = peeps_decoder_time(d, view->last_change_ns);
	add_structural_need(d, edge);
}

static bool names_its_peer(const struct peeps_decoder *d, size_t place)
{
	const struct peeps_decoded_entity *entity = &d->entities[place];

	return entity->kept && peeps_decoder_pairing(entity->kind->number) && entity->as.peer != 0;
}

/* The link that the words of an end stand for: from the sending end to the receiving one. */
static void make_channel_link(struct peeps_decoder *d, size_t end)
{
	const size_t peer = d->entities[end].as.peer - 1;
	const bool receives = peeps_kind_receives(d->entities[end].kind->number);
	const struct peeps_entity_view *view = &d->image->entities[end];
	struct peeps_edge *edge =
		add_edge(d, PEEPS_EDGE_CHANNEL_LINK, d->entities[receives ? peer : end].node,
			 d->entities[receives ? end : peer].node);

	edge->uncertain = view->uncertain;
	edge->slot = view->index;
	edge->source = peeps_sources_at(&d->sources, view->site);
	add_structural_need(d, edge);
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static bool is_held_lock(const struct peeps_decoder *d, size_t place)
{
	return peeps_decoder_is_lock(d, place) &&
	       peeps_view_holder(&d->image->entities[place]) != 0;
}

size_t peeps_decoder_count_edges(const struct peeps_decoder *d)
{
	struct peeps_edge_parts parts;
	size_t count = 0;

	for (size_t i = 0; i < d->image->edge_count; i++) {
		if (peeps_decoder_edge_parts(d, &d->image->edges[i], &parts) != 1)
			continue;
		/* A link's structural need comes with it. */
		count += parts.kind == PEEPS_EDGE_NEEDS || parts.kind == PEEPS_EDGE_HOLDS ? 1 : 2;
	}
	for (size_t i = 0; i < d->image->entity_count; i++)
		count += is_held_lock(d, i) + (names_its_peer(d, i) ? 2 : 0);
	return count;
}

static bool is_known(uint32_t kind)
{
	return kind <= PEEPS_EDGE_RPC_LINK;
}

static void make_edge(struct peeps_decoder *d, const struct peeps_edge_view *view)
{
	struct peeps_edge_parts parts;
	const int shown = peeps_decoder_edge_parts(d, view, &parts);
	const bool link = parts.kind > PEEPS_EDGE_NEEDS && is_known(parts.kind);

	if (shown < 0)
		*(link                   ? &d->damage.links
		  : is_known(parts.kind) ? &d->damage.edges
					 : &d->damage.edge_kinds) += 1;
	if (shown <= 0)
		return;
	if (parts.kind == PEEPS_EDGE_NEEDS)
		make_operation(d, view, &parts);
	else if (parts.kind == PEEPS_EDGE_HOLDS)
		make_hold(d, view, &parts);
	else
		make_link(d, view, &parts);
}

static void make_edge_of_entity(struct peeps_decoder *d, size_t place)
{
	if (is_held_lock(d, place)) {
		const uint32_t holder =
			peeps_decoder_holder(d, peeps_view_holder(&d->image->entities[place]));

		if (holder != PEEPS_NO_NODE)
			make_lock_hold(d, place, holder);
		else
			d->damage.values++;
	} else if (names_its_peer(d, place)) {
		make_channel_link(d, place);
	}
}

void peeps_decoder_make_edges(struct peeps_decoder *d)
{
	for (size_t i = 0; i < d->image->edge_count; i++)
		make_edge(d, &d->image->edges[i]);
	for (size_t i = 0; i < d->image->entity_count; i++)
		make_edge_of_entity(d, i);
}
