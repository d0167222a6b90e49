/* SPDX-License-Identifier: MIT */
#include "tests/stress/facts.h"

#include <stdio.h>
#include <string.h>

static uint64_t number_of(const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	return value && value->type == PEEPS_VALUE_UNSIGNED ? value->as.number : UINT64_MAX;
}

static unsigned int type_of(const struct peeps_node *node)
{
	static const char *const names[] = { "normal", "recursive", "errorcheck" };
	const struct peeps_value *value = peeps_graph_attribute(node, "mutex_type");

	for (unsigned int type = 0; value && value->type == PEEPS_VALUE_TEXT && type < 3; type++)
		if (strcmp(value->as.text, names[type]) == 0)
			return type;
	return UINT32_MAX;
}

static int thread_at(const struct peeps_graph *graph, const int *places, uint32_t node)
{
	return node < graph->node_count && graph->nodes[node].kind_number == PEEPS_KIND_THREAD
		       ? places[node]
		       : FACTS_DANGLING;
}

static int reference_of(const struct peeps_graph *graph, const int *places,
			const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	return value && value->type == PEEPS_VALUE_NODE ? thread_at(graph, places, value->as.node)
							: FACTS_NOBODY;
}

/* The node's name is the kernel's, or made up, where the program gave none. */
static void add_thread(struct facts *facts, const struct peeps_node *node)
{
	struct thread_fact *thread = &facts->threads[facts->thread_count++];

	(void)snprintf(thread->name, sizeof(thread->name), "%s", node->name);
	thread->uncertain = node->uncertain;
}

static void add_mutex(struct facts *facts, const struct peeps_graph *graph, const int *places,
		      const struct peeps_node *node)
{
	struct mutex_fact *mutex = &facts->mutexes[facts->mutex_count++];

	(void)snprintf(mutex->name, sizeof(mutex->name), "%s", node->name);
	mutex->type = type_of(node);
	mutex->acquires = number_of(node, "acquires");
	mutex->contended = number_of(node, "contended");
	mutex->holder = reference_of(graph, places, node, "holder");
	mutex->creator = reference_of(graph, places, node, "creator_task_id");
	mutex->uncertain = node->uncertain;
}

/* A holds edge says what its mutex's holder says. */
static void check_hold(struct facts *facts, const struct peeps_graph *graph, const int *places,
		       const struct peeps_edge *edge)
{
	const int mutex = places[edge->src];

	if (graph->nodes[edge->src].kind_number != PEEPS_KIND_MUTEX ||
	    facts->mutexes[mutex].holder != places[edge->dst])
		facts_damaged(facts, "%s is held by %s and by another one",
			      graph->nodes[edge->src].name, graph->nodes[edge->dst].name);
}

static bool flag_of(const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	return value && value->type == PEEPS_VALUE_BOOL && value->as.boolean;
}

static unsigned int close_cause_of(const struct peeps_node *node)
{
	static const char *const names[] = { "", "senders_gone", "sender_closed", "receiver_closed",
					     "receiver_gone" };
	const struct peeps_value *value = peeps_graph_attribute(node, "close_cause");

	for (unsigned int cause = 1; value && value->type == PEEPS_VALUE_TEXT && cause < 5; cause++)
		if (strcmp(value->as.text, names[cause]) == 0)
			return cause;
	return PEEPS_CLOSE_CAUSE_NONE;
}

/* Both ends show all of it. */
static void read_channel(struct channel_fact *channel, const struct peeps_node *node)
{
	*channel = (struct channel_fact){
		.capacity = flag_of(node, "bounded") ? number_of(node, "capacity") : 0,
		.sent = number_of(node, "sent_total"),
		.received = number_of(node, "recv_total"),
		.discarded = number_of(node, "discarded_total"),
		.queue_len = number_of(node, "queue_len"),
		.high_watermark = number_of(node, "high_watermark"),
		.sender_count = number_of(node, "sender_count"),
		.close_cause = close_cause_of(node),
		.sender_closed = flag_of(node, "sender_closed"),
		.receiver_closed = flag_of(node, "receiver_closed"),
		.uncertain = node->uncertain,
	};
	(void)snprintf(channel->name, sizeof(channel->name), "%s", node->name);
}

static void add_receiving_end(struct facts *facts, const struct peeps_graph *graph, int *places,
			      const struct peeps_edge *link)
{
	struct channel_fact *channel = &facts->channels[places[link->src]];
	struct channel_fact other;

	read_channel(&other, &graph->nodes[link->dst]);
	if (other.sent != channel->sent || other.received != channel->received ||
	    other.queue_len != channel->queue_len || other.sender_count != channel->sender_count ||
	    other.close_cause != channel->close_cause || strcmp(other.name, channel->name) != 0)
		facts_damaged(facts, "the ends of %s differ", channel->name);
	channel->uncertain |= other.uncertain;
	places[link->dst] = places[link->src];
}

static unsigned int state_of(const struct peeps_node *node)
{
	static const char *const names[] = { "empty", "sent", "received", "sender_dropped",
					     "receiver_dropped" };
	const struct peeps_value *value = peeps_graph_attribute(node, "state");

	for (unsigned int state = 0; value && value->type == PEEPS_VALUE_TEXT && state < 5; state++)
		if (strcmp(value->as.text, names[state]) == 0)
			return state;
	return UINT32_MAX;
}

/* Both ends show all of it. That it is over is seen in that it ages no more. */
static void read_single(struct single_fact *single, const struct peeps_graph *graph,
			const struct peeps_node *node, uint32_t kind)
{
	const bool oneshot = kind == PEEPS_KIND_ONESHOT_TX;
	const uint64_t now_ns = graph->processes[node->process].ptime_now_ns;

	*single = (struct single_fact){
		.kind = kind,
		.state = oneshot ? state_of(node) : 0,
		.changes = oneshot ? 0 : number_of(node, "changes"),
		.receiver_count = oneshot ? 1 : number_of(node, "receiver_count"),
		.close_cause = close_cause_of(node),
		.sender_closed = flag_of(node, "sender_closed"),
		.receiver_closed = flag_of(node, "receiver_closed"),
		.ended = number_of(node, "age_ns") != now_ns - number_of(node, "created_at_ns"),
		.uncertain = node->uncertain,
	};
	(void)snprintf(single->name, sizeof(single->name), "%s", node->name);
}

static void add_single_receiving_end(struct facts *facts, const struct peeps_graph *graph,
				     int *places, const struct peeps_edge *link)
{
	struct single_fact *single = &facts->singles[places[link->src]];
	struct single_fact other;

	read_single(&other, graph, &graph->nodes[link->dst], single->kind);
	if (other.state != single->state || other.changes != single->changes ||
	    other.receiver_count != single->receiver_count ||
	    other.close_cause != single->close_cause || other.ended != single->ended ||
	    strcmp(other.name, single->name) != 0)
		facts_damaged(facts, "the ends of %s differ", single->name);
	single->uncertain |= other.uncertain;
	places[link->dst] = places[link->src];
}

static void add_bus(struct facts *facts, const struct peeps_node *node)
{
	struct bus_fact *bus = &facts->buses[facts->bus_count++];

	*bus = (struct bus_fact){
		.capacity = number_of(node, "capacity"),
		.sent = number_of(node, "sent_total"),
		.receiver_count = number_of(node, "receiver_count"),
		.waits = flag_of(node, "back_pressure"),
		.uncertain = node->uncertain,
	};
	(void)snprintf(bus->name, sizeof(bus->name), "%s", node->name);
}

static void add_bus_receiver(struct facts *facts, const struct peeps_graph *graph, int *places,
			     const struct peeps_edge *link)
{
	const struct peeps_node *node = &graph->nodes[link->dst];

	facts_bus_receiver(&facts->buses[places[link->src]], number_of(node, "lag"),
			   number_of(node, "recv_total"), number_of(node, "missed_total"),
			   node->uncertain);
	places[link->dst] = places[link->src];
}

static void add_semaphore(struct facts *facts, const struct peeps_node *node)
{
	struct semaphore_fact *semaphore = &facts->semaphores[facts->semaphore_count++];

	*semaphore = (struct semaphore_fact){
		.max = number_of(node, "max"),
		.anonymous_releases = number_of(node, "anonymous_releases"),
		.unattributed = (int64_t)number_of(node, "unattributed_out") -
				(int64_t)number_of(node, "unattributed_back"),
		.available = (int64_t)number_of(node, "available"),
		.uncertain = node->uncertain,
	};
	(void)snprintf(semaphore->name, sizeof(semaphore->name), "%s", node->name);
}

static void add_rwlock(struct facts *facts, const struct peeps_graph *graph, const int *places,
		       const struct peeps_node *node)
{
	struct rwlock_fact *rwlock = &facts->rwlocks[facts->rwlock_count++];

	*rwlock = (struct rwlock_fact){
		.anonymous_unlocks = number_of(node, "anonymous_unlocks"),
		.writer = reference_of(graph, places, node, "writer"),
		.uncertain = node->uncertain,
	};
	(void)snprintf(rwlock->name, sizeof(rwlock->name), "%s", node->name);
}

static void add_read(struct facts *facts, const struct peeps_graph *graph, const int *places,
		     const struct peeps_edge *edge)
{
	if (edge->mode_number == PEEPS_HOLD_MODE_READ) {
		facts->reads[facts->read_count++] =
			(struct read_fact){ .actor = thread_at(graph, places, edge->dst),
					    .rwlock = places[edge->src],
					    .count = edge->count,
					    .uncertain = edge->uncertain };
	} else if (facts->rwlocks[places[edge->src]].writer != places[edge->dst]) {
		facts_damaged(facts, "%s is written by %s and by another one",
			      graph->nodes[edge->src].name, graph->nodes[edge->dst].name);
	}
}

static void read_hold(struct facts *facts, const struct peeps_graph *graph, const int *places,
		      const struct peeps_edge *edge)
{
	const uint32_t kind = graph->nodes[edge->src].kind_number;
	const int place = places[edge->src];

	if (kind == PEEPS_KIND_MUTEX)
		check_hold(facts, graph, places, edge);
	if (kind == PEEPS_KIND_RWLOCK && facts->read_count < FACTS_MAX)
		add_read(facts, graph, places, edge);
	if (kind == PEEPS_KIND_MPSC_TX)
		facts->channels[place].sender_holds++;
	if (kind == PEEPS_KIND_MPSC_RX)
		facts->channels[place].receiver_holds++;
	if (kind == PEEPS_KIND_ONESHOT_TX || kind == PEEPS_KIND_WATCH_TX)
		facts->singles[place].sender_holds++;
	if (kind == PEEPS_KIND_ONESHOT_RX || kind == PEEPS_KIND_WATCH_RX)
		facts->singles[place].receiver_holds++;
	if (edge->uncertain && (kind == PEEPS_KIND_ONESHOT_TX || kind == PEEPS_KIND_ONESHOT_RX ||
				kind == PEEPS_KIND_WATCH_TX || kind == PEEPS_KIND_WATCH_RX))
		facts->singles[place].uncertain = true;
	if (kind != PEEPS_KIND_SEMAPHORE || facts->permit_count == FACTS_MAX)
		return;
	facts->semaphores[place].held += edge->count;
	facts->semaphores[place].uncertain |= edge->uncertain;
	facts->permits[facts->permit_count++] =
		(struct permit_fact){ .actor = thread_at(graph, places, edge->dst),
				      .semaphore = place,
				      .count = edge->count,
				      .uncertain = edge->uncertain };
}

static void add_notify(struct facts *facts, const struct peeps_node *node)
{
	struct notify_fact *notify = &facts->notifies[facts->notify_count++];
	const uint64_t permits = number_of(node, "permits_stored");

	*notify = (struct notify_fact){
		.notifies = number_of(node, "notifies"),
		.permits = permits == UINT64_MAX ? 0 : permits, /* null: it stores none */
		.uncertain = node->uncertain,
	};
	(void)snprintf(notify->name, sizeof(notify->name), "%s", node->name);
}

static void add_nodes(struct facts *facts, const struct peeps_graph *graph, int *places)
{
	for (size_t i = 0; i < graph->node_count && i < FACTS_MAX; i++) {
		const struct peeps_node *node = &graph->nodes[i];

		if (node->kind_number == PEEPS_KIND_THREAD) {
			places[i] = (int)facts->thread_count;
			add_thread(facts, node);
		} else if (node->kind_number == PEEPS_KIND_MPSC_TX) {
			places[i] = (int)facts->channel_count;
			read_channel(&facts->channels[facts->channel_count++], node);
		} else if (node->kind_number == PEEPS_KIND_ONESHOT_TX ||
			   node->kind_number == PEEPS_KIND_WATCH_TX) {
			places[i] = (int)facts->single_count;
			read_single(&facts->singles[facts->single_count++], graph, node,
				    node->kind_number);
		} else if (node->kind_number == PEEPS_KIND_BROADCAST_TX) {
			places[i] = (int)facts->bus_count;
			add_bus(facts, node);
		} else if (node->kind_number == PEEPS_KIND_SEMAPHORE) {
			places[i] = (int)facts->semaphore_count;
			add_semaphore(facts, node);
		} else if (node->kind_number == PEEPS_KIND_NOTIFY) {
			places[i] = (int)facts->notify_count;
			add_notify(facts, node);
		}
	}
	for (size_t i = 0; i < graph->node_count && i < FACTS_MAX; i++) {
		if (graph->nodes[i].kind_number == PEEPS_KIND_MUTEX) {
			places[i] = (int)facts->mutex_count;
			add_mutex(facts, graph, places, &graph->nodes[i]);
		} else if (graph->nodes[i].kind_number == PEEPS_KIND_RWLOCK) {
			places[i] = (int)facts->rwlock_count;
			add_rwlock(facts, graph, places, &graph->nodes[i]);
		}
	}
}

static void read_scopes(struct facts *facts, const struct peeps_graph *graph)
{
	for (size_t i = 0; i < graph->scope_count && i < FACTS_MAX; i++)
		(void)snprintf(facts->scopes[facts->scope_count++], FACTS_NAME, "%s",
			       graph->scopes[i].name);
	for (size_t i = 0; i < graph->membership_count && i < FACTS_MAX; i++) {
		struct membership_fact *fact = &facts->memberships[facts->membership_count++];

		(void)snprintf(fact->scope, FACTS_NAME, "%s",
			       graph->scopes[graph->memberships[i].scope].name);
		(void)snprintf(fact->member, FACTS_NAME, "%s",
			       graph->nodes[graph->memberships[i].node].name);
	}
}

static void read_link(struct facts *facts, const struct peeps_graph *graph, int *places,
		      const struct peeps_edge *link)
{
	switch (graph->nodes[link->src].kind_number) {
	case PEEPS_KIND_MPSC_TX:
		add_receiving_end(facts, graph, places, link);
		break;
	case PEEPS_KIND_BROADCAST_TX:
		add_bus_receiver(facts, graph, places, link);
		break;
	default:
		add_single_receiving_end(facts, graph, places, link);
	}
}

void facts_from_graph(struct facts *facts, const struct peeps_graph *graph, size_t image_notes)
{
	static int places[FACTS_MAX];

	facts_forget(facts);
	if (graph->note_count > image_notes)
		facts_damaged(facts, "the decoder notes: %s", graph->notes[image_notes]);
	add_nodes(facts, graph, places);
	read_scopes(facts, graph);
	for (size_t i = 0; i < graph->edge_count; i++)
		if (graph->edges[i].kind == PEEPS_EDGE_CHANNEL_LINK &&
		    graph->edges[i].src < FACTS_MAX && graph->edges[i].dst < FACTS_MAX)
			read_link(facts, graph, places, &graph->edges[i]);
	for (size_t i = 0; i < graph->edge_count && facts->wait_count < FACTS_MAX; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (edge->src >= FACTS_MAX || edge->dst >= FACTS_MAX)
			continue;
		if (edge->kind == PEEPS_EDGE_HOLDS)
			read_hold(facts, graph, places, edge);
		else if (edge->state == PEEPS_STATE_PENDING)
			facts->waits[facts->wait_count++] =
				(struct wait_fact){ .actor = places[edge->src],
						    .kind = graph->nodes[edge->dst].kind_number,
						    .resource = places[edge->dst],
						    .uncertain = edge->uncertain };
	}
}
