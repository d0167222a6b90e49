/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "reader/format/print.h"
#include "reader/graph/ends.h"
#include "reader/look/subject.h"
#include "reader/words/telling.h"
#include "reader/words/way_out.h"

#define LISTED_MAX 10 /* of a list */
#define BELOW_MAX \
	3 /* of a list below a line of one, whatever is wanted: there may be as many below each */

struct explain {
	const struct peeps_graph *graph;
	struct peeps_telling telling;
	bool all;
	FILE *out;
};

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* Texts of the target and ours, escaped; NULL ends the line without memory, which the arena knows. */
static void print_line(const struct explain *e, unsigned int level, const char *text)
{
	(void)fprintf(e->out, "%*s", (int)(2 * level), "");
	peeps_escape_to(e->out, text ? text : "");
	(void)fputc('\n', e->out);
}

static __attribute__((format(printf, 3, 4))) void print_fact(const struct explain *e,
							     const char *what, const char *format,
							     ...)
{
	va_list arguments;
	char *text = NULL;

	(void)fputs("  ", e->out);
	peeps_escape_to(e->out, what);
	(void)fprintf(e->out, "%*s", (int)(peeps_columns(what) < 18 ? 20 - peeps_columns(what) : 2),
		      "");
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	peeps_escape_to(e->out, text ? text : "");
	free(text);
	(void)fputc('\n', e->out);
}

/* A list under a title that is not printed without a first line; only so many lines are. */
struct list {
	const struct explain *e;
	const char *title;
	size_t max;
	size_t count;
};

static struct list list_of(const struct explain *e, const char *title)
{
	return (struct list){ .e = e, .title = title, .max = e->all ? SIZE_MAX : LISTED_MAX };
}

/* Returns false for what is only counted. */
static bool list_next(struct list *list)
{
	if (list->count++ == 0)
		(void)fprintf(list->e->out, "\n%s\n", list->title);
	return list->count <= list->max;
}

static void list_end(const struct list *list)
{
	if (list->count > list->max)
		(void)fprintf(list->e->out, "  and %zu more (--all shows them)\n",
			      list->count - list->max);
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *suffix, size_t *length)
{
	*length = strlen(text);
	if (*length <= strlen(suffix) || strcmp(text + *length - strlen(suffix), suffix) != 0)
		return false;
	*length -= strlen(suffix);
	return true;
}

static uint64_t since_ns(const struct explain *e, uint32_t process, uint64_t at_ns)
{
	const uint64_t now_ns = e->graph->processes[process].ptime_now_ns;

	return now_ns > at_ns ? now_ns - at_ns : 0;
}

/* A moment of the process's own time, as people may read it: "3.0 s ago". */
static const char *moment(const struct explain *e, uint32_t process, uint64_t at_ns)
{
	const uint64_t now_ns = e->graph->processes[process].ptime_now_ns;
	char duration[PEEPS_DURATION_BYTES];
	const bool past = at_ns <= now_ns;
	const char *text;

	(void)peeps_duration_floor(duration, past ? now_ns - at_ns : at_ns - now_ns);
	text = peeps_arena_format(e->telling.arena, past ? "%s ago" : "in %s", duration);
	return text ? text : "";
}

static const char *number_of(const struct explain *e, const char *name, uint32_t process,
			     uint64_t number)
{
	char duration[PEEPS_DURATION_BYTES];
	size_t length;
	uint64_t ns;

	if (ends_with(name, "_ptime_ms", &length) &&
	    !__builtin_mul_overflow(number, UINT64_C(1000000), &ns))
		return moment(e, process, ns);
	if (ends_with(name, "_ns", &length))
		return peeps_arena_format(e->telling.arena, "%s",
					  peeps_duration_floor(duration, number));
	return peeps_arena_format(e->telling.arena, "%" PRIu64, number);
}

/* NULL if it is null (or without memory: the arena knows). */
static const char *value_of(const struct explain *e, const struct peeps_attribute *attribute,
			    uint32_t process)
{
	const struct peeps_value *value = &attribute->value;

	switch (value->type) {
	case PEEPS_VALUE_BOOL:
		return value->as.boolean ? "yes" : "no";
	case PEEPS_VALUE_UNSIGNED:
		return number_of(e, attribute->name, process, value->as.number);
	case PEEPS_VALUE_REAL:
		return peeps_arena_format(e->telling.arena, "%.3g", value->as.real);
	case PEEPS_VALUE_TEXT:
		return value->as.text;
	case PEEPS_VALUE_NODE:
		return value->as.node == PEEPS_NO_NODE ? NULL : e->graph->nodes[value->as.node].id;
	case PEEPS_VALUE_NULL:
		break;
	}
	return NULL;
}

/* "wait_total" of "wait_total_ns": the value says its unit. */
static const char *plain_name(const struct explain *e, const char *name)
{
	size_t length;
	const char *plain = name;

	if (ends_with(name, "_ptime_ms", &length) || ends_with(name, "_ns", &length))
		plain = peeps_arena_format(e->telling.arena, "%.*s", (int)length, name);
	return plain ? plain : name;
}

/* What other lines say better. */
static bool is_told_elsewhere(const char *name)
{
	static const char *const names[] = {
		"name",      "created_at_ns",       "creator_task_id",      "holder",
		"activity",  "held_since_ptime_ms", "sleep_until_ptime_ms", "current_task_id",
		"thread_id",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void print_attributes(const struct explain *e, const struct peeps_node *node)
{
	for (size_t i = 0; i < node->attribute_count; i++) {
		const struct peeps_attribute *attribute = &node->attributes[i];
		const char *value = value_of(e, attribute, node->process);

		if (value && !is_told_elsewhere(attribute->name))
			print_fact(e, plain_name(e, attribute->name), "%s", value);
	}
}

/* --- operations and holds --------------------------------------------------------------------------------------- */

/* "at /src/bank.c:42 in libbank", with a blank before; "" if neither is known. */
static const char *place_of(const struct explain *e, const struct peeps_source *source)
{
	const char *file = peeps_label_source(e->telling.arena, source);
	const char *text;

	text = peeps_arena_format(e->telling.arena, "%s%s%s%s", file ? " at " : "",
				  file ? file : "", source->module ? " in " : "",
				  source->module ? source->module : "");
	return text ? text : "";
}

/* ", permits 1, available 0": those that are not null; when it gives up was told. */
static const char *details_of(const struct explain *e, const struct peeps_edge *edge)
{
	const char *text = "";

	for (size_t i = 0; text && i < edge->detail_count; i++) {
		const struct peeps_attribute *detail = &edge->details[i];
		const char *value = value_of(e, detail, e->graph->nodes[edge->src].process);

		if (value && strcmp(detail->name, PEEPS_DETAIL_UNTIL) != 0)
			text = peeps_arena_format(e->telling.arena, "%s, %s %s", text,
						  plain_name(e, detail->name), value);
	}
	return text ? text : "";
}

/* "pending for 3.0 s (times out in 2.0 s)", "active for 2.0 s", "done 12 ms ago" */
static const char *state_of(const struct explain *e, const struct peeps_edge *edge)
{
	const char *timeout =
		peeps_label_timeout(e->telling.arena, e->graph, edge, PEEPS_LABEL_SHORT);
	const uint32_t process = e->graph->nodes[edge->src].process;
	char duration[PEEPS_DURATION_BYTES];

	if (edge->state == PEEPS_STATE_PENDING)
		return peeps_arena_format(
			e->telling.arena, "pending for %s%s%s%s",
			peeps_duration_floor(duration, peeps_edge_pending_ns(e->graph, edge)),
			timeout ? " (" : "", timeout ? timeout : "", timeout ? ")" : "");
	if (edge->last_change_ns == PEEPS_NO_TIME)
		return edge->state_name;
	if (edge->state == PEEPS_STATE_ACTIVE)
		return peeps_arena_format(
			e->telling.arena, "%s for %s", edge->state_name,
			peeps_duration_floor(duration, since_ns(e, process, edge->last_change_ns)));
	return peeps_arena_format(e->telling.arena, "%s %s", edge->state_name,
				  moment(e, process, edge->last_change_ns));
}

/* An operation, but for its other end. */
static const char *operation(const struct explain *e, const struct peeps_edge *edge)
{
	const char *state = state_of(e, edge);

	return state ? peeps_arena_format(e->telling.arena, "%s %s%s%s%s",
					  edge->op_kind ? edge->op_kind : "?", state,
					  place_of(e, &edge->source), details_of(e, edge),
					  edge->uncertain ? ", unproved" : "")
		     : NULL;
}

/* A hold, but for its ends: "lock exclusive for 3.1 s at /src/bank.c:42 in libbank". */
static const char *hold_of(const struct explain *e, const struct peeps_edge *hold)
{
	const uint64_t held_ns = peeps_edge_held_ns(e->graph, hold);
	const char *depth = peeps_label_depth(e->telling.arena, hold);
	char duration[PEEPS_DURATION_BYTES] = "an unknown time", count[32] = "";

	if (held_ns != PEEPS_NO_TIME)
		(void)peeps_duration_ceil(duration, held_ns, hold->held_accuracy_ns);
	if (hold->count != 1 && !depth)
		(void)snprintf(count, sizeof(count), " x%" PRIu64, hold->count);
	return peeps_arena_format(e->telling.arena, "%s%s%s%s for %s%s%s%s%s",
				  hold->role ? hold->role : "held", hold->mode ? " " : "",
				  hold->mode ? hold->mode : "", count, duration, depth ? ", " : "",
				  depth ? depth : "", place_of(e, &hold->source),
				  hold->uncertain ? ", unproved" : "");
}

static const char *name_of(const struct explain *e, uint32_t node)
{
	return e->graph->nodes[node].role == PEEPS_ROLE_ACTOR
		       ? peeps_label_actor(&e->telling.labels, e->graph, node)
		       : peeps_label_resource(e->telling.arena, e->graph, node, PEEPS_LABEL_SHORT);
}

/* "alpha: lock exclusive for 3.1 s", and what it does meanwhile. */
static void print_holder(const struct explain *e, const struct peeps_edge *hold)
{
	const char *what = hold_of(e, hold);
	const char *doing = peeps_way_out_doing(&e->telling, hold->dst);

	print_line(e, 1,
		   peeps_arena_format(e->telling.arena, "%s: %s%s%s", name_of(e, hold->dst),
				      what ? what : "", doing ? ", " : "", doing ? doing : ""));
}

static void print_holders(const struct explain *e, uint32_t node, const char *title)
{
	struct list list = list_of(e, title);

	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];

		if (edge->kind == PEEPS_EDGE_HOLDS && edge->src == node && list_next(&list))
			print_holder(e, edge);
	}
	list_end(&list);
}

/* Who waits for something, longest first, and what would end the longest wait. */
static void print_waiters(const struct explain *e, uint32_t node, const char *title)
{
	size_t count;
	const uint32_t *waits = peeps_wait_index_at(&e->telling.by_resource, node, &count);
	struct list list = list_of(e, title);

	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *edge =
			peeps_telling_edge(&e->telling, &e->telling.waits.waits[waits[i]]);

		if (list_next(&list))
			print_line(e, 1,
				   peeps_arena_format(e->telling.arena, "%s: %s",
						      name_of(e, edge->src), operation(e, edge)));
	}
	list_end(&list);
	if (count)
		print_line(e, 1,
			   peeps_arena_format(
				   e->telling.arena, "%s ends %s",
				   count > 1 ? "the longest" : "that",
				   peeps_way_out(
					   &e->telling,
					   peeps_telling_edge(&e->telling,
							      &e->telling.waits.waits[waits[0]]))));
}

/* --- what an actor does ----------------------------------------------------------------------------------------- */

/* Those who could end a wait, and what they do instead. */
static void print_enders(const struct explain *e, const struct peeps_wait *wait)
{
	for (size_t i = 0; i < wait->holder_count; i++) {
		const uint32_t holder = e->graph->edges[wait->holders[i]].dst;
		const char *what = hold_of(e, &e->graph->edges[wait->holders[i]]);
		const char *doing = peeps_way_out_doing(&e->telling, holder);

		if (i == BELOW_MAX) {
			(void)fprintf(e->out, "    and %zu more\n", wait->holder_count - i);
			return;
		}
		print_line(e, 2,
			   peeps_arena_format(e->telling.arena, "%s: %s%s%s", name_of(e, holder),
					      what ? what : "", doing ? ", " : "",
					      doing ? doing : ""));
	}
}

static void print_waits(const struct explain *e, uint32_t actor)
{
	size_t count;
	const uint32_t *waits = peeps_wait_index_at(&e->telling.by_actor, actor, &count);
	struct list list = list_of(e, "waits for");

	for (size_t i = 0; i < count; i++) {
		const struct peeps_wait *wait = &e->telling.waits.waits[waits[i]];
		const struct peeps_edge *edge = peeps_telling_edge(&e->telling, wait);

		if (!list_next(&list))
			continue;
		print_line(e, 1,
			   peeps_arena_format(e->telling.arena, "%s: %s", name_of(e, edge->dst),
					      operation(e, edge)));
		print_line(e, 2,
			   peeps_arena_format(e->telling.arena, "it ends %s",
					      peeps_way_out(&e->telling, edge)));
		print_enders(e, wait);
	}
	list_end(&list);
}

/* Who waits because of a hold: at the same thing, or at the other end of the channel. */
static void print_held_up(const struct explain *e, const struct peeps_edge *hold)
{
	const uint32_t target = peeps_wakers_across(&e->telling.waits.wakers, hold->src);
	const uint32_t *waits;
	size_t count;

	if (target == PEEPS_NO_NODE)
		return;
	waits = peeps_wait_index_at(&e->telling.by_resource, target, &count);
	for (size_t i = 0; i < count && i < BELOW_MAX; i++)
		print_line(e, 2,
			   peeps_label_wait(e->telling.arena, &e->telling.labels, e->graph,
					    peeps_telling_edge(&e->telling,
							       &e->telling.waits.waits[waits[i]]),
					    PEEPS_LABEL_SHORT));
	if (count > BELOW_MAX)
		(void)fprintf(e->out, "    and %zu more wait for it\n", count - BELOW_MAX);
}

static void print_holds(const struct explain *e, uint32_t actor)
{
	struct list list = list_of(e, "holds");

	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];

		if (edge->kind != PEEPS_EDGE_HOLDS || edge->dst != actor || !list_next(&list))
			continue;
		print_line(e, 1,
			   peeps_arena_format(e->telling.arena, "%s: %s", name_of(e, edge->src),
					      hold_of(e, edge)));
		print_held_up(e, edge);
	}
	list_end(&list);
}

static void print_inside(const struct explain *e, uint32_t actor)
{
	const struct peeps_node *node = &e->graph->nodes[actor];
	const uint32_t task = e->telling.waits.wakers.inside[actor].task;
	const uint32_t thread = peeps_node_attribute(node, "thread_id");
	const char *doing;

	if (thread != PEEPS_NO_NODE)
		print_fact(e, "runs on", "%s", name_of(e, thread));
	if (task == PEEPS_NO_NODE)
		return;
	doing = peeps_way_out_doing(&e->telling, task);
	print_fact(e, node->kind_number == PEEPS_KIND_THREAD ? "runs" : "waits for its inner",
		   "%s%s%s", name_of(e, task), doing ? ", " : "", doing ? doing : "");
}

/* --- operations that do not wait -------------------------------------------------------------------------------- */

static bool is_operation(const struct peeps_edge *edge)
{
	return edge->kind == PEEPS_EDGE_NEEDS && edge->op != PEEPS_OP_NONE;
}

/* Those of an actor, or on a resource: begun and not blocked, or over. */
static void print_operations(const struct explain *e, uint32_t node, bool finished,
			     const char *title)
{
	struct list list = list_of(e, title);

	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];
		const bool over = edge->state != PEEPS_STATE_ACTIVE;

		if (!is_operation(edge) || (edge->src != node && edge->dst != node) ||
		    peeps_edge_is_wait(e->graph, edge) || over != finished || !list_next(&list))
			continue;
		print_line(e, 1,
			   peeps_arena_format(e->telling.arena, "%s: %s",
					      name_of(e, edge->src == node ? edge->dst : edge->src),
					      operation(e, edge)));
	}
	list_end(&list);
}

/* --- links, scopes, findings ------------------------------------------------------------------------------------ */

static void print_links(const struct explain *e, uint32_t node)
{
	for (size_t i = 0; i < e->graph->edge_count; i++) {
		const struct peeps_edge *edge = &e->graph->edges[i];
		const uint32_t other = edge->src == node ? edge->dst : edge->src;

		if ((edge->kind != PEEPS_EDGE_CHANNEL_LINK && edge->kind != PEEPS_EDGE_RPC_LINK) ||
		    (edge->src != node && edge->dst != node))
			continue;
		print_fact(e,
			   edge->kind == PEEPS_EDGE_CHANNEL_LINK ? "other end"
			   : edge->src == node                   ? "response"
								 : "request",
			   "%s", e->graph->nodes[other].id);
	}
}

static void print_scopes_of(const struct explain *e, uint32_t node)
{
	for (size_t i = 0; i < e->graph->membership_count; i++) {
		if (e->graph->memberships[i].node == node)
			print_fact(e, "in scope", "%s",
				   e->graph->scopes[e->graph->memberships[i].scope].id);
	}
}

static bool contains(const uint32_t *nodes, size_t count, uint32_t node)
{
	for (size_t i = 0; i < count; i++) {
		if (nodes[i] == node)
			return true;
	}
	return false;
}

static void print_findings(const struct explain *e, uint32_t node)
{
	struct list list = list_of(e, "found");

	for (size_t i = 0; i < e->graph->finding_count; i++) {
		const struct peeps_finding *finding = &e->graph->findings[i];
		const bool part = contains(finding->nodes, finding->node_count, node);

		if (!part && !contains(finding->victims, finding->victim_count, node))
			continue;
		if (list_next(&list))
			print_line(e, 1,
				   part ? finding->sentence
					: peeps_arena_format(e->telling.arena, "stuck behind: %s",
							     finding->sentence));
	}
	list_end(&list);
}

/* --- who it is -------------------------------------------------------------------------------------------------- */

static void print_process(const struct explain *e, uint32_t process)
{
	print_fact(e, "process", "%s (pid %" PRIu32 ")", e->graph->processes[process].proc_key,
		   e->graph->processes[process].pid);
}

static void print_identity(const struct explain *e, const struct peeps_node *node)
{
	const uint32_t creator = peeps_node_attribute(node, "creator_task_id");
	const char *by = creator == PEEPS_NO_NODE ? NULL : name_of(e, creator);

	print_fact(e, "id", "%s", node->id);
	print_process(e, node->process);
	print_fact(e, "made", "%s%s%s%s%s", moment(e, node->process, node->created_ns),
		   by ? " by " : "", by ? by : "", place_of(e, &node->source),
		   node->source.file && node->source.as_compiled ? " (path as compiled)" : "");
	if (node->gone)
		print_fact(e, "now", "exited");
	else if (node->uncertain)
		print_fact(e, "note", "not proved by this snapshot");
}

static void print_title(const struct explain *e, uint32_t number)
{
	const struct peeps_node *node = &e->graph->nodes[number];

	print_line(
		e, 0,
		node->role == PEEPS_ROLE_ACTOR
			? peeps_arena_format(e->telling.arena, "%s \"%s\"", node->kind, node->name)
			: peeps_label_resource(e->telling.arena, e->graph, number,
					       PEEPS_LABEL_SHORT));
}

static void explain_actor(const struct explain *e, uint32_t actor)
{
	const char *activity = peeps_label_activity(e->telling.arena, e->graph, actor);

	if (activity && !e->graph->nodes[actor].gone)
		print_fact(e, "now", "%s", activity);
	print_inside(e, actor);
	print_attributes(e, &e->graph->nodes[actor]);
	print_scopes_of(e, actor);
	print_waits(e, actor);
	print_holds(e, actor);
	print_holders(e, actor, "held by");
	print_waiters(e, actor, "waited for by");
}

static void explain_channel(const struct explain *e, uint32_t end, uint32_t other)
{
	const bool sends = peeps_kind_sends(e->graph->nodes[end].kind_number);
	const uint32_t tx = sends ? end : other, rx = sends ? other : end;

	if (tx != PEEPS_NO_NODE)
		print_holders(e, tx, "who can send");
	if (rx != PEEPS_NO_NODE)
		print_holders(e, rx, "who can receive");
	if (tx != PEEPS_NO_NODE)
		print_waiters(e, tx, "waiting to send");
	if (rx != PEEPS_NO_NODE)
		print_waiters(e, rx, "waiting to receive");
}

static void explain_resource(const struct explain *e, uint32_t resource)
{
	const struct peeps_node *node = &e->graph->nodes[resource];

	print_attributes(e, node);
	print_links(e, resource);
	print_scopes_of(e, resource);
	if (peeps_kind_is_channel_end(node->kind_number)) {
		explain_channel(e, resource,
				peeps_wakers_across(&e->telling.waits.wakers, resource));
		return;
	}
	print_holders(e, resource, "held by");
	print_waiters(e, resource, "waited for by");
}

static void explain_node(const struct explain *e, uint32_t node)
{
	print_title(e, node);
	print_identity(e, &e->graph->nodes[node]);
	if (e->graph->nodes[node].role == PEEPS_ROLE_ACTOR)
		explain_actor(e, node);
	else
		explain_resource(e, node);
	print_operations(e, node, false, "under way");
	print_operations(e, node, true, "over");
	print_findings(e, node);
}

static void explain_scope(const struct explain *e, uint32_t number)
{
	const struct peeps_graph_scope *scope = &e->graph->scopes[number];
	struct list list = list_of(e, "members");

	print_line(e, 0,
		   peeps_arena_format(e->telling.arena, "%s \"%s\"", scope->kind, scope->name));
	print_fact(e, "id", "%s", scope->id);
	print_process(e, scope->process);
	print_fact(e, "made", "%s", moment(e, scope->process, scope->created_ns));
	for (size_t i = 0; i < e->graph->membership_count; i++) {
		const uint32_t node = e->graph->memberships[i].node;
		const char *doing;

		if (e->graph->memberships[i].scope != number || !list_next(&list))
			continue;
		doing = e->graph->nodes[node].role == PEEPS_ROLE_ACTOR
				? peeps_way_out_doing(&e->telling, node)
				: NULL;
		print_line(e, 1,
			   peeps_arena_format(e->telling.arena, "%s%s%s", e->graph->nodes[node].id,
					      doing ? ", " : "", doing ? doing : ""));
	}
	list_end(&list);
}

int peeps_explain_text(const struct peeps_graph *graph, const struct peeps_subject *subject,
		       bool all, FILE *out)
{
	struct explain e = { .graph = graph, .all = all, .out = out };
	int r = peeps_telling_init(&e.telling, graph, 0);

	if (r)
		return r;
	if (subject->is_scope)
		explain_scope(&e, subject->number);
	else
		explain_node(&e, subject->number);
	r = peeps_arena_failed(e.telling.arena) ? -ENOMEM : 0;
	peeps_telling_deinit(&e.telling);
	return r;
}
