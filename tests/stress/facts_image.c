/* SPDX-License-Identifier: MIT */
#include "tests/stress/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t generation_of(uint64_t bits)
{
	return bits >> PEEPS_REF_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK;
}

static void read_name(struct facts *facts, const struct peeps_image *image, uint64_t ref,
		      char *name)
{
	const uint64_t granule = ref & PEEPS_REF_INDEX_MASK;
	struct peeps_text_head head;

	name[0] = '\0';
	if (ref == 0)
		return;
	if ((granule + 1) * PEEPS_TEXT_GRANULE > image->text_bytes) {
		facts_damaged(facts, "a name lies behind the texts");
		return;
	}
	memcpy(&head, image->text + granule * PEEPS_TEXT_GRANULE, sizeof(head));
	if (head.generation != generation_of(ref) || head.length >= FACTS_NAME) {
		facts_damaged(facts,
			      "a name's place has another text: generation %" PRIu32
			      " instead of %" PRIu64,
			      head.generation, generation_of(ref));
		return;
	}
	memcpy(name, image->text + granule * PEEPS_TEXT_GRANULE + sizeof(head), head.length);
	name[head.length] = '\0';
}

/* Where each slot's entity stands in the facts. */
struct places {
	int by_slot[4096];
};

static int place_of(const struct places *places, const struct peeps_image *image, uint64_t ref,
		    uint32_t kind)
{
	const uint64_t slot = ref & PEEPS_REF_INDEX_MASK;
	const struct peeps_entity_view *entity;

	if (ref == 0)
		return FACTS_NOBODY;
	if (slot >= 4096 || places->by_slot[slot] < 0)
		return FACTS_DANGLING;
	entity = &image->entities[places->by_slot[slot] >> 16];
	if (entity->identity != ref || (entity->kind & 0xffff) != kind)
		return FACTS_DANGLING;
	return places->by_slot[slot] & 0xffff;
}

static void note_place(struct places *places, uint32_t slot, size_t entity, size_t fact)
{
	if (slot < 4096)
		places->by_slot[slot] = (int)(entity << 16 | fact);
}

static void read_sending_end(struct facts *facts, const struct peeps_image *image,
			     const struct peeps_entity_view *entity)
{
	struct channel_fact *channel = &facts->channels[facts->channel_count];
	const uint64_t senders = entity->body[PEEPS_MPSC_TX_SENDER_COUNT_WORD];

	*channel = (struct channel_fact){
		.capacity = entity->body[PEEPS_MPSC_TX_CAPACITY_WORD],
		.sent = entity->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD],
		.high_watermark = entity->body[PEEPS_MPSC_TX_HIGH_WATERMARK_WORD],
		.sender_count = (uint32_t)senders,
		.close_cause = senders >> PEEPS_MPSC_TX_CLOSE_CAUSE_SHIFT &
			       ((1u << PEEPS_MPSC_TX_CLOSE_CAUSE_BITS) - 1),
		.sender_closed = senders >> PEEPS_MPSC_TX_SENDER_CLOSED_SHIFT & 1,
		.uncertain = entity->uncertain,
	};
	read_name(facts, image, entity->name, channel->name);
}

static void read_single(struct facts *facts, const struct peeps_image *image,
			const struct peeps_entity_view *entity)
{
	struct single_fact *single = &facts->singles[facts->single_count];
	const bool oneshot = (entity->kind & 0xffff) == PEEPS_KIND_ONESHOT_TX;
	const uint64_t state = entity->body[PEEPS_ONESHOT_TX_STATE_WORD];
	const uint64_t flags = oneshot ? state : entity->body[PEEPS_WATCH_TX_RECEIVER_COUNT_WORD];

	_Static_assert(PEEPS_ONESHOT_TX_CLOSE_CAUSE_SHIFT == PEEPS_WATCH_TX_CLOSE_CAUSE_SHIFT &&
			       PEEPS_ONESHOT_TX_SENDER_CLOSED_SHIFT ==
				       PEEPS_WATCH_TX_SENDER_CLOSED_SHIFT &&
			       PEEPS_ONESHOT_TX_RECEIVER_CLOSED_SHIFT ==
				       PEEPS_WATCH_TX_RECEIVER_CLOSED_SHIFT,
		       "both have their flags in the same bits");
	*single = (struct single_fact){
		.kind = entity->kind & 0xffff,
		.state = oneshot ? state & 0xff : 0,
		.changes = oneshot ? 0 : entity->body[PEEPS_WATCH_TX_CHANGES_WORD],
		.receiver_count = oneshot ? 1 : (uint32_t)flags,
		.close_cause = flags >> PEEPS_WATCH_TX_CLOSE_CAUSE_SHIFT & 0xff,
		.sender_closed = flags >> PEEPS_WATCH_TX_SENDER_CLOSED_SHIFT & 1,
		.receiver_closed = flags >> PEEPS_WATCH_TX_RECEIVER_CLOSED_SHIFT & 1,
		.ended = entity->body[oneshot ? PEEPS_ONESHOT_TX_ENDED_WORD
					      : PEEPS_WATCH_TX_ENDED_WORD] != 0,
		.uncertain = entity->uncertain,
	};
	read_name(facts, image, entity->name, single->name);
}

static bool is_single(const struct peeps_entity_view *entity, bool sends)
{
	const uint64_t kind = entity->kind & 0xffff;

	return kind == (sends ? PEEPS_KIND_ONESHOT_TX : PEEPS_KIND_ONESHOT_RX) ||
	       kind == (sends ? PEEPS_KIND_WATCH_TX : PEEPS_KIND_WATCH_RX);
}

static void read_bus(struct facts *facts, const struct peeps_image *image,
		     const struct peeps_entity_view *entity)
{
	struct bus_fact *bus = &facts->buses[facts->bus_count];

	*bus = (struct bus_fact){
		.capacity = entity->body[PEEPS_BROADCAST_TX_CAPACITY_WORD],
		.sent = entity->body[PEEPS_BROADCAST_TX_SENT_TOTAL_WORD],
		.receiver_count = (uint32_t)entity->body[PEEPS_BROADCAST_TX_RECEIVER_COUNT_WORD],
		.waits = entity->body[PEEPS_BROADCAST_TX_SENDER_COUNT_WORD] >>
				 PEEPS_BROADCAST_TX_BACK_PRESSURE_SHIFT &
			 1,
		.uncertain = entity->uncertain,
	};
	read_name(facts, image, entity->name, bus->name);
}

static void read_semaphore(struct facts *facts, const struct peeps_image *image,
			   const struct peeps_entity_view *entity)
{
	struct semaphore_fact *semaphore = &facts->semaphores[facts->semaphore_count];

	*semaphore = (struct semaphore_fact){
		.max = entity->body[PEEPS_SEMAPHORE_MAX_WORD],
		.anonymous_releases = entity->body[PEEPS_SEMAPHORE_ANONYMOUS_RELEASES_WORD],
		.unattributed = (int64_t)entity->body[PEEPS_SEMAPHORE_UNATTRIBUTED_WORD],
		.uncertain = entity->uncertain,
	};
	read_name(facts, image, entity->name, semaphore->name);
}

static void read_notify(struct facts *facts, const struct peeps_image *image,
			const struct peeps_entity_view *entity)
{
	struct notify_fact *notify = &facts->notifies[facts->notify_count];
	const uint64_t permits = entity->status >> PEEPS_NOTIFY_PERMITS_SHIFT &
				 ((1u << PEEPS_NOTIFY_PERMITS_BITS) - 1);

	*notify = (struct notify_fact){
		.notifies = entity->body[PEEPS_NOTIFY_NOTIFIES_WORD],
		.permits = permits ? permits - 1 : 0, /* 0: it stores none */
		.uncertain = entity->uncertain,
	};
	read_name(facts, image, entity->name, notify->name);
}

static void read_rwlock(struct facts *facts, const struct peeps_image *image, size_t i)
{
	const struct peeps_entity_view *entity = &image->entities[i];
	struct rwlock_fact *rwlock = &facts->rwlocks[facts->rwlock_count];

	*rwlock = (struct rwlock_fact){
		.anonymous_unlocks = entity->body[PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_WORD] >>
					     PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_SHIFT &
				     ((1u << PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_BITS) - 1),
		.writer = (int)i, /* until all threads are known */
		.uncertain = entity->uncertain,
	};
	read_name(facts, image, entity->name, rwlock->name);
}

static void read_entity(struct facts *facts, const struct peeps_image *image, struct places *places,
			size_t i)
{
	const struct peeps_entity_view *entity = &image->entities[i];

	if (generation_of(entity->identity) != generation_of(entity->status) ||
	    (entity->identity & PEEPS_REF_INDEX_MASK) != entity->index)
		facts_damaged(facts,
			      "slot %" PRIu32 " lives its life %" PRIu64
			      " with the identity of life %" PRIu64,
			      entity->index, generation_of(entity->status),
			      generation_of(entity->identity));
	if ((entity->kind & 0xffff) == PEEPS_KIND_THREAD && facts->thread_count < FACTS_MAX) {
		struct thread_fact *thread = &facts->threads[facts->thread_count];

		read_name(facts, image, entity->body[PEEPS_THREAD_NAME_WORD], thread->name);
		thread->uncertain = entity->uncertain;
		note_place(places, entity->index, i, facts->thread_count++);
	}
	if ((entity->kind & 0xffff) == PEEPS_KIND_MPSC_TX && facts->channel_count < FACTS_MAX) {
		read_sending_end(facts, image, entity);
		note_place(places, entity->index, i, facts->channel_count++);
	}
	if (is_single(entity, true) && facts->single_count < FACTS_MAX) {
		read_single(facts, image, entity);
		note_place(places, entity->index, i, facts->single_count++);
	}
	if (is_single(entity, false))
		note_place(places, entity->index, i, FACTS_MAX); /* until its other end is known */
	if ((entity->kind & 0xffff) == PEEPS_KIND_BROADCAST_TX && facts->bus_count < FACTS_MAX) {
		read_bus(facts, image, entity);
		note_place(places, entity->index, i, facts->bus_count++);
	}
	if ((entity->kind & 0xffff) == PEEPS_KIND_BROADCAST_RX)
		note_place(places, entity->index, i, 0);
	if ((entity->kind & 0xffff) == PEEPS_KIND_NOTIFY && facts->notify_count < FACTS_MAX) {
		read_notify(facts, image, entity);
		note_place(places, entity->index, i, facts->notify_count++);
	}
	if ((entity->kind & 0xffff) == PEEPS_KIND_MPSC_RX)
		note_place(places, entity->index, i, FACTS_MAX); /* until its channel is known */
	if ((entity->kind & 0xffff) == PEEPS_KIND_SEMAPHORE && facts->semaphore_count < FACTS_MAX) {
		read_semaphore(facts, image, entity);
		note_place(places, entity->index, i, facts->semaphore_count++);
	}
	if ((entity->kind & 0xffff) == PEEPS_KIND_RWLOCK && facts->rwlock_count < FACTS_MAX) {
		read_rwlock(facts, image, i);
		note_place(places, entity->index, i, facts->rwlock_count++);
	}
	if ((entity->kind & 0xffff) == PEEPS_KIND_MUTEX && facts->mutex_count < FACTS_MAX) {
		struct mutex_fact *mutex = &facts->mutexes[facts->mutex_count];

		read_name(facts, image, entity->name, mutex->name);
		mutex->type = entity->status >> PEEPS_MUTEX_TYPE_SHIFT &
			      ((1u << PEEPS_MUTEX_TYPE_BITS) - 1);
		mutex->acquires = entity->body[PEEPS_MUTEX_ACQUIRES_WORD];
		mutex->contended = (uint32_t)entity->body[PEEPS_MUTEX_CONTENDED_WORD];
		mutex->uncertain = entity->uncertain;
		mutex->holder = (int)i; /* until all threads are known */
		note_place(places, entity->index, i, facts->mutex_count++);
	}
}

/* Each sending end names its receiving one. */
static void read_ends(struct facts *facts, const struct peeps_image *image, struct places *places)
{
	size_t sending = 0;

	for (size_t i = 0; i < image->entity_count && sending < facts->channel_count; i++) {
		const uint64_t peer = image->entities[i].body[PEEPS_MPSC_TX_PEER_WORD];
		const struct peeps_entity_view *receiving;
		struct channel_fact *channel = &facts->channels[sending];

		if ((image->entities[i].kind & 0xffff) != PEEPS_KIND_MPSC_TX)
			continue;
		if (place_of(places, image, peer, PEEPS_KIND_MPSC_RX) < 0) {
			if (!channel->uncertain)
				facts_damaged(facts, "%s has no receiving end", channel->name);
			channel->uncertain = true;
		} else {
			const uint64_t slot = peer & PEEPS_REF_INDEX_MASK;

			receiving = &image->entities[places->by_slot[slot] >> 16];
			channel->received = receiving->body[PEEPS_MPSC_RX_RECV_TOTAL_WORD];
			channel->discarded = receiving->body[PEEPS_MPSC_RX_DISCARDED_TOTAL_WORD];
			channel->receiver_closed =
				receiving->body[PEEPS_MPSC_RX_RECEIVER_CLOSED_WORD] & 1;
			channel->uncertain |= receiving->uncertain;
			note_place(places, (uint32_t)slot, (size_t)(receiving - image->entities),
				   sending);
		}
		channel->queue_len = channel->sent - channel->received - channel->discarded;
		sending++;
	}
}

static void read_single_ends(struct facts *facts, const struct peeps_image *image,
			     struct places *places)
{
	size_t sending = 0;

	for (size_t i = 0; i < image->entity_count && sending < facts->single_count; i++) {
		const struct peeps_entity_view *entity = &image->entities[i];
		struct single_fact *single = &facts->singles[sending];
		const bool oneshot = single->kind == PEEPS_KIND_ONESHOT_TX;
		const uint64_t peer = entity->body[oneshot ? PEEPS_ONESHOT_TX_PEER_WORD
							   : PEEPS_WATCH_TX_PEER_WORD];
		const uint32_t kind = oneshot ? PEEPS_KIND_ONESHOT_RX : PEEPS_KIND_WATCH_RX;

		if (!is_single(entity, true))
			continue;
		if (place_of(places, image, peer, kind) < 0) {
			if (!single->uncertain)
				facts_damaged(facts, "%s has no receiving end", single->name);
		} else {
			const uint64_t slot = peer & PEEPS_REF_INDEX_MASK;

			note_place(places, (uint32_t)slot, (size_t)(places->by_slot[slot] >> 16),
				   sending);
		}
		sending++;
	}
}

static void read_bus_receivers(struct facts *facts, const struct peeps_image *image,
			       const struct places *places)
{
	for (size_t i = 0; i < image->entity_count; i++) {
		const struct peeps_entity_view *entity = &image->entities[i];
		int place;

		if ((entity->kind & 0xffff) != PEEPS_KIND_BROADCAST_RX)
			continue;
		place = place_of(places, image, entity->body[PEEPS_BROADCAST_RX_PEER_WORD],
				 PEEPS_KIND_BROADCAST_TX);
		if (place >= 0)
			facts_bus_receiver(&facts->buses[place],
					   facts->buses[place].sent -
						   entity->body[PEEPS_BROADCAST_RX_NEXT_WORD],
					   entity->body[PEEPS_BROADCAST_RX_RECV_TOTAL_WORD],
					   entity->body[PEEPS_BROADCAST_RX_MISSED_TOTAL_WORD],
					   entity->uncertain);
	}
}

/* Whatever it is: its kind, and its position among those. */
static int find_resource(const struct places *places, const struct peeps_image *image, uint64_t ref,
			 uint32_t *kind)
{
	static const uint32_t kinds[] = { PEEPS_KIND_MUTEX,        PEEPS_KIND_MPSC_TX,
					  PEEPS_KIND_MPSC_RX,      PEEPS_KIND_SEMAPHORE,
					  PEEPS_KIND_ONESHOT_TX,   PEEPS_KIND_ONESHOT_RX,
					  PEEPS_KIND_WATCH_TX,     PEEPS_KIND_WATCH_RX,
					  PEEPS_KIND_BROADCAST_TX, PEEPS_KIND_BROADCAST_RX,
					  PEEPS_KIND_RWLOCK,       PEEPS_KIND_NOTIFY };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const int place = place_of(places, image, ref, kinds[i]);

		*kind = kinds[i];
		if (place >= 0)
			return place;
	}
	*kind = 0;
	return FACTS_DANGLING;
}

static void read_wait(struct facts *facts, const struct peeps_image *image,
		      const struct places *places, const struct peeps_edge_view *edge)
{
	struct wait_fact *wait = &facts->waits[facts->wait_count++];

	wait->actor = place_of(places, image, edge->src, PEEPS_KIND_THREAD);
	wait->resource = find_resource(places, image, edge->dst, &wait->kind);
	wait->uncertain = edge->uncertain;
}

static void read_hold(struct facts *facts, const struct peeps_image *image,
		      const struct places *places, const struct peeps_edge_view *edge)
{
	const uint64_t count = edge->wait & PEEPS_EDGE_POLL_COUNT_MASK;
	uint32_t kind;
	const int place = find_resource(places, image, edge->src, &kind);

	if (count == 0)
		return;
	if (place < 0 || place == FACTS_MAX) {
		if (!edge->uncertain)
			facts_damaged(facts, "something is held that is not there");
		return;
	}
	if (kind == PEEPS_KIND_MPSC_TX)
		facts->channels[place].sender_holds++;
	if (kind == PEEPS_KIND_MPSC_RX)
		facts->channels[place].receiver_holds++;
	if (kind == PEEPS_KIND_RWLOCK && facts->read_count < FACTS_MAX)
		facts->reads[facts->read_count++] = (struct read_fact){
			.actor = place_of(places, image, edge->dst, PEEPS_KIND_THREAD),
			.rwlock = place,
			.count = count,
			.uncertain = edge->uncertain,
		};
	if (kind == PEEPS_KIND_ONESHOT_TX || kind == PEEPS_KIND_WATCH_TX)
		facts->singles[place].sender_holds++;
	if (kind == PEEPS_KIND_ONESHOT_RX || kind == PEEPS_KIND_WATCH_RX)
		facts->singles[place].receiver_holds++;
	if (edge->uncertain && (kind == PEEPS_KIND_ONESHOT_TX || kind == PEEPS_KIND_ONESHOT_RX ||
				kind == PEEPS_KIND_WATCH_TX || kind == PEEPS_KIND_WATCH_RX))
		facts->singles[place].uncertain = true;
	if (kind != PEEPS_KIND_SEMAPHORE || facts->permit_count == FACTS_MAX)
		return;
	facts->semaphores[place].held += count;
	facts->semaphores[place].uncertain |= edge->uncertain;
	facts->permits[facts->permit_count++] = (struct permit_fact){
		.actor = place_of(places, image, edge->dst, PEEPS_KIND_THREAD),
		.semaphore = place,
		.count = count,
		.uncertain = edge->uncertain,
	};
}

static void read_edges(struct facts *facts, const struct peeps_image *image,
		       const struct places *places)
{
	for (size_t i = 0; i < image->edge_count && facts->wait_count < FACTS_MAX; i++) {
		const struct peeps_edge_view *edge = &image->edges[i];
		const uint64_t kind = edge->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK;

		if (kind == PEEPS_EDGE_HOLDS)
			read_hold(facts, image, places, edge);
		else if ((edge->status & PEEPS_EDGE_BYTE_MASK) == PEEPS_STATE_PENDING)
			read_wait(facts, image, places, edge);
	}
	for (size_t i = 0; i < facts->semaphore_count; i++) {
		struct semaphore_fact *semaphore = &facts->semaphores[i];

		semaphore->available = (int64_t)semaphore->max - (int64_t)semaphore->held -
				       semaphore->unattributed;
	}
}

static const struct peeps_scope_view *scope_at(const struct peeps_image *image, uint64_t ref)
{
	for (size_t i = 0; i < image->scope_count; i++)
		if (image->scopes[i].identity == ref)
			return &image->scopes[i];
	return NULL;
}

/* A scope ends with its memberships, in one section; so does a member. */
static void read_scopes(struct facts *facts, const struct peeps_image *image,
			const struct places *places)
{
	for (size_t i = 0; i < image->scope_count && i < FACTS_MAX; i++)
		read_name(facts, image, image->scopes[i].name, facts->scopes[facts->scope_count++]);
	for (size_t i = 0; i < image->membership_count && i < FACTS_MAX; i++) {
		const struct peeps_membership_view *view = &image->memberships[i];
		const struct peeps_scope_view *scope = scope_at(image, view->scope);
		const uint64_t slot = view->member & PEEPS_REF_INDEX_MASK;
		struct membership_fact *membership;

		if (!scope || place_of(places, image, view->member, PEEPS_KIND_NOTIFY) < 0) {
			if (image->quality == PEEPS_QUALITY_CUT)
				facts_damaged(facts, "a membership %s that is not there",
					      scope ? "of somebody" : "in a scope");
			continue;
		}
		membership = &facts->memberships[facts->membership_count++];
		read_name(facts, image, scope->name, membership->scope);
		read_name(facts, image, image->entities[places->by_slot[slot] >> 16].name,
			  membership->member);
	}
}

void facts_from_image(struct facts *facts, const struct peeps_image *image)
{
	struct places places;

	facts_forget(facts);
	memset(&places, 0xff, sizeof(places));
	for (size_t i = 0; i < image->entity_count; i++) {
		const struct peeps_entity_view *entity = &image->entities[i];

		read_entity(facts, image, &places, i);
		facts->fingerprint = (facts->fingerprint ^ entity->identity ^
				      entity->body[PEEPS_MUTEX_ACQUIRES_WORD]) *
				     UINT64_C(0x9e3779b97f4a7c15);
	}
	for (size_t i = 0; i < facts->mutex_count; i++) {
		struct mutex_fact *mutex = &facts->mutexes[i];
		const struct peeps_entity_view *entity = &image->entities[mutex->holder];

		mutex->holder = place_of(&places, image,
					 entity->body[PEEPS_MUTEX_HOLDER_WORD] & ~PEEPS_HOLDER_DEEP,
					 PEEPS_KIND_THREAD);
		mutex->creator = place_of(&places, image, entity->creator, PEEPS_KIND_THREAD);
	}
	for (size_t i = 0; i < facts->rwlock_count; i++)
		facts->rwlocks[i].writer = place_of(
			&places, image,
			image->entities[facts->rwlocks[i].writer].body[PEEPS_RWLOCK_HOLDER_WORD],
			PEEPS_KIND_THREAD);
	read_ends(facts, image, &places);
	read_single_ends(facts, image, &places);
	read_bus_receivers(facts, image, &places);
	read_edges(facts, image, &places);
	read_scopes(facts, image, &places);
}
