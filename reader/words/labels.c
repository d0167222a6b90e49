/* SPDX-License-Identifier: MIT */
#include "reader/words/labels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/arena.h"
#include "reader/graph/ends.h"
#include "reader/format/print.h"
#include "reader/analysis/wakers.h"
#include "reader/analysis/waits.h"

/* Within one process: two of the same name in two processes are told apart by those. */
static int by_name(const void *left, const void *right, void *context)
{
	const struct peeps_graph *graph = context;
	const struct peeps_node *a = &graph->nodes[*(const uint32_t *)left];
	const struct peeps_node *b = &graph->nodes[*(const uint32_t *)right];

	return a->process != b->process ? (a->process > b->process) - (a->process < b->process)
					: strcmp(a->name, b->name);
}

static const char *distinct_label(struct peeps_arena *arena, const struct peeps_node *node)
{
	if (node->tid)
		return peeps_arena_format(arena, "%s (%" PRIu32 ")", node->name, node->tid);
	return peeps_arena_format(arena, "%s (%s)", node->name, node->id);
}

/* "orders-4711/worker-2" */
static int add_processes(struct peeps_labels *labels, const struct peeps_graph *graph)
{
	if (graph->process_count < 2)
		return 0;
	labels->abroad =
		peeps_arena_take(labels->arena, graph->node_count, sizeof(labels->abroad[0]));
	if (!labels->abroad)
		return -ENOMEM;
	for (size_t i = 0; i < graph->node_count; i++) {
		const struct peeps_node *node = &graph->nodes[i];

		if (node->role == PEEPS_ROLE_ACTOR)
			labels->abroad[i] = peeps_arena_format(
				labels->arena, "%s/%s", graph->processes[node->process].proc_key,
				labels->actors[i] ? labels->actors[i] : node->name);
	}
	return 0;
}

int peeps_labels_init(struct peeps_labels *labels, const struct peeps_graph *graph)
{
	uint32_t *actors = calloc(graph->node_count + 1, sizeof(*actors));
	size_t count = 0;
	int r = -ENOMEM;

	memset(labels, 0, sizeof(*labels));
	labels->arena = peeps_arena_new(0);
	if (!labels->arena || !actors)
		goto out;
	labels->actors =
		peeps_arena_take(labels->arena, graph->node_count, sizeof(labels->actors[0]));
	if (!labels->actors)
		goto out;

	for (size_t i = 0; i < graph->node_count; i++) {
		if (graph->nodes[i].role == PEEPS_ROLE_ACTOR)
			actors[count++] = (uint32_t)i;
	}
	qsort_r(actors, count, sizeof(actors[0]), by_name, (void *)(uintptr_t)graph);
	for (size_t i = 0; i < count; i++) {
		if ((i > 0 && by_name(&actors[i - 1], &actors[i], (void *)(uintptr_t)graph) == 0) ||
		    (i + 1 < count &&
		     by_name(&actors[i], &actors[i + 1], (void *)(uintptr_t)graph) == 0))
			labels->actors[actors[i]] =
				distinct_label(labels->arena, &graph->nodes[actors[i]]);
	}
	r = add_processes(labels, graph);
	if (peeps_arena_failed(labels->arena))
		r = -ENOMEM;
out:
	free(actors);
	if (r)
		peeps_labels_deinit(labels);
	return r;
}

void peeps_labels_deinit(struct peeps_labels *labels)
{
	peeps_arena_free(labels->arena);
	memset(labels, 0, sizeof(*labels));
}

const char *peeps_label_actor_at_home(const struct peeps_labels *labels,
				      const struct peeps_graph *graph, uint32_t node,
				      uint32_t process)
{
	if (labels->abroad && labels->abroad[node] && graph->nodes[node].process != process)
		return labels->abroad[node];
	return labels->actors[node] ? labels->actors[node] : graph->nodes[node].name;
}

const char *peeps_label_actor(const struct peeps_labels *labels, const struct peeps_graph *graph,
			      uint32_t node)
{
	return peeps_label_actor_at_home(labels, graph, node, PEEPS_NO_PROCESS);
}

/* --- resources -------------------------------------------------------------------------------------------------- */

static const char *kind_of(const struct peeps_node *resource)
{
	const char *channel = peeps_channel_kind(resource->kind_number);

	return channel ? channel : resource->kind;
}

static const char *semaphore_state(struct peeps_arena *arena, const struct peeps_node *semaphore,
				   enum peeps_label_style style)
{
	uint64_t available, max, released = 0, out = 0;
	const char *state;

	if (!peeps_number_attribute(semaphore, "available", &available) ||
	    !peeps_number_attribute(semaphore, "max", &max))
		return NULL;
	state = peeps_arena_format(arena, "%" PRIu64 " of %" PRIu64 " available", available, max);
	if (style == PEEPS_LABEL_CELL)
		return state;
	(void)peeps_number_attribute(semaphore, "anonymous_releases", &released);
	(void)peeps_number_attribute(semaphore, "unattributed_out", &out);
	if (state && out)
		state = peeps_arena_format(arena, "%s, %" PRIu64 " out that nobody is seen to hold",
					   state, out);
	if (state && released)
		state = peeps_arena_format(arena, "%s, %" PRIu64 " released anonymously", state,
					   released);
	return state;
}

static const char *channel_state(struct peeps_arena *arena, const struct peeps_node *end)
{
	const char *closed = peeps_channel_is_closed(end) ? ", closed" : "";
	uint64_t length, capacity = 0;

	if (!peeps_number_attribute(end, "queue_len", &length))
		return NULL;
	(void)peeps_number_attribute(end, "capacity", &capacity);
	if (length == 0)
		return peeps_arena_format(arena, "empty%s", closed);
	if (capacity == 0)
		return peeps_arena_format(arena, "%" PRIu64 " queued%s", length, closed);
	return peeps_arena_format(arena, "%" PRIu64 "/%" PRIu64 "%s", length, capacity, closed);
}

/* " 12.4 s ago"; "" if that is not known. */
static const char *how_long_ago(struct peeps_arena *arena, const struct peeps_graph *graph,
				const struct peeps_node *node, const char *name)
{
	const uint64_t now_ms = graph->processes[node->process].ptime_now_ns / 1000000;
	char duration[PEEPS_DURATION_BYTES];
	const char *ago;
	uint64_t then_ms;

	if (!peeps_number_attribute(node, name, &then_ms) || then_ms > now_ms)
		return "";
	ago = peeps_arena_format(arena, " %s ago",
				 peeps_duration_floor(duration, (now_ms - then_ms) * 1000000));
	return ago ? ago : "";
}

/* "notified 3 times, last 12.4 s ago by producer": which may have been before a wait began. */
static const char *notify_state(struct peeps_arena *arena, const struct peeps_graph *graph,
				const struct peeps_node *notify, enum peeps_label_style style)
{
	const uint32_t by = peeps_node_attribute(notify, "last_notifier");
	const char *ago = how_long_ago(arena, graph, notify, "last_notified_ptime_ms");
	const char *who = by == PEEPS_NO_NODE ? "" : graph->nodes[by].name;
	const char *before = by == PEEPS_NO_NODE ? "" : " by ";
	uint64_t notifies;

	if (!peeps_number_attribute(notify, "notifies", &notifies))
		return NULL;
	if (notifies == 0)
		return "never notified";
	if (notifies == 1)
		return style == PEEPS_LABEL_CELL ? "notified once"
						 : peeps_arena_format(arena, "notified once,%s%s%s",
								      ago, before, who);
	if (style == PEEPS_LABEL_CELL)
		return peeps_arena_format(arena, "notified %" PRIu64 " times", notifies);
	return peeps_arena_format(arena, "notified %" PRIu64 " times, last%s%s%s", notifies, ago,
				  before, who);
}

static const char *oneshot_state(const struct peeps_node *end)
{
	const struct peeps_value *state = peeps_graph_attribute(end, "state");

	return state && state->type == PEEPS_VALUE_TEXT ? state->as.text : NULL;
}

static const char *watch_state(struct peeps_arena *arena, const struct peeps_node *end)
{
	const char *closed = peeps_channel_is_closed(end) ? ", closed" : "";
	uint64_t changes;

	if (!peeps_number_attribute(end, "changes", &changes))
		return NULL;
	return changes == 0 ? peeps_arena_format(arena, "never changed%s", closed)
			    : peeps_arena_format(arena, "changed %" PRIu64 " time%s%s", changes,
						 changes == 1 ? "" : "s", closed);
}

static const char *broadcast_state(struct peeps_arena *arena, const struct peeps_node *end)
{
	const char *closed = peeps_channel_is_closed(end) ? ", closed" : "";
	uint64_t lag, receivers;

	if (peeps_number_attribute(end, "lag", &lag))
		return lag == 0 ? peeps_arena_format(arena, "nothing new%s", closed)
				: peeps_arena_format(arena, "%" PRIu64 " behind%s", lag, closed);
	if (!peeps_number_attribute(end, "receiver_count", &receivers))
		return NULL;
	return peeps_arena_format(arena, "%" PRIu64 " receiver%s%s", receivers,
				  receivers == 1 ? "" : "s", closed);
}

/* What explains that somebody waits for it; NULL if nothing does (or without memory: the arena knows). */
static const char *state_of(struct peeps_arena *arena, const struct peeps_graph *graph,
			    const struct peeps_node *resource, enum peeps_label_style style)
{
	switch (resource->kind_number) {
	case PEEPS_KIND_SEMAPHORE:
		return semaphore_state(arena, resource, style);
	case PEEPS_KIND_NOTIFY:
		return notify_state(arena, graph, resource, style);
	case PEEPS_KIND_MPSC_TX:
	case PEEPS_KIND_MPSC_RX:
		return channel_state(arena, resource);
	case PEEPS_KIND_ONESHOT_TX:
	case PEEPS_KIND_ONESHOT_RX:
		return oneshot_state(resource);
	case PEEPS_KIND_WATCH_TX:
	case PEEPS_KIND_WATCH_RX:
		return watch_state(arena, resource);
	case PEEPS_KIND_BROADCAST_TX:
	case PEEPS_KIND_BROADCAST_RX:
		return broadcast_state(arena, resource);
	default:
		return NULL;
	}
}

/* "bank.c:42", with its folder only in full style; NULL if it is not known. */
static const char *place_made(struct peeps_arena *arena, const struct peeps_source *source,
			      enum peeps_label_style style)
{
	const char *file = source->file;

	if (!file)
		return NULL;
	if (style != PEEPS_LABEL_FULL && strrchr(file, '/'))
		file = strrchr(file, '/') + 1;
	return peeps_arena_format(arena, "%s:%" PRIu32, file, source->line);
}

/* What stands for a thing of another process is called as that would be: its name is the other's id. */
static bool foreign_parts(struct peeps_arena *arena, const struct peeps_node *stub,
			  struct peeps_label_parts *parts)
{
	const char *process = strchr(stub->name, ':');
	const char *rest = process ? strchr(process + 1, ':') : NULL;
	const char *kind, *proc_key;

	if (stub->kind_number != PEEPS_KIND_FOREIGN || !rest)
		return false;
	kind = peeps_arena_format(arena, "%.*s", (int)(process - stub->name), stub->name);
	proc_key = peeps_arena_format(arena, "%.*s", (int)(rest - process - 1), process + 1);
	if (!kind || !proc_key)
		return false;
	*parts = (struct peeps_label_parts){
		.kind = kind, .name = rest + 1, .process = proc_key, .state = "not looked at"
	};
	return true;
}

struct peeps_label_parts peeps_label_resource_parts(struct peeps_arena *arena,
						    const struct peeps_graph *graph, uint32_t node,
						    enum peeps_label_style style)
{
	const struct peeps_node *resource = &graph->nodes[node];
	struct peeps_label_parts parts;

	if (foreign_parts(arena, resource, &parts))
		return parts;
	return (struct peeps_label_parts){
		.kind = kind_of(resource),
		.name = resource->name,
		.process = graph->process_count > 1 ? graph->processes[resource->process].proc_key
						    : NULL,
		.state = state_of(arena, graph, resource, style),
		.place = place_made(arena, &resource->source, style),
	};
}

const char *peeps_label_elsewhere(struct peeps_arena *arena, const struct peeps_graph *graph,
				  uint32_t node)
{
	struct peeps_label_parts parts;

	return foreign_parts(arena, &graph->nodes[node], &parts) ? parts.process : NULL;
}

char *peeps_label_resource(struct peeps_arena *arena, const struct peeps_graph *graph,
			   uint32_t node, enum peeps_label_style style)
{
	const struct peeps_label_parts parts =
		peeps_label_resource_parts(arena, graph, node, style);
	const char *const beside[] = { parts.process, parts.state, parts.place };
	char *label = peeps_arena_format(arena, "%s \"%s\"", parts.kind, parts.name);
	const char *before = " (";

	for (size_t i = 0; label && i < sizeof(beside) / sizeof(beside[0]); i++) {
		if (!beside[i])
			continue;
		label = peeps_arena_format(arena, "%s%s%s", label, before, beside[i]);
		before = ", ";
	}
	return label && *before == ',' ? peeps_arena_format(arena, "%s)", label) : label;
}

char *peeps_label_source(struct peeps_arena *arena, const struct peeps_source *source)
{
	if (!source->file)
		return NULL;
	return peeps_arena_format(arena, "%s:%" PRIu32, source->file, source->line);
}

/* --- actors ----------------------------------------------------------------------------------------------------- */

/* The task that a thread runs, else the actor itself. */
static uint32_t innermost(const struct peeps_graph *graph, uint32_t actor)
{
	const uint32_t task = peeps_node_attribute(&graph->nodes[actor], "current_task_id");

	return task == PEEPS_NO_NODE || graph->nodes[actor].kind_number != PEEPS_KIND_THREAD ? actor
											     : task;
}

bool peeps_is_asleep(const struct peeps_graph *graph, uint32_t actor)
{
	return !graph->nodes[actor].gone && graph->nodes[innermost(graph, actor)].asleep;
}

static bool is_suspended(const struct peeps_graph *graph, uint32_t actor)
{
	const struct peeps_value *activity =
		peeps_graph_attribute(&graph->nodes[actor], "activity");

	return activity && activity->type == PEEPS_VALUE_TEXT &&
	       strcmp(activity->as.text, "suspended") == 0;
}

const char *peeps_label_idleness(const struct peeps_graph *graph, uint32_t actor)
{
	if (graph->nodes[actor].gone)
		return "exited";
	if (peeps_is_asleep(graph, actor))
		return "sleeping";
	return is_suspended(graph, actor) ? "suspended" : NULL;
}

/* ", wakes in 3.0 s"; "" if it is not known. */
static const char *wakes_in(struct peeps_arena *arena, const struct peeps_graph *graph,
			    uint32_t sleeper, const char *before)
{
	const uint64_t now_ns = graph->processes[graph->nodes[sleeper].process].ptime_now_ns;
	char duration[PEEPS_DURATION_BYTES];
	const char *text;
	uint64_t until_ms, until_ns;

	if (!peeps_number_attribute(&graph->nodes[sleeper], "sleep_until_ptime_ms", &until_ms))
		return "";
	if (__builtin_mul_overflow(until_ms, UINT64_C(1000000), &until_ns))
		until_ns = UINT64_MAX - 1;
	if (until_ns <= now_ns)
		text = peeps_arena_format(arena, "%swakes any moment", before);
	else
		text = peeps_arena_format(arena, "%swakes in %s", before,
					  peeps_duration_floor(duration, until_ns - now_ns));
	return text ? text : "";
}

const char *peeps_label_activity(struct peeps_arena *arena, const struct peeps_graph *graph,
				 uint32_t actor)
{
	const struct peeps_node *node = &graph->nodes[actor];
	const uint32_t inner = innermost(graph, actor);
	const struct peeps_value *activity = peeps_graph_attribute(node, "activity");

	if (node->gone)
		return "exited";
	if (peeps_is_asleep(graph, actor))
		return peeps_arena_format(arena, "sleeping%s", wakes_in(arena, graph, inner, ", "));
	return activity && activity->type == PEEPS_VALUE_TEXT ? activity->as.text : NULL;
}

/* ", which is sleeping (wakes in 1 h 00 min)"; "" if there is nothing to say. */
static const char *why_it_does_nothing(struct peeps_arena *arena, const struct peeps_labels *labels,
				       const struct peeps_graph *graph, uint32_t actor)
{
	const uint32_t inner = innermost(graph, actor);
	const char *wakes, *text;

	if (graph->nodes[actor].gone)
		return ", which has exited";
	if (!peeps_is_asleep(graph, actor))
		return is_suspended(graph, actor) ? ", which is suspended (no thread runs it)" : "";
	wakes = wakes_in(arena, graph, inner, " (");
	text = peeps_arena_format(
		arena, ", which is sleeping%s%s%s%s", inner == actor ? "" : " in ",
		inner == actor ? ""
			       : peeps_label_actor_at_home(labels, graph, inner,
							   graph->nodes[actor].process),
		wakes, *wakes ? ")" : "");
	return text ? text : "";
}

/* The one who waits: of a task, also where it runs. */
static const char *waiting_actor(struct peeps_arena *arena, const struct peeps_labels *labels,
				 const struct peeps_graph *graph, uint32_t actor)
{
	const char *name = peeps_label_actor(labels, graph, actor);
	const uint32_t thread = peeps_node_attribute(&graph->nodes[actor], "thread_id");
	const char *with_thread;

	if (thread == PEEPS_NO_NODE || graph->nodes[actor].kind_number != PEEPS_KIND_TASK)
		return name;
	with_thread = peeps_arena_format(
		arena, "%s (on %s)", name,
		peeps_label_actor_at_home(labels, graph, thread, graph->nodes[actor].process));
	return with_thread ? with_thread : name;
}

/* --- waits ------------------------------------------------------------------------------------------------------ */

const char *peeps_label_timeout(struct peeps_arena *arena, const struct peeps_graph *graph,
				const struct peeps_edge *wait, enum peeps_label_style style)
{
	const uint64_t left_ns = peeps_edge_timeout_ns(graph, wait);
	char duration[PEEPS_DURATION_BYTES];

	if (left_ns == PEEPS_NO_TIME)
		return NULL;
	if (left_ns == 0)
		return style == PEEPS_LABEL_CELL ? "no time left" : "times out any moment";
	(void)peeps_duration_floor(duration, left_ns);
	return style == PEEPS_LABEL_CELL ? peeps_arena_format(arena, "%s left", duration)
					 : peeps_arena_format(arena, "times out in %s", duration);
}

/* "has waited 12.4 s", and that it will not do so for ever if that is so. */
static const char *waited(struct peeps_arena *arena, const struct peeps_graph *graph,
			  const struct peeps_edge *wait)
{
	const uint64_t pending_ns = peeps_edge_pending_ns(graph, wait);
	const char *timeout = peeps_label_timeout(arena, graph, wait, PEEPS_LABEL_SHORT);
	char duration[PEEPS_DURATION_BYTES];

	if (pending_ns == PEEPS_NO_TIME)
		return timeout ? peeps_arena_format(arena, "waits (%s)", timeout) : "waits";
	(void)peeps_duration_floor(duration, pending_ns);
	return timeout ? peeps_arena_format(arena, "has waited %s (%s)", duration, timeout)
		       : peeps_arena_format(arena, "has waited %s", duration);
}

/* What comes between "has waited 12.4 s" and the resource. */
static const char *purpose(struct peeps_arena *arena, const struct peeps_graph *graph,
			   const struct peeps_edge *wait)
{
	const uint64_t permits = peeps_permits_asked(wait);
	const char *text = NULL;

	switch (wait->op) {
	case PEEPS_OP_SEND:
		return "to send to";
	case PEEPS_OP_RECV:
		return graph->nodes[wait->dst].kind_number == PEEPS_KIND_WATCH_RX
			       ? "for a change of"
			       : "to receive from";
	case PEEPS_OP_JOIN:
		return "for the end of";
	case PEEPS_OP_LOCK:
		return peeps_asks_to_read(wait)    ? "to read"
		       : peeps_asks_to_write(wait) ? "to write"
						   : "for";
	case PEEPS_OP_ACQUIRE:
		if (permits)
			text = peeps_arena_format(arena, "for %" PRIu64 " permit%s of", permits,
						  permits == 1 ? "" : "s");
		return text ? text : "for";
	default:
		return "for";
	}
}

/* An actor's end is waited for, too. */
static const char *waited_for(struct peeps_arena *arena, const struct peeps_labels *labels,
			      const struct peeps_graph *graph, const struct peeps_edge *edge,
			      enum peeps_label_style style)
{
	return graph->nodes[edge->dst].role == PEEPS_ROLE_ACTOR
		       ? peeps_label_actor(labels, graph, edge->dst)
		       : peeps_label_resource(arena, graph, edge->dst, style);
}

/* ", not notified since": a wakeup may have been lost, or is still to come. */
static const char *notified_since(struct peeps_arena *arena, const struct peeps_graph *graph,
				  const struct peeps_edge *wait)
{
	uint64_t before, now;

	if (wait->op != PEEPS_OP_NOTIFY_WAIT || !peeps_notifies_before(wait, &before) ||
	    !peeps_number_attribute(&graph->nodes[wait->dst], "notifies", &now) || now == 0)
		return "";
	if (now <= before)
		return ", not notified since";
	return peeps_arena_format(arena, ", notified %" PRIu64 " time%s since", now - before,
				  now - before == 1 ? "" : "s");
}

char *peeps_label_wait(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *edge,
		       enum peeps_label_style style)
{
	const char *actor = waiting_actor(arena, labels, graph, edge->src);
	const char *resource = waited_for(arena, labels, graph, edge, style);
	const char *how_long = waited(arena, graph, edge);

	const char *since = notified_since(arena, graph, edge);

	if (!resource || !how_long || !since)
		return NULL;
	return peeps_arena_format(arena, "%s %s %s %s%s", actor, how_long,
				  purpose(arena, graph, edge), resource, since);
}

char *peeps_label_inside(struct peeps_arena *arena, const struct peeps_labels *labels,
			 const struct peeps_graph *graph, uint32_t actor, uint32_t task)
{
	return peeps_arena_format(
		arena,
		graph->nodes[actor].kind_number == PEEPS_KIND_THREAD
			? "%s runs %s"
			: "%s goes on after %s, which is nested in it",
		peeps_label_actor(labels, graph, actor),
		peeps_label_actor_at_home(labels, graph, task, graph->nodes[actor].process));
}

char *peeps_label_brief_wait(struct peeps_arena *arena, const struct peeps_labels *labels,
			     const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	const struct peeps_label_parts parts =
		peeps_label_resource_parts(arena, graph, edge->dst, PEEPS_LABEL_CELL);

	if (graph->nodes[edge->dst].role == PEEPS_ROLE_ACTOR)
		return peeps_arena_format(arena, "which waits %s %s", purpose(arena, graph, edge),
					  peeps_label_actor(labels, graph, edge->dst));
	if (parts.process)
		return peeps_arena_format(arena, "which waits %s \"%s\" (%s)",
					  purpose(arena, graph, edge), parts.name, parts.process);
	return peeps_arena_format(arena, "which waits %s \"%s\"", purpose(arena, graph, edge),
				  parts.name);
}

char *peeps_label_brief_inside(struct peeps_arena *arena, const struct peeps_labels *labels,
			       const struct peeps_graph *graph, uint32_t actor, uint32_t task)
{
	return peeps_arena_format(
		arena,
		graph->nodes[actor].kind_number == PEEPS_KIND_THREAD ? "which runs %s"
								     : "inside which runs %s",
		peeps_label_actor_at_home(labels, graph, task, graph->nodes[actor].process));
}

/* --- holds ------------------------------------------------------------------------------------------------------ */

static bool is_handle(const struct peeps_edge *hold)
{
	return hold->role_number == PEEPS_HOLD_ROLE_SENDER ||
	       hold->role_number == PEEPS_HOLD_ROLE_RECEIVER;
}

/* What is done to what is held. */
static const char *held(const struct peeps_graph *graph, const struct peeps_edge *hold)
{
	if (graph->nodes[hold->src].kind_number == PEEPS_KIND_ONCE_CELL)
		return "being initialized";
	if (graph->nodes[hold->src].kind_number != PEEPS_KIND_RWLOCK)
		return "held";
	return hold->mode_number == PEEPS_HOLD_MODE_READ        ? "read"
	       : hold->mode_number == PEEPS_HOLD_MODE_EXCLUSIVE ? "written"
								: "held";
}

static const char *handle_name(const struct peeps_edge *hold)
{
	return hold->role_number == PEEPS_HOLD_ROLE_SENDER ? "sender" : "receiver";
}

/* How sure it is whose a handle is. */
static const char *owned_by(uint32_t mode, bool several)
{
	switch (mode) {
	case PEEPS_HOLD_MODE_OWNER:
		return several ? "are owned by" : "is owned by";
	case PEEPS_HOLD_MODE_CREATOR:
		return several ? "were created by" : "was created by";
	default:
		return several ? "are perhaps owned by" : "is perhaps owned by";
	}
}

/* "whose sender is owned by" and the like, of one hold among others. */
static char *possession(struct peeps_arena *arena, const struct peeps_graph *graph,
			const struct peeps_edge *hold, size_t others)
{
	const char *verb = owned_by(hold->mode_number, false);

	if (!is_handle(hold))
		return peeps_arena_format(arena, "%s by", held(graph, hold));
	if (others)
		return peeps_arena_format(arena, "one of whose %zu %ss %s", others + 1,
					  handle_name(hold), verb);
	return peeps_arena_format(arena, "whose %s %s", handle_name(hold), verb);
}

char *peeps_label_brief_hold(struct peeps_arena *arena, const struct peeps_labels *labels,
			     const struct peeps_graph *graph, const struct peeps_edge *hold,
			     size_t others)
{
	const char *by = possession(arena, graph, hold, others);

	return by ? peeps_arena_format(arena, "%s %s", by,
				       peeps_label_actor(labels, graph, hold->dst))
		  : NULL;
}

static const char *held_for(char duration[static PEEPS_DURATION_BYTES],
			    const struct peeps_graph *graph, const struct peeps_edge *hold)
{
	const uint64_t held_ns = peeps_edge_held_ns(graph, hold);

	return held_ns == PEEPS_NO_TIME
		       ? "an unknown time"
		       : peeps_duration_ceil(duration, held_ns, hold->held_accuracy_ns);
}

const char *peeps_label_depth(struct peeps_arena *arena, const struct peeps_edge *hold)
{
	if (hold->role_number != PEEPS_HOLD_ROLE_LOCK || hold->count < 2)
		return NULL;
	return peeps_arena_format(arena, "locked %" PRIu64 " times", hold->count);
}

/* " (locked 3 times, first at /src/bank.c:88)"; the place only in full style. */
static const char *place_of(struct peeps_arena *arena, const struct peeps_edge *hold,
			    enum peeps_label_style style)
{
	const char *source =
		style == PEEPS_LABEL_FULL ? peeps_label_source(arena, &hold->source) : NULL;
	const char *depth = peeps_label_depth(arena, hold);
	const char *verb = hold->role_number == PEEPS_HOLD_ROLE_LOCK ? "locked at"
			   : is_handle(hold)                         ? "since"
								     : "taken at";
	const char *place = NULL;

	if (depth && source)
		place = peeps_arena_format(arena, " (%s, first at %s)", depth, source);
	else if (depth)
		place = peeps_arena_format(arena, " (%s)", depth);
	else if (source)
		place = peeps_arena_format(arena, " (%s %s)", verb, source);
	return place ? place : "";
}

char *peeps_label_hold(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *hold,
		       size_t others, enum peeps_label_style style)
{
	const char *actor = peeps_label_actor(labels, graph, hold->dst);
	const char *place = place_of(arena, hold, style);
	const char *idle = why_it_does_nothing(arena, labels, graph, hold->dst);
	char duration[PEEPS_DURATION_BYTES], number[32] = "";
	const char *more = "", *by;

	if (is_handle(hold)) {
		by = possession(arena, graph, hold, others);
		return by ? peeps_arena_format(arena, "%s %s%s%s", by, actor, place, idle) : NULL;
	}
	if (hold->role_number == PEEPS_HOLD_ROLE_PERMIT)
		(void)snprintf(number, sizeof(number), "%" PRIu64 " ", hold->count);
	if (others)
		more = peeps_arena_format(arena, " (%s by %zu other%s)",
					  hold->role_number == PEEPS_HOLD_ROLE_PERMIT ? "more"
										      : "and",
					  others, others == 1 ? "" : "s");
	return peeps_arena_format(arena, "%s%s for %s by %s%s%s%s", number, held(graph, hold),
				  held_for(duration, graph, hold), actor, place, more ? more : "",
				  idle);
}

/* --- several holders -------------------------------------------------------------------------------------------- */

#define HOLDERS_NAMED 3
#define HOLDERS_LOOKED_AT \
	256 /* for further handles of those who are named: a bound, for there may be as many waits */

struct named {
	uint32_t holds[HOLDERS_NAMED]; /* the first of each actor */
	size_t count;
	size_t others;  /* holds of others */
	bool same_mode; /* all of them */
};

static struct named choose(const struct peeps_graph *graph, const uint32_t *holds, size_t count)
{
	const size_t end = count < HOLDERS_LOOKED_AT ? count : HOLDERS_LOOKED_AT;
	struct named named = { .others = count - end, .same_mode = true };

	for (size_t i = 0; i < end; i++) {
		const struct peeps_edge *hold = &graph->edges[holds[i]];
		size_t place = 0;

		named.same_mode &= hold->mode_number == graph->edges[holds[0]].mode_number;
		while (place < named.count && graph->edges[named.holds[place]].dst != hold->dst)
			place++;
		if (place == HOLDERS_NAMED)
			named.others++;
		else if (place == named.count)
			named.holds[named.count++] = holds[i];
	}
	return named;
}

/* "worker-1 (for 3.2 s, exited)" */
static char *one_of_several(struct peeps_arena *arena, const struct peeps_labels *labels,
			    const struct peeps_graph *graph, const struct peeps_edge *hold,
			    bool same_mode)
{
	const char *actor = peeps_label_actor(labels, graph, hold->dst);
	const char *idle = peeps_label_idleness(graph, hold->dst);
	char duration[PEEPS_DURATION_BYTES], what[64] = "";

	if (hold->role_number == PEEPS_HOLD_ROLE_PERMIT)
		(void)snprintf(what, sizeof(what), "%" PRIu64 " for %s", hold->count,
			       held_for(duration, graph, hold));
	else if (!is_handle(hold))
		(void)snprintf(what, sizeof(what), "for %s", held_for(duration, graph, hold));
	else if (!same_mode && hold->mode_number == PEEPS_HOLD_MODE_CREATOR)
		(void)snprintf(what, sizeof(what), "created it");
	else if (!same_mode && hold->mode_number != PEEPS_HOLD_MODE_OWNER)
		(void)snprintf(what, sizeof(what), "perhaps");
	if (!*what && !idle)
		return peeps_arena_format(arena, "%s", actor);
	return peeps_arena_format(arena, "%s (%s%s%s)", actor, what, *what && idle ? ", " : "",
				  idle ? idle : "");
}

static const char *possession_of_all(struct peeps_arena *arena, const struct peeps_graph *graph,
				     const struct peeps_edge *first, size_t count, bool same_mode)
{
	if (!is_handle(first))
		return peeps_arena_format(arena, "%s by", same_mode ? held(graph, first) : "held");
	return peeps_arena_format(
		arena, "whose %zu %ss %s", count, handle_name(first),
		owned_by(same_mode ? first->mode_number : PEEPS_HOLD_MODE_OWNER, true));
}

char *peeps_label_holders(struct peeps_arena *arena, const struct peeps_labels *labels,
			  const struct peeps_graph *graph, const uint32_t *holds, size_t count,
			  enum peeps_label_style style)
{
	const struct peeps_edge *first = &graph->edges[holds[0]];
	struct named named;
	const char *text;

	if (count == 1)
		return peeps_label_hold(arena, labels, graph, first, 0, style);
	named = choose(graph, holds, count);
	text = possession_of_all(arena, graph, first, count, named.same_mode);
	for (size_t i = 0; text && i < named.count; i++) {
		const bool last = i + 1 == named.count && named.others == 0;
		const char *one = one_of_several(arena, labels, graph,
						 &graph->edges[named.holds[i]], named.same_mode);

		text = one ? peeps_arena_format(arena, "%s%s%s", text,
						i == 0 ? " "
						: last ? " and "
						       : ", ",
						one)
			   : NULL;
	}
	if (!text)
		return NULL;
	return named.others ? peeps_arena_format(arena, "%s and %zu more", text, named.others)
			    : peeps_arena_format(arena, "%s", text);
}
