/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/format/color.h"
#include "reader/graph/edge_index.h"
#include "reader/format/document.h"
#include "reader/graph/graph.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/graph/ends.h"
#include "reader/words/telling.h"
#include "reader/verbs/wait_json.h"
#include "reader/analysis/wakers.h"

#define VICTIMS_NAMED 10

/* The first certain one is the gravest: reader/analysis/findings.h. */
static const struct peeps_finding *gravest(const struct peeps_graph *graph)
{
	for (size_t i = 0; i < graph->finding_count; i++) {
		if (graph->findings[i].certain)
			return &graph->findings[i];
	}
	return NULL;
}

bool peeps_check_found(const struct peeps_graph *graph)
{
	return gravest(graph) != NULL;
}

/* "thread" or "task" if they all are, else "actor". */
static const char *noun(const struct peeps_graph *graph, const struct peeps_finding *finding)
{
	bool threads = false, tasks = false;

	for (size_t i = 0; i < finding->node_count; i++) {
		const struct peeps_node *node = &graph->nodes[finding->nodes[i]];

		if (node->role != PEEPS_ROLE_ACTOR)
			continue;
		threads |= node->kind_number == PEEPS_KIND_THREAD;
		tasks |= node->kind_number != PEEPS_KIND_THREAD;
	}
	return !tasks ? "thread" : !threads ? "task" : "actor";
}

static void print_indented(const char *text, FILE *out)
{
	(void)fputs("  ", out);
	peeps_escape_to(out, text);
	(void)fputc('\n', out);
}

static void print_victims(const struct peeps_labels *labels, const struct peeps_graph *graph,
			  const struct peeps_finding *finding, FILE *out)
{
	if (!finding->victim_count)
		return;
	(void)fputs("  stuck behind it: ", out);
	for (size_t i = 0; i < finding->victim_count && i < VICTIMS_NAMED; i++) {
		(void)fputs(i ? ", " : "", out);
		peeps_escape_to(out, peeps_label_actor(labels, graph, finding->victims[i]));
	}
	if (finding->victim_count > VICTIMS_NAMED)
		(void)fprintf(out, " and %zu more", finding->victim_count - VICTIMS_NAMED);
	(void)fputc('\n', out);
}

/* What comes before and after a resource's kind and name, and the call that would say whose a handle is. */
struct doubt {
	const char *before, *after;
	const char *says; /* NULL = there is none */
};

/* Somebody else has a sender, and does not wait himself, or is not known. */
static bool another_could_close(const struct peeps_wakers *wakers, const struct peeps_edge *wait)
{
	const struct peeps_graph *graph = wakers->graph;
	size_t count;
	const uint32_t *senders = peeps_edge_index_at(&wakers->holds, wait->dst, &count);

	for (size_t i = 0; i < count; i++) {
		const uint32_t owner = graph->edges[senders[i]].dst;
		const struct peeps_value *activity =
			peeps_graph_attribute(&graph->nodes[owner], "activity");

		if (owner != wait->src && !graph->nodes[owner].gone &&
		    !(activity && activity->type == PEEPS_VALUE_TEXT &&
		      strcmp(activity->as.text, "blocked") == 0))
			return true;
	}
	return !wakers->holding[wait->dst].owned;
}

/* They said that it was theirs: what is not known is what became of it since. */
static bool all_owners_left(const struct peeps_wakers *wakers, uint32_t end)
{
	const struct peeps_graph *graph = wakers->graph;
	size_t count;
	const uint32_t *holds = peeps_edge_index_at(&wakers->holds, end, &count);

	for (size_t i = 0; i < count; i++) {
		const struct peeps_edge *hold = &graph->edges[holds[i]];

		if (hold->mode_number != PEEPS_HOLD_MODE_OWNER || !graph->nodes[hold->dst].gone)
			return false;
	}
	return count > 0;
}

/* What of a wait does not prove that it cannot end; NULL if all does that is known here. */
static const struct doubt *doubt_of(const struct peeps_wakers *wakers,
				    const struct peeps_edge *wait)
{
	static const struct doubt receiver = { "the receiver of ", " may be somebody else's",
					       "rx_moved" };
	static const struct doubt sender = { "a sender of ", " may be somebody else's",
					     "tx_moved" };
	static const struct doubt left = { "who had the other end of ",
					   " has exited, and may have left it to another", NULL };
	static const struct doubt closing = { "another owner of a sender could close ", "", NULL };
	static const struct doubt permits = { "permits of ",
					      " were released by others than their holders", NULL };
	static const struct doubt unreturned = {
		"whoever holds permits of ",
		" may have left it to others to give them back: not all have given back any", NULL
	};
	const struct peeps_node *resource = &wakers->graph->nodes[wait->dst];
	const uint32_t across = peeps_wakers_across(wakers, wait->dst);
	const bool owned = across == PEEPS_NO_NODE || wakers->holding[across].owned;
	const bool gone = !owned && all_owners_left(wakers, across);
	uint64_t anonymous = 0, back = 0;

	switch (wait->op) {
	case PEEPS_OP_SEND:
		return gone                                ? &left
		       : !owned                            ? &receiver
		       : another_could_close(wakers, wait) ? &closing
							   : NULL;
	case PEEPS_OP_RECV:
		return gone ? &left : owned ? NULL : &sender;
	case PEEPS_OP_ACQUIRE:
		(void)peeps_number_attribute(resource, "anonymous_releases", &anonymous);
		(void)peeps_number_attribute(resource, "unattributed_back", &back);
		return anonymous || back ? &permits : owned ? NULL : &unreturned;
	default:
		return NULL;
	}
}

/* A semaphore is also released by others than who holds it: so waiting for oneself is no proof. */
static bool waits_for_its_own_permits(const struct peeps_graph *graph,
				      const struct peeps_finding *finding)
{
	return finding->step_count == 1 && finding->edge_count == 2 &&
	       graph->edges[finding->edges[0]].op == PEEPS_OP_ACQUIRE &&
	       graph->edges[finding->edges[1]].dst == graph->edges[finding->edges[0]].src;
}

static void print_doubt(const struct doubt *doubt, const struct peeps_node *resource, FILE *out)
{
	const char *channel = peeps_channel_kind(resource->kind_number);
	const char *kind = channel ? channel : resource->kind;

	(void)fprintf(out, "  not certain: %s", doubt->before);
	peeps_escape_to(out, kind);
	(void)fputs(" \"", out);
	peeps_escape_to(out, resource->name);
	(void)fprintf(out, "\"%s", doubt->after);
	if (doubt->says && channel)
		(void)fprintf(out, ": peeps_%s_%s() says whose it is", channel, doubt->says);
	(void)fputc('\n', out);
}

static void print_doubts(const struct peeps_wakers *wakers, const struct peeps_graph *graph,
			 const struct peeps_finding *finding, FILE *out)
{
	bool blind = false;

	if (finding->certain)
		return;
	for (size_t i = 0; i < finding->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[finding->edges[i]];
		const struct doubt *doubt = doubt_of(wakers, edge);

		blind |= edge->op != PEEPS_OP_NONE && peeps_wakers_blind(wakers, edge);
		if (!doubt)
			continue;
		print_doubt(doubt, &graph->nodes[edge->dst], out);
	}
	if (blind)
		(void)fputs("  not certain: there are threads of which nothing is recorded\n", out);
	if (waits_for_its_own_permits(graph, finding))
		(void)fputs("  not certain: anybody may release a semaphore\n", out);
}

struct check {
	const struct peeps_check_view *view;
	struct peeps_telling telling;
	uint32_t *like;     /* by edge: position of the longest wait like this one */
	uint32_t *findings; /* by that position: how many findings are of such waits */
};

static void print_headline(const struct check *c, const struct peeps_finding *finding,
			   const char *what, const char *certainty, FILE *out)
{
	const bool colored = c->view->colored;

	peeps_color_begin(colored,
			  finding->certain ? PEEPS_MEANING_CERTAIN : PEEPS_MEANING_POSSIBLE, out);
	(void)fprintf(out, "%s (%s)", what, certainty);
	peeps_color_end(colored, out);
	(void)fputs(": ", out);
}

/* --- long waits that are the same but for who waits ------------------------------------------------------------- */

/* A snapshot from elsewhere may have findings without evidence. */
static bool is_long_wait(const struct peeps_finding *finding)
{
	return finding->kind == PEEPS_FINDING_LONG_WAIT && finding->edge_count > 0;
}

static int count_alike(struct check *c)
{
	const struct peeps_graph *graph = c->telling.graph;
	const struct peeps_waits *waits = &c->telling.waits;

	c->like = peeps_arena_take(c->telling.arena, graph->edge_count + 1, sizeof(*c->like));
	c->findings = peeps_arena_take(c->telling.arena, waits->count + 1, sizeof(*c->findings));
	if (!c->like || !c->findings)
		return -ENOMEM;
	for (size_t i = 0; i < waits->count; i++)
		c->like[waits->waits[i].edge] = waits->waits[i].like;
	for (size_t i = 0; i < graph->finding_count; i++) {
		if (is_long_wait(&graph->findings[i]))
			c->findings[c->like[graph->findings[i].edges[0]]]++;
	}
	return 0;
}

static void print_long_wait(struct check *c, const struct peeps_finding *finding,
			    const char *certainty, FILE *out)
{
	uint32_t apart = 1;
	uint32_t *count = is_long_wait(finding) ? &c->findings[c->like[finding->edges[0]]] : &apart;

	if (*count == 0)
		return; /* told with the first of them */
	print_headline(c, finding, "long wait", certainty, out);
	peeps_escape_to(out, finding->sentence);
	(void)fputc('\n', out);
	if (!c->view->all && *count > PEEPS_ALIKE_MAX) {
		(void)fprintf(out, "  and %" PRIu32 " others wait so long for the same\n",
			      *count - 1);
		*count = 0;
	}
}

/* --- all findings ----------------------------------------------------------------------------------------------- */

static void print_steps(const struct peeps_finding *finding, FILE *out)
{
	for (size_t i = 0; i < finding->step_count; i++)
		print_indented(finding->steps[i], out);
}

static void print_finding(struct check *c, const struct peeps_finding *finding, FILE *out)
{
	const struct peeps_graph *graph = c->telling.graph;
	const char *certainty = peeps_certainty_name(finding);
	const char *who = noun(graph, finding);

	switch (finding->kind) {
	case PEEPS_FINDING_DEADLOCK:
		print_headline(c, finding, "deadlock", certainty, out);
		if (finding->step_count == 1)
			(void)fprintf(out, "1 %s waits for itself\n", who);
		else
			(void)fprintf(out, "%zu %ss wait for each other\n", finding->step_count,
				      who);
		break;
	case PEEPS_FINDING_ORPHANED_WAIT:
		print_headline(c, finding, "orphaned wait", certainty, out);
		(void)fprintf(out, "%s is left who could end it\n",
			      finding->certain ? "nobody" : "perhaps nobody");
		break;
	case PEEPS_FINDING_LONG_WAIT:
		print_long_wait(c, finding, certainty, out);
		return; /* it does wait, whoever could end that */
	}
	print_steps(finding, out);
	print_doubts(&c->telling.waits.wakers, graph, finding, out);
	print_victims(&c->telling.labels, graph, finding, out);
}

/* In transit for so long nothing is: it was locked where peeps does not look. */
#define OUT_OF_SIGHT_NS UINT64_C(1000000000)

static bool is_held_out_of_sight(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	const struct peeps_value *holder =
		peeps_graph_attribute(&graph->nodes[edge->dst], "holder");
	const uint64_t pending_ns = peeps_edge_pending_ns(graph, edge);

	return holder && holder->type == PEEPS_VALUE_NULL && pending_ns != PEEPS_NO_TIME &&
	       pending_ns >= OUT_OF_SIGHT_NS;
}

static void print_out_of_sight(size_t count, FILE *out)
{
	if (count == 0)
		return;
	(void)fprintf(
		out,
		"  %zu of them for a lock that nobody is seen to hold: taken where peeps does not look,\n"
		"  as by pthread_cond_wait() on .raw?\n",
		count);
}

/* Only another process, which is not in this graph, could end it. */
static bool is_for_another_process(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	uint64_t until_ms;

	return graph->nodes[edge->dst].kind_number == PEEPS_KIND_FOREIGN &&
	       !peeps_times_out(edge, &until_ms);
}

#define PROCESSES_NAMED 4

/* Which ones they are, each once, in the order of the operations. */
static void print_other_processes(const struct check *c, FILE *out)
{
	const struct peeps_graph *graph = c->telling.graph;
	const char *named[PROCESSES_NAMED];
	size_t count = 0;

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];
		const char *process;
		bool known = false;

		if (!peeps_edge_is_wait(graph, edge) || !is_for_another_process(graph, edge))
			continue;
		process = peeps_label_elsewhere(c->telling.arena, graph, edge->dst);
		for (size_t j = 0; j < count; j++)
			known |= process && strcmp(named[j], process) == 0;
		if (!process || known)
			continue;
		if (count == PROCESSES_NAMED) {
			(void)fputs(", ...", out);
			return;
		}
		(void)fputs(count ? ", " : ": ", out);
		peeps_escape_to(out, process);
		named[count++] = process;
	}
}

static void print_elsewhere(const struct check *c, size_t count, FILE *out)
{
	if (count == 0)
		return;
	(void)fprintf(out, "  %zu of them for another process, which was not looked at", count);
	print_other_processes(c, out);
	(void)fputs("\n  name it as a target, too, to see who waits for whom across them\n", out);
}

static bool is_exact(const struct peeps_graph *graph)
{
	return graph->quality == PEEPS_QUALITY_CUT || graph->quality == PEEPS_QUALITY_QUIESCENT;
}

static void print_no_deadlock(const struct check *c, FILE *out)
{
	const struct peeps_graph *graph = c->telling.graph;
	const bool exact = is_exact(graph);
	size_t waits = 0, out_of_sight = 0, elsewhere = 0;

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (!peeps_edge_is_wait(graph, edge))
			continue;
		waits++;
		out_of_sight += is_held_out_of_sight(graph, edge);
		elsewhere += is_for_another_process(graph, edge);
	}
	if (exact && !peeps_graph_is_whole(graph))
		(void)fputs("no deadlock found, but not everything could be recorded: ", out);
	else if (exact && out_of_sight == 0 && elsewhere == 0)
		(void)fputs("no deadlock: ", out);
	else if (exact)
		(void)fputs("no deadlock seen: ", out);
	else
		(void)fprintf(out, "no deadlock found, but the snapshot is %s: ",
			      peeps_quality_name(graph->quality));
	if (waits == 0)
		(void)fputs("nothing waits\n", out);
	else if (out_of_sight > 0 || elsewhere > 0)
		(void)fprintf(out, waits == 1 ? "%zu operation waits\n" : "%zu operations wait\n",
			      waits);
	else if (waits == 1)
		(void)fputs("1 operation waits, and can still be woken\n", out);
	else
		(void)fprintf(out, "%zu operations wait, all can still be woken\n", waits);
	print_out_of_sight(out_of_sight, out);
	print_elsewhere(c, elsewhere, out);
}

static void print_findings(struct check *c, FILE *out)
{
	const struct peeps_graph *graph = c->telling.graph;
	bool stuck = false, certain = false;

	for (size_t i = 0; i < graph->finding_count; i++) {
		const struct peeps_finding *finding = &graph->findings[i];

		print_finding(c, finding, out);
		if (finding->kind != PEEPS_FINDING_LONG_WAIT) {
			stuck = true;
			certain |= finding->certain;
		}
	}
	if (!stuck)
		print_no_deadlock(c, out);
	else if (!certain && is_exact(graph))
		(void)fputs("no certain deadlock\n", out);
	else if (!certain)
		(void)fprintf(out, "no certain deadlock: the snapshot is %s\n",
			      peeps_quality_name(graph->quality));
}

int peeps_check_text(const struct peeps_graph *graph, const struct peeps_check_view *view,
		     FILE *out)
{
	struct check c = { .view = view };
	int r = peeps_telling_init(&c.telling, graph, 0);

	if (r)
		return r;
	r = count_alike(&c);
	if (r == 0)
		print_findings(&c, out);
	peeps_telling_deinit(&c.telling);
	return r;
}

static void write_waits(const struct peeps_graph *graph, const struct peeps_telling *telling,
			const bool *is_evidence, struct peeps_json *json)
{
	peeps_json_key(json, "waits");
	peeps_json_array(json);
	for (size_t i = 0; i < telling->waits.count; i++) {
		const struct peeps_wait *wait = &telling->waits.waits[i];

		if (is_evidence[wait->edge])
			peeps_wait_json(json, graph, wait, NULL);
	}
	peeps_json_array_end(json);
}

int peeps_check_waits_json(const struct peeps_graph *graph, struct peeps_json *json)
{
	struct peeps_telling telling;
	bool *is_evidence;
	int r = peeps_telling_init(&telling, graph, 0);

	if (r)
		return r;
	is_evidence = peeps_arena_take(telling.arena, graph->edge_count + 1, sizeof(*is_evidence));
	r = is_evidence ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < graph->finding_count; i++) {
		for (size_t j = 0; j < graph->findings[i].edge_count; j++)
			is_evidence[graph->findings[i].edges[j]] = true;
	}
	if (r == 0)
		write_waits(graph, &telling, is_evidence, json);
	peeps_telling_deinit(&telling);
	return r;
}

void peeps_check_json(const struct peeps_graph *graph, struct peeps_json *json)
{
	const struct peeps_finding *finding = gravest(graph);

	peeps_document_findings(&json->sink, graph);
	if (finding)
		peeps_json_text_at(json, "verdict", peeps_finding_name(finding->kind));
	else
		peeps_json_text_at(json, "verdict", graph->finding_count ? "possible" : "none");
}
