/* SPDX-License-Identifier: MIT */
/* A node's attributes: what its kind's words say, and what is put together from several of them. */
#include "reader/decode/decoder.h"

#include <assert.h>

#include <peeps/kinds.h>

#include "reader/graph/arena.h"
#include "reader/graph/ends.h"

#define COMMON_ATTRIBUTES 3 /* name, created_at_ns, creator_task_id */
#define OWN_ATTRIBUTES    2 /* where the program said so: note, visibility */

static void add(struct peeps_node *node, const char *name, struct peeps_value value)
{
	node->attributes[node->attribute_count++] =
		(struct peeps_attribute){ .name = name, .value = value };
}

static struct peeps_value number_value(struct peeps_decoder *d, uint64_t number)
{
	return peeps_decoder_value(d, PEEPS_TYPE_COUNT, number);
}

/* The reader counts them from the edges (reader/analysis/analysis.c), which are not made yet. */
static struct peeps_value none_counted_yet(void)
{
	return (struct peeps_value){ .type = PEEPS_VALUE_UNSIGNED };
}

/* --- words of kinds.def ----------------------------------------------------------------------------------------- */

static bool is_field(const struct peeps_schema_row *field, unsigned int word, unsigned int shift)
{
	return field->word == word && field->shift == shift;
}

/* Where a word means more than its type says. */
static bool special_value(struct peeps_decoder *d, const struct peeps_decoded_entity *entity,
			  const struct peeps_entity_view *view,
			  const struct peeps_schema_row *field, struct peeps_value *value)
{
	switch (entity->kind->number) {
	case PEEPS_KIND_THREAD:
		if (!entity->gone ||
		    !is_field(field, PEEPS_THREAD_ACTIVITY_WORD, PEEPS_THREAD_ACTIVITY_SHIFT))
			return false;
		*value = peeps_value_text("exited");
		return true;
	case PEEPS_KIND_TASK:
		/* Another thread may enter it yet. */
		if (!is_field(field, PEEPS_TASK_ACTIVITY_WORD, PEEPS_TASK_ACTIVITY_SHIFT) ||
		    !peeps_decoder_task_is_left(d, view))
			return false;
		*value = peeps_value_text("suspended");
		return true;
	case PEEPS_KIND_MUTEX:
	case PEEPS_KIND_RWLOCK:
	case PEEPS_KIND_ONCE_CELL:
		if (is_field(field, PEEPS_MUTEX_HOLDER_WORD, PEEPS_MUTEX_HOLDER_SHIFT)) {
			*value = peeps_value_node(peeps_decoder_holder(d, peeps_view_holder(view)));
			return true;
		}
		/* What is free has been held since never; the word still has the last hold's time. */
		if (!is_field(field, PEEPS_MUTEX_HELD_SINCE_WORD, PEEPS_MUTEX_HELD_SINCE_SHIFT) ||
		    peeps_view_holder(view))
			return false;
		*value = peeps_value_null();
		return true;
	default:
		return false;
	}
}

static void add_fields(struct peeps_decoder *d, struct peeps_node *node,
		       const struct peeps_decoded_entity *entity,
		       const struct peeps_entity_view *view)
{
	for (size_t i = 0; i < entity->kind->field_count; i++) {
		const struct peeps_schema_row *field = &entity->kind->fields[i];
		struct peeps_value value;

		if (field->name[0] == '\0')
			continue;
		if (!special_value(d, entity, view, field, &value))
			value = peeps_decoder_value(
				d, field->type,
				peeps_view_bits(view, field->word, field->shift, field->bits));
		add(node, field->name, value);
	}
}

/* --- tasks ------------------------------------------------------------------------------------------------------ */

/* An exited one too, if it left the task without a word. */
static void add_task(struct peeps_decoder *d, struct peeps_node *node,
		     const struct peeps_entity_view *view)
{
	const uint64_t thread = PEEPS_VIEW_FIELD(view, TASK, THREAD);

	add(node, "thread_id",
	    peeps_view_task_is_inside(view) ? peeps_value_node(peeps_decoder_node(d, thread))
					    : peeps_value_null());
}

/* --- semaphores ------------------------------------------------------------------------------------------------- */

/* max - held - unattributed; the writer sees to it that it is one of 0..max in every cut. */
static struct peeps_value available_value(struct peeps_decoder *d, uint64_t max, uint64_t held,
					  int64_t unattributed)
{
	const __int128 available = (__int128)max - held - unattributed;

	if (available >= 0 && available <= max)
		return number_value(d, (uint64_t)available);
	d->damage.values += peeps_decoder_is_exact(d);
	return number_value(d, available < 0 ? 0 : max);
}

static void add_semaphore(struct peeps_decoder *d, struct peeps_node *node,
			  const struct peeps_decoded_entity *entity,
			  const struct peeps_entity_view *view)
{
	const uint64_t unattributed = PEEPS_VIEW_FIELD(view, SEMAPHORE, UNATTRIBUTED);
	const bool back = unattributed >> 63;

	add(node, "available",
	    available_value(d, PEEPS_VIEW_FIELD(view, SEMAPHORE, MAX), entity->as.held,
			    (int64_t)unattributed));
	add(node, "waiters", none_counted_yet());
	add(node, "unattributed_out", number_value(d, back ? 0 : unattributed));
	add(node, "unattributed_back", number_value(d, back ? 0 - unattributed : 0));
}

/* --- rwlocks ---------------------------------------------------------------------------------------------------- */

static void add_rwlock(struct peeps_node *node)
{
	add(node, "readers", none_counted_yet());
	add(node, "read_waiters", none_counted_yet());
	add(node, "write_waiters", none_counted_yet());
}

/* --- channels --------------------------------------------------------------------------------------------------- */

/* What both ends show. Of an end that is alone, what the other one knows is null. */
struct channel {
	const struct peeps_entity_view *tx, *rx; /* NULL = not there */
	uint64_t capacity;                       /* 0 = unbounded, or not known */
	bool has_length;
	uint64_t length; /* items queued */
};

static struct channel channel_of(struct peeps_decoder *d, const struct peeps_decoded_entity *entity,
				 const struct peeps_entity_view *view)
{
	const struct peeps_entity_view *peer =
		entity->as.peer ? &d->image->entities[entity->as.peer - 1] : NULL;
	const bool sends = entity->kind->number == PEEPS_KIND_MPSC_TX;
	struct channel channel = { .tx = sends ? view : peer, .rx = sends ? peer : view };
	uint64_t taken;

	if (channel.tx)
		channel.capacity = PEEPS_VIEW_FIELD(channel.tx, MPSC_TX, CAPACITY);
	if (!channel.tx || !channel.rx)
		return channel;
	channel.has_length =
		!__builtin_add_overflow(PEEPS_VIEW_FIELD(channel.rx, MPSC_RX, RECV_TOTAL),
					PEEPS_VIEW_FIELD(channel.rx, MPSC_RX, DISCARDED_TOTAL),
					&taken) &&
		!__builtin_sub_overflow(PEEPS_VIEW_FIELD(channel.tx, MPSC_TX, SENT_TOTAL), taken,
					&channel.length);
	d->damage.values += !channel.has_length && peeps_decoder_is_exact(d);
	return channel;
}

static struct peeps_value utilization_value(struct peeps_decoder *d, const struct channel *channel)
{
	if (!channel->has_length || channel->capacity == 0)
		return peeps_value_null();
	if (channel->length > channel->capacity) {
		d->damage.values += peeps_decoder_is_exact(d);
		return peeps_value_null();
	}
	return (struct peeps_value){ .type = PEEPS_VALUE_REAL,
				     .as.real =
					     (double)channel->length / (double)channel->capacity };
}

#define TX_NUMBER(symbol)                                                            \
	(channel.tx ? number_value(d, PEEPS_VIEW_FIELD(channel.tx, MPSC_TX, symbol)) \
		    : peeps_value_null())
#define RX_NUMBER(symbol)                                                            \
	(channel.rx ? number_value(d, PEEPS_VIEW_FIELD(channel.rx, MPSC_RX, symbol)) \
		    : peeps_value_null())

static void add_channel(struct peeps_decoder *d, struct peeps_node *node,
			const struct peeps_decoded_entity *entity,
			const struct peeps_entity_view *view)
{
	const struct channel channel = channel_of(d, entity, view);

	add(node, "bounded",
	    channel.tx ? peeps_value_bool(channel.capacity != 0) : peeps_value_null());
	add(node, "capacity",
	    channel.capacity ? number_value(d, channel.capacity) : peeps_value_null());
	add(node, "queue_len",
	    channel.has_length ? number_value(d, channel.length) : peeps_value_null());
	add(node, "high_watermark", TX_NUMBER(HIGH_WATERMARK));
	add(node, "utilization", utilization_value(d, &channel));
	add(node, "sender_count", TX_NUMBER(SENDER_COUNT));
	add(node, "send_waiters", none_counted_yet());
	add(node, "recv_waiters", none_counted_yet());
	add(node, "sender_closed",
	    channel.tx ? peeps_value_bool(PEEPS_VIEW_FIELD(channel.tx, MPSC_TX, SENDER_CLOSED))
		       : peeps_value_null());
	add(node, "receiver_closed",
	    channel.rx ? peeps_value_bool(PEEPS_VIEW_FIELD(channel.rx, MPSC_RX, RECEIVER_CLOSED))
		       : peeps_value_null());
	add(node, "sent_total", TX_NUMBER(SENT_TOTAL));
	add(node, "recv_total", RX_NUMBER(RECV_TOTAL));
	add(node, "discarded_total", RX_NUMBER(DISCARDED_TOTAL));
	add(node, "close_cause",
	    channel.tx ? peeps_decoder_value(d, PEEPS_TYPE_ENUM_CLOSE_CAUSE,
					     PEEPS_VIEW_FIELD(channel.tx, MPSC_TX, CLOSE_CAUSE))
		       : peeps_value_null());
}

/* --- oneshot, watch, broadcast ---------------------------------------------------------------------------------- */

/* The words of the sending end, whichever end is shown; NULL = it is not there. */
static const struct peeps_entity_view *sending_end(const struct peeps_decoder *d,
						   const struct peeps_decoded_entity *entity,
						   const struct peeps_entity_view *view)
{
	if (peeps_kind_sends(entity->kind->number))
		return view;
	return entity->as.peer ? &d->image->entities[entity->as.peer - 1] : NULL;
}

/* How long it has been there, or was there. */
static struct peeps_value age_value(struct peeps_decoder *d, uint64_t created_ns, uint64_t ended_ns)
{
	const uint64_t now_ns = d->graph->processes[d->process].ptime_now_ns;
	const uint64_t until_ns = ended_ns ? ended_ns : now_ns;

	if (created_ns == 0 || until_ns == PEEPS_NO_TIME)
		return peeps_value_null();
	return number_value(d, until_ns > created_ns ? until_ns - created_ns : 0);
}

/* What one field of the sending end says, as its type has it. */
#define TX_VALUE(type, kind, symbol)                                                        \
	(tx ? peeps_decoder_value(d, PEEPS_TYPE_##type, PEEPS_VIEW_FIELD(tx, kind, symbol)) \
	    : peeps_value_null())

static void add_oneshot(struct peeps_decoder *d, struct peeps_node *node,
			const struct peeps_entity_view *tx)
{
	add(node, "state", TX_VALUE(ENUM_ONESHOT_STATE, ONESHOT_TX, STATE));
	add(node, "age_ns",
	    tx ? age_value(d, tx->created_ns, PEEPS_VIEW_FIELD(tx, ONESHOT_TX, ENDED))
	       : peeps_value_null());
	add(node, "recv_waiters", none_counted_yet());
	add(node, "sender_closed", TX_VALUE(BOOL, ONESHOT_TX, SENDER_CLOSED));
	add(node, "receiver_closed", TX_VALUE(BOOL, ONESHOT_TX, RECEIVER_CLOSED));
	add(node, "close_cause", TX_VALUE(ENUM_CLOSE_CAUSE, ONESHOT_TX, CLOSE_CAUSE));
}

static void add_watch(struct peeps_decoder *d, struct peeps_node *node,
		      const struct peeps_entity_view *tx)
{
	add(node, "changes", TX_VALUE(COUNT, WATCH_TX, CHANGES));
	add(node, "receiver_count", TX_VALUE(COUNT, WATCH_TX, RECEIVER_COUNT));
	add(node, "age_ns",
	    tx ? age_value(d, tx->created_ns, PEEPS_VIEW_FIELD(tx, WATCH_TX, ENDED))
	       : peeps_value_null());
	add(node, "woken_at_ns",
	    tx && PEEPS_VIEW_FIELD(tx, WATCH_TX, WOKEN) ? TX_VALUE(COUNT, WATCH_TX, WOKEN)
							: peeps_value_null());
	add(node, "recv_waiters", none_counted_yet());
	add(node, "sender_closed", TX_VALUE(BOOL, WATCH_TX, SENDER_CLOSED));
	add(node, "receiver_closed", TX_VALUE(BOOL, WATCH_TX, RECEIVER_CLOSED));
	add(node, "close_cause", TX_VALUE(ENUM_CLOSE_CAUSE, WATCH_TX, CLOSE_CAUSE));
}

/* How many items were sent that a receiver has not received; some of them it may have missed already. */
static struct peeps_value lag_value(struct peeps_decoder *d, const struct peeps_entity_view *tx,
				    const struct peeps_entity_view *rx)
{
	uint64_t lag;

	if (!tx)
		return peeps_value_null();
	if (!__builtin_sub_overflow(PEEPS_VIEW_FIELD(tx, BROADCAST_TX, SENT_TOTAL),
				    PEEPS_VIEW_FIELD(rx, BROADCAST_RX, NEXT), &lag))
		return number_value(d, lag);
	d->damage.values += peeps_decoder_is_exact(d);
	return peeps_value_null();
}

static void add_broadcast(struct peeps_decoder *d, struct peeps_node *node,
			  const struct peeps_entity_view *tx, const struct peeps_entity_view *view)
{
	add(node, "capacity", TX_VALUE(COUNT, BROADCAST_TX, CAPACITY));
	add(node, "back_pressure", TX_VALUE(BOOL, BROADCAST_TX, BACK_PRESSURE));
	add(node, "sender_count", TX_VALUE(COUNT, BROADCAST_TX, SENDER_COUNT));
	add(node, "receiver_count", TX_VALUE(COUNT, BROADCAST_TX, RECEIVER_COUNT));
	add(node, "sent_total", TX_VALUE(COUNT, BROADCAST_TX, SENT_TOTAL));
	add(node, "sender_closed", TX_VALUE(BOOL, BROADCAST_TX, SENDER_CLOSED));
	add(node, "receiver_closed", TX_VALUE(BOOL, BROADCAST_TX, RECEIVER_CLOSED));
	add(node, "close_cause", TX_VALUE(ENUM_CLOSE_CAUSE, BROADCAST_TX, CLOSE_CAUSE));
	if (tx == view) {
		add(node, "send_waiters", none_counted_yet());
		return;
	}
	add(node, "recv_waiters", none_counted_yet());
	add(node, "lag", lag_value(d, tx, view));
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static void add_derived(struct peeps_decoder *d, struct peeps_node *node,
			const struct peeps_decoded_entity *entity,
			const struct peeps_entity_view *view)
{
	switch (entity->kind->number) {
	case PEEPS_KIND_TASK:
		add_task(d, node, view);
		break;
	case PEEPS_KIND_RWLOCK:
		add_rwlock(node);
		break;
	case PEEPS_KIND_NOTIFY:
	case PEEPS_KIND_ONCE_CELL:
		add(node, "waiters", none_counted_yet());
		break;
	case PEEPS_KIND_SEMAPHORE:
		add_semaphore(d, node, entity, view);
		break;
	case PEEPS_KIND_MPSC_TX:
	case PEEPS_KIND_MPSC_RX:
		add_channel(d, node, entity, view);
		break;
	case PEEPS_KIND_ONESHOT_TX:
	case PEEPS_KIND_ONESHOT_RX:
		add_oneshot(d, node, sending_end(d, entity, view));
		break;
	case PEEPS_KIND_WATCH_TX:
	case PEEPS_KIND_WATCH_RX:
		add_watch(d, node, sending_end(d, entity, view));
		break;
	case PEEPS_KIND_BROADCAST_TX:
	case PEEPS_KIND_BROADCAST_RX:
		add_broadcast(d, node, sending_end(d, entity, view), view);
		break;
	default:
		break;
	}
}

void peeps_decoder_add_attributes(struct peeps_decoder *d, struct peeps_node *node, size_t place)
{
	const struct peeps_decoded_entity *entity = &d->entities[place];
	const struct peeps_entity_view *view = &d->image->entities[place];
	const size_t room = COMMON_ATTRIBUTES + entity->kind->attribute_count +
			    entity->kind->derived_count + OWN_ATTRIBUTES;
	const char *note;

	node->attributes = peeps_arena_take(d->arena, room, sizeof(*node->attributes));
	if (!node->attributes)
		return;
	add(node, "name", peeps_value_text(node->name));
	add(node, "created_at_ns",
	    node->created_ns == PEEPS_NO_TIME ? peeps_value_null()
					      : number_value(d, node->created_ns));
	add(node, "creator_task_id", peeps_value_node(peeps_decoder_node(d, view->creator)));
	add_fields(d, node, entity, view);
	add_derived(d, node, entity, view);
	note = peeps_texts_at(&d->texts, view->blob);
	if (note)
		add(node, "note", peeps_value_text(note));
	if ((view->kind >> 16 & 0xffff) == PEEPS_VISIBILITY_INTERNAL)
		add(node, PEEPS_NODE_VISIBILITY, peeps_value_text(PEEPS_NODE_INTERNAL));
	assert(node->attribute_count <= room); /* the table of derived attributes is complete */
}
