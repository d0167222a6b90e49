/* SPDX-License-Identifier: MIT */
/* Which entities a graph shows: all but exited threads that nothing refers to. */
#include "reader/decode/decoder.h"

#include <errno.h>
#include <stdlib.h>

#include "reader/target/bounds.h"

size_t peeps_decoder_place(const struct peeps_decoder *d, uint64_t ref)
{
	const uint64_t slot = ref & PEEPS_REF_INDEX_MASK;
	size_t place;

	if (!peeps_ref_is_entity(ref) || slot >= d->slot_count || d->places[slot] == 0)
		return PEEPS_NO_PLACE;
	place = d->places[slot] - 1;
	if (!d->entities[place].kind ||
	    peeps_ref_generation(d->image->entities[place].status) != peeps_ref_generation(ref))
		return PEEPS_NO_PLACE;
	return place;
}

bool peeps_decoder_is_stale(const struct peeps_decoder *d, uint64_t ref)
{
	const uint64_t slot = ref & PEEPS_REF_INDEX_MASK;

	if (!peeps_ref_is_entity(ref) || peeps_ref_generation(ref) == 0 ||
	    slot >= peeps_bounds_section(&d->image->header, PEEPS_SECTION_ENTITIES)->capacity)
		return false;
	return slot >= d->slot_count || d->places[slot] == 0 ||
	       peeps_ref_generation(d->image->entities[d->places[slot] - 1].status) !=
		       peeps_ref_generation(ref);
}

uint32_t peeps_decoder_node(const struct peeps_decoder *d, uint64_t ref)
{
	const size_t place = peeps_decoder_place(d, ref);

	return place == PEEPS_NO_PLACE || !d->entities[place].kept ? PEEPS_NO_NODE
								   : d->entities[place].node;
}

uint64_t peeps_decoder_time(struct peeps_decoder *d, uint64_t time_ns)
{
	if (time_ns == 0)
		return PEEPS_NO_TIME;
	if (time_ns <= PEEPS_NUMBER_MAX)
		return time_ns;
	d->damage.values++;
	return PEEPS_NO_TIME;
}

/* --- which are known, and which are gone ------------------------------------------------------------------------- */

/*
 * Whether a thread has exited, as of the cut. That the kernel does not know it says so only of the moment when the
 * kernel was asked, later: so only if the thread has done nothing since the cut (settled), not even let go of a lock.
 */
static bool thread_is_gone(const struct peeps_decoder *d, const struct peeps_entity_view *view)
{
	const uint64_t record = PEEPS_VIEW_FIELD(view, THREAD, RECORD);
	const struct peeps_thread_view *thread;

	if (record >= d->image->thread_count)
		return false;
	thread = &d->image->threads[record];
	/* Threads beyond the last record share one that is nobody's: of them this is not known. */
	if (thread->entity != view->identity || !thread->settled)
		return false;
	return d->image->names_read ? !thread->exists : thread->state != PEEPS_THREAD_LIVE;
}

static void classify(struct peeps_decoder *d, size_t place)
{
	const struct peeps_entity_view *view = &d->image->entities[place];
	struct peeps_decoded_entity *entity = &d->entities[place];

	*entity = (struct peeps_decoded_entity){
		.kind = peeps_schema_kind(&d->schema, view->kind & 0xffff), .node = PEEPS_NO_NODE
	};
	if (!peeps_ref_is_entity(view->identity) ||
	    (view->identity & PEEPS_REF_INDEX_MASK) != view->index ||
	    peeps_ref_generation(view->identity) != peeps_ref_generation(view->status) ||
	    view->index >= d->slot_count || d->places[view->index]) {
		d->damage.entities++;
		entity->kind = NULL;
		return;
	}
	/* Also of an unknown kind: references to it are not stale. */
	d->places[view->index] = (uint32_t)place + 1;
	if (!entity->kind) {
		d->damage.kinds++;
		return;
	}
	entity->gone = entity->kind->number == PEEPS_KIND_THREAD && thread_is_gone(d, view);
}

static int classify_all(struct peeps_decoder *d)
{
	const size_t count = d->image->entity_count;

	for (size_t i = 0; i < count; i++) {
		if (d->image->entities[i].index >= d->slot_count)
			d->slot_count = (size_t)d->image->entities[i].index + 1;
	}
	d->entities = calloc(count + 1, sizeof(*d->entities));
	d->pending = calloc(count + 1, sizeof(*d->pending));
	d->places = calloc(d->slot_count + 1, sizeof(*d->places));
	d->exited = calloc(count + d->image->edge_count + 1, sizeof(*d->exited));
	if (!d->entities || !d->pending || !d->places || !d->exited)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		classify(d, i);
	return 0;
}

bool peeps_decoder_task_is_left(const struct peeps_decoder *d, const struct peeps_entity_view *task)
{
	const uint64_t thread = PEEPS_VIEW_FIELD(task, TASK, THREAD);
	const size_t place = peeps_decoder_place(d, thread);

	if (!peeps_view_task_is_inside(task))
		return false;
	return place == PEEPS_NO_PLACE ? peeps_decoder_is_stale(d, thread)
				       : d->entities[place].gone;
}

/* --- who refers to whom ------------------------------------------------------------------------------------------ */

static void keep(struct peeps_decoder *d, size_t place)
{
	if (place == PEEPS_NO_PLACE || d->entities[place].kept || !d->entities[place].kind)
		return;
	d->entities[place].kept = true;
	d->pending[d->pending_count++] = place;
}

static void keep_what_it_names(struct peeps_decoder *d, size_t place)
{
	const struct peeps_entity_view *view = &d->image->entities[place];
	const struct peeps_schema_kind *kind = d->entities[place].kind;

	if (!kind)
		return; /* never kept */
	keep(d, peeps_decoder_place(d, view->creator));
	if (kind->number == PEEPS_KIND_TASK && !peeps_view_task_is_inside(view))
		return; /* where it ran last is not shown */
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct peeps_schema_row *field = &kind->fields[i];

		if (field->type == PEEPS_TYPE_REF)
			keep(d, peeps_decoder_place(d, peeps_view_bits(view, field->word,
								       field->shift, field->bits) &
							       ~PEEPS_HOLDER_DEEP));
	}
}

/* Fewer than 2^32 permits an edge, and fewer than 2^28 edges: the sum fits. */
static void count_held(struct peeps_decoder *d, const struct peeps_edge_view *view,
		       const struct peeps_edge_parts *parts)
{
	struct peeps_decoded_entity *resource = &d->entities[parts->src];

	if (resource->kind->number == PEEPS_KIND_SEMAPHORE)
		resource->as.held += view->wait & PEEPS_EDGE_POLL_COUNT_MASK;
}

/* Everything but exited threads that nothing refers to. */
static void keep_all(struct peeps_decoder *d)
{
	struct peeps_edge_parts parts;

	for (size_t i = 0; i < d->image->entity_count; i++) {
		if (!d->entities[i].gone)
			keep(d, i);
	}
	for (size_t i = 0; i < d->image->edge_count; i++) {
		if (peeps_decoder_edge_parts(d, &d->image->edges[i], &parts) != 1)
			continue;
		keep(d, parts.src);
		keep(d, parts.dst);
		if (parts.kind == PEEPS_EDGE_HOLDS)
			count_held(d, &d->image->edges[i], &parts);
	}
	while (d->pending_count > 0)
		keep_what_it_names(d, d->pending[--d->pending_count]);
}

static int ref_compare(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

bool peeps_decoder_is_lock(const struct peeps_decoder *d, size_t place)
{
	const struct peeps_decoded_entity *entity = &d->entities[place];

	return entity->kept && (entity->kind->number == PEEPS_KIND_MUTEX ||
				entity->kind->number == PEEPS_KIND_RWLOCK ||
				entity->kind->number == PEEPS_KIND_ONCE_CELL);
}

/* --- holders that have exited ------------------------------------------------------------------------------------ */

static void collect_exited_holders(struct peeps_decoder *d, size_t *count)
{
	struct peeps_edge_parts parts;

	for (size_t i = 0; i < d->image->entity_count; i++) {
		uint64_t holder;

		if (!peeps_decoder_is_lock(d, i))
			continue;
		holder = peeps_view_holder(&d->image->entities[i]);
		if (peeps_decoder_is_stale(d, holder))
			d->exited[(*count)++] = holder;
	}
	for (size_t i = 0; i < d->image->edge_count; i++) {
		const struct peeps_edge_view *view = &d->image->edges[i];

		if (peeps_decoder_edge_parts(d, view, &parts) == 1 && parts.dst == PEEPS_NO_PLACE)
			d->exited[(*count)++] = view->dst;
	}
}

/* Holders whose entity has ended: their thread's record went to another thread, so they have exited. */
static void find_exited_holders(struct peeps_decoder *d)
{
	size_t count = 0;

	collect_exited_holders(d, &count);
	if (count > 1)
		qsort(d->exited, count, sizeof(*d->exited), ref_compare);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || d->exited[i] != d->exited[i - 1])
			d->exited[d->exited_count++] = d->exited[i];
	}
}

uint32_t peeps_decoder_holder(const struct peeps_decoder *d, uint64_t ref)
{
	const size_t place = peeps_decoder_place(d, ref);
	const uint64_t *exited;

	if (place != PEEPS_NO_PLACE)
		return d->entities[place].kind->role == PEEPS_ROLE_ACTOR ? d->entities[place].node
									 : PEEPS_NO_NODE;
	exited = d->exited_count
			 ? bsearch(&ref, d->exited, d->exited_count, sizeof(ref), ref_compare)
			 : NULL;
	return exited ? d->exited_node + (uint32_t)(exited - d->exited) : PEEPS_NO_NODE;
}

/* --- channels --------------------------------------------------------------------------------------------------- */

static bool is_kept_kind(const struct peeps_decoder *d, size_t place, uint32_t kind)
{
	return d->entities[place].kept && d->entities[place].kind->number == kind;
}

const struct peeps_pairing *peeps_decoder_pairing(uint32_t kind)
{
	static const struct peeps_pairing pairings[] = {
		{ PEEPS_KIND_MPSC_TX, PEEPS_KIND_MPSC_RX, PEEPS_MPSC_TX_PEER_WORD, false },
		{ PEEPS_KIND_ONESHOT_TX, PEEPS_KIND_ONESHOT_RX, PEEPS_ONESHOT_TX_PEER_WORD, false },
		{ PEEPS_KIND_WATCH_TX, PEEPS_KIND_WATCH_RX, PEEPS_WATCH_TX_PEER_WORD, false },
		{ PEEPS_KIND_BROADCAST_RX, PEEPS_KIND_BROADCAST_TX, PEEPS_BROADCAST_RX_PEER_WORD,
		  true },
	};

	for (size_t i = 0; i < sizeof(pairings) / sizeof(pairings[0]); i++) {
		if (pairings[i].names == kind)
			return &pairings[i];
	}
	return NULL;
}

/* Where only one may name another, one that two of them name belongs to the first. */
static void pair_channel(struct peeps_decoder *d, const struct peeps_pairing *pairing, size_t end)
{
	const uint64_t ref = d->image->entities[end].body[pairing->word];
	const size_t other = peeps_decoder_place(d, ref);

	if (other != PEEPS_NO_PLACE && is_kept_kind(d, other, pairing->named) &&
	    (pairing->many || d->entities[other].as.peer == 0)) {
		d->entities[end].as.peer = other + 1;
		if (d->entities[other].as.peer == 0)
			d->entities[other].as.peer = end + 1;
	} else if (ref != 0 && !peeps_decoder_is_stale(d, ref)) {
		d->damage.values++;
	}
}

static void pair_channels(struct peeps_decoder *d)
{
	for (size_t i = 0; i < d->image->entity_count; i++) {
		const struct peeps_pairing *pairing =
			d->entities[i].kept ? peeps_decoder_pairing(d->entities[i].kind->number)
					    : NULL;

		if (pairing)
			pair_channel(d, pairing, i);
	}
}

int peeps_decoder_choose(struct peeps_decoder *d)
{
	const int r = classify_all(d);

	if (r)
		return r;
	keep_all(d);
	find_exited_holders(d);
	pair_channels(d);
	return 0;
}
