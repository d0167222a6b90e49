/* SPDX-License-Identifier: MIT */
#include "reader/verb_check.h"

#include <string.h>

#include "reader/edge_index.h"
#include "reader/document.h"
#include "reader/graph.h"
#include "reader/json.h"
#include "reader/labels.h"
#include "reader/print.h"
#include "reader/waits.h"
#include "reader/wakers.h"

#define VICTIMS_NAMED 10

/* The first certain one is the gravest: reader/findings.h. */
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

/* What comes before and after a resource's name. */
struct doubt {
	const char *before, *after;
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
	static const struct doubt receiver = {
		"the receiver of mpsc ",
		" may be somebody else's: peeps_mpsc_rx_moved() says whose it is"
	};
	static const struct doubt sender = {
		"a sender of mpsc ",
		" may be somebody else's: peeps_mpsc_tx_moved() says whose it is"
	};
	static const struct doubt left = { "who had the other end of mpsc ",
					   " has exited, and may have left it to another" };
	static const struct doubt closing = { "another owner of a sender could close mpsc ", "" };
	static const struct doubt permits = { "permits of semaphore ",
					      " were released by others than their holders" };
	static const struct doubt unreturned = {
		"whoever holds permits of semaphore ",
		" may have left it to others to give them back: not all have given back any"
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
		(void)fprintf(out, "  not certain: %s\"", doubt->before);
		peeps_escape_to(out, graph->nodes[edge->dst].name);
		(void)fprintf(out, "\"%s\n", doubt->after);
	}
	if (blind)
		(void)fputs("  not certain: there are threads of which nothing is recorded\n", out);
	if (waits_for_its_own_permits(graph, finding))
		(void)fputs("  not certain: anybody may release a semaphore\n", out);
}

static void print_finding(const struct peeps_labels *labels, const struct peeps_wakers *wakers,
			  const struct peeps_graph *graph, const struct peeps_finding *finding,
			  FILE *out)
{
	const char *certainty = finding->certain ? "certain" : "possible";
	const char *who = noun(graph, finding);

	switch (finding->kind) {
	case PEEPS_FINDING_DEADLOCK:
		if (finding->step_count == 1)
			(void)fprintf(out, "deadlock (%s): 1 %s waits for itself\n", certainty,
				      who);
		else
			(void)fprintf(out, "deadlock (%s): %zu %ss wait for each other\n",
				      certainty, finding->step_count, who);
		for (size_t i = 0; i < finding->step_count; i++)
			print_indented(finding->steps[i], out);
		break;
	case PEEPS_FINDING_ORPHANED_WAIT:
		(void)fprintf(out, "orphaned wait (%s): %s is left who could end it\n", certainty,
			      finding->certain ? "nobody" : "perhaps nobody");
		for (size_t i = 0; i < finding->step_count; i++)
			print_indented(finding->steps[i], out);
		break;
	case PEEPS_FINDING_LONG_WAIT:
		(void)fprintf(out, "long wait (%s): ", certainty);
		peeps_escape_to(out, finding->sentence);
		(void)fputc('\n', out);
		return; /* it does wait, whoever could end that */
	}
	print_doubts(wakers, graph, finding, out);
	print_victims(labels, graph, finding, out);
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

static bool is_exact(const struct peeps_graph *graph)
{
	return graph->quality == PEEPS_QUALITY_CUT || graph->quality == PEEPS_QUALITY_QUIESCENT;
}

static void print_no_deadlock(const struct peeps_graph *graph, FILE *out)
{
	const bool exact = is_exact(graph);
	size_t waits = 0, out_of_sight = 0;

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (!peeps_edge_is_wait(graph, edge))
			continue;
		waits++;
		out_of_sight += is_held_out_of_sight(graph, edge);
	}
	if (exact && !peeps_graph_is_whole(graph))
		(void)fputs("no deadlock found, but not everything could be recorded: ", out);
	else if (exact && out_of_sight == 0)
		(void)fputs("no deadlock: ", out);
	else if (exact)
		(void)fputs("no deadlock seen: ", out);
	else
		(void)fprintf(out, "no deadlock found, but the snapshot is %s: ",
			      peeps_quality_name(graph->quality));
	if (waits == 0)
		(void)fputs("nothing waits\n", out);
	else if (out_of_sight > 0)
		(void)fprintf(out, waits == 1 ? "%zu operation waits\n" : "%zu operations wait\n",
			      waits);
	else if (waits == 1)
		(void)fputs("1 operation waits, and can still be woken\n", out);
	else
		(void)fprintf(out, "%zu operations wait, all can still be woken\n", waits);
	print_out_of_sight(out_of_sight, out);
}

static void print_findings(const struct peeps_labels *labels, const struct peeps_wakers *wakers,
			   const struct peeps_graph *graph, FILE *out)
{
	bool stuck = false, certain = false;

	for (size_t i = 0; i < graph->finding_count; i++) {
		const struct peeps_finding *finding = &graph->findings[i];

		print_finding(labels, wakers, graph, finding, out);
		if (finding->kind != PEEPS_FINDING_LONG_WAIT) {
			stuck = true;
			certain |= finding->certain;
		}
	}
	if (!stuck)
		print_no_deadlock(graph, out);
	else if (!certain && is_exact(graph))
		(void)fputs("no certain deadlock\n", out);
	else if (!certain)
		(void)fprintf(out, "no certain deadlock: the snapshot is %s\n",
			      peeps_quality_name(graph->quality));
}

int peeps_check_text(const struct peeps_graph *graph, FILE *out)
{
	struct peeps_labels labels;
	struct peeps_wakers wakers;
	int r = peeps_labels_init(&labels, graph);

	if (r)
		return r;
	r = peeps_wakers_init(&wakers, graph);
	if (r == 0) {
		print_findings(&labels, &wakers, graph, out);
		peeps_wakers_deinit(&wakers);
	}
	peeps_labels_deinit(&labels);
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
