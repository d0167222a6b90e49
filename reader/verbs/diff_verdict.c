/* SPDX-License-Identifier: MIT */
#include "reader/verbs/diff_verdict.h"

#include <string.h>

#include "reader/format/color.h"
#include "reader/format/print.h"

#define KINDS_TOLD_MAX 8

struct verdict {
	const struct peeps_difference *difference;
	const struct peeps_movement *movement;
	const struct peeps_diff_view *view;
	FILE *out;
};

/* --- waits ------------------------------------------------------------------------------------------------------ */

static bool is_whole(const struct peeps_difference *difference)
{
	return peeps_graph_is_whole(difference->before) && peeps_graph_is_whole(difference->after);
}

static void print_elapsed(const struct verdict *v)
{
	char elapsed[PEEPS_DURATION_BYTES];

	(void)fprintf(v->out, "%s between them. ",
		      peeps_duration_floor(elapsed, v->difference->elapsed_ns));
}

static void print_same(const struct verdict *v, const struct peeps_wait_tally *tally)
{
	char longest[PEEPS_DURATION_BYTES], count[PEEPS_COUNT_BYTES];
	const bool one = tally->same == 1;

	if (tally->same == 0) {
		(void)fputs("No wait is the same as before", v->out);
		return;
	}
	(void)fprintf(v->out, "%s wait%s the same as before (no progress), %s has waited %s",
		      peeps_count(count, tally->same), one ? " is" : "s are",
		      one ? "it" : "the longest", peeps_duration_floor(longest, tally->longest_ns));
}

static void print_some(const struct verdict *v, size_t number, const char *one, const char *many)
{
	char count[PEEPS_COUNT_BYTES];

	if (number)
		(void)fprintf(v->out, "; %s %s", peeps_count(count, number),
			      number == 1 ? one : many);
}

static void print_waits(const struct verdict *v, const struct peeps_wait_tally *tally)
{
	const bool any = tally->same || tally->unproved || tally->begun || tally->ended;

	if (!any) {
		(void)fprintf(v->out, "Nobody %s%s, then or now.\n",
			      is_whole(v->difference) ? "" : "that could be recorded ",
			      v->view->min_ns ? "has waited that long" : "waits");
		return;
	}
	print_same(v, tally);
	print_some(v, tally->unproved, "seems to be the same (unproved)",
		   "seem to be the same (unproved)");
	print_some(v, tally->begun, "is new", "are new");
	print_some(v, tally->ended, "ended", "ended");
	(void)fputs(".\n", v->out);
}

/* --- findings --------------------------------------------------------------------------------------------------- */

static const char *finding_in_words(enum peeps_finding_kind kind, bool one)
{
	switch (kind) {
	case PEEPS_FINDING_DEADLOCK:
		return one ? "deadlock" : "deadlocks";
	case PEEPS_FINDING_ORPHANED_WAIT:
		return one ? "wait that nobody is left to end" : "waits that nobody is left to end";
	case PEEPS_FINDING_LONG_WAIT:
	default:
		return one ? "long wait" : "long waits";
	}
}

static void print_certain(const struct verdict *v, enum peeps_finding_kind kind, size_t still,
			  size_t fresh)
{
	char count[PEEPS_COUNT_BYTES];

	if (still + fresh == 0)
		return;
	peeps_color_begin(v->view->colored, PEEPS_MEANING_CERTAIN, v->out);
	if (still)
		(void)fprintf(v->out, "%s %s %s still there", peeps_count(count, still),
			      finding_in_words(kind, still == 1), still == 1 ? "is" : "are");
	if (fresh)
		(void)fprintf(v->out, "%s%s new %s", still ? ", " : "", peeps_count(count, fresh),
			      finding_in_words(kind, fresh == 1));
	peeps_color_end(v->view->colored, v->out);
	(void)fputs(" (certain).\n", v->out);
}

static void print_findings(const struct verdict *v)
{
	const struct peeps_graph *after = v->difference->after;
	size_t still[PEEPS_FINDING_LONG_WAIT + 1] = { 0 };
	size_t fresh[PEEPS_FINDING_LONG_WAIT + 1] = { 0 };

	for (size_t i = 0; i < after->finding_count; i++) {
		const struct peeps_finding *finding = &after->findings[i];

		if (!finding->certain)
			continue;
		if (v->difference->findings.before[i] == PEEPS_NOT_THERE)
			fresh[finding->kind]++;
		else
			still[finding->kind]++;
	}
	for (enum peeps_finding_kind kind = 0; kind <= PEEPS_FINDING_LONG_WAIT; kind++)
		print_certain(v, kind, still[kind], fresh[kind]);
}

/* --- what moved ------------------------------------------------------------------------------------------------- */

/* What a counter counts, if it counts progress. */
struct progress {
	const char *counter;
	const char *done;
};

static const struct progress progresses[] = {
	{ "acquires", "acquired" },
	{ "notifies", "notified" },
	{ "changes", "changed" },
};

void peeps_diff_print_kinds(const char *kind, size_t count, FILE *out)
{
	const size_t length = strlen(kind);
	const char last = length ? kind[length - 1] : '\0';

	peeps_escape_to(out, kind);
	if (count != 1)
		(void)fputs(last == 'x' || last == 's' || last == 'h' ? "es" : "s", out);
}

static const struct progress *progress_of(const struct verdict *v,
					  const struct peeps_moved_kind *kind)
{
	const struct peeps_node *node = &v->difference->after->nodes[kind->first];

	for (size_t i = 0; i < sizeof(progresses) / sizeof(progresses[0]); i++) {
		if (peeps_graph_attribute(node, progresses[i].counter))
			return &progresses[i];
	}
	return NULL;
}

static void print_name(const struct verdict *v, const struct peeps_moved_kind *kind,
		       const char *kind_in_words)
{
	peeps_escape_to(v->out, kind_in_words);
	(void)fputs(" \"", v->out);
	peeps_escape_to(v->out, v->difference->after->nodes[kind->first].name);
	(void)fputc('"', v->out);
}

/* "2 of 5 mutexes", "none of 5 mutexes" */
static void print_part(const struct verdict *v, const struct peeps_moved_kind *kind,
		       const char *kind_in_words, size_t moved)
{
	char count[PEEPS_COUNT_BYTES], all[PEEPS_COUNT_BYTES];

	(void)fprintf(v->out, "%s of %s ", moved ? peeps_count(count, moved) : "none",
		      peeps_count(all, kind->count));
	peeps_diff_print_kinds(kind_in_words, kind->count, v->out);
}

static void print_channels(const struct verdict *v, const struct peeps_moved_kind *kind)
{
	const struct peeps_moved_counter *sent =
		peeps_movement_of(v->movement, kind->kind, "sent_total");
	const struct peeps_moved_counter *received =
		peeps_movement_of(v->movement, kind->kind, "recv_total");
	const size_t sending = sent ? sent->moved : 0, receiving = received ? received->moved : 0;
	char in[PEEPS_COUNT_BYTES], taken[PEEPS_COUNT_BYTES];

	if (kind->count == 1)
		print_name(v, kind, "channel");
	else
		print_part(v, kind, "channel", sending > receiving ? sending : receiving);
	(void)fprintf(v->out, " moved %s", sent || received ? "items" : "0 items");
	if (sent || received)
		(void)fprintf(v->out, " (%s sent, %s received)",
			      peeps_count(in, sent ? sent->rose : 0),
			      peeps_count(taken, received ? received->rose : 0));
}

static const char *was_or_were(const struct peeps_moved_kind *kind,
			       const struct peeps_moved_counter *counter)
{
	if (kind->count == 1)
		return counter ? "was" : "was not";
	return counter && counter->moved > 1 ? "were" : "was";
}

static void print_progress(const struct verdict *v, const struct peeps_moved_kind *kind,
			   const struct progress *progress)
{
	const struct peeps_moved_counter *counter =
		peeps_movement_of(v->movement, kind->kind, progress->counter);
	char times[PEEPS_COUNT_BYTES];

	if (kind->count == 1)
		print_name(v, kind, kind->kind);
	else
		print_part(v, kind, kind->kind, counter ? counter->moved : 0);
	(void)fprintf(v->out, " %s %s", was_or_were(kind, counter), progress->done);
	if (counter)
		(void)fprintf(v->out, " (%s time%s)", peeps_count(times, counter->rose),
			      counter->rose == 1 ? "" : "s");
}

static void print_changed(const struct verdict *v, const struct peeps_moved_kind *kind)
{
	if (kind->count == 1) {
		print_name(v, kind, kind->kind);
		(void)fputs(kind->moved ? " changed" : " did not change", v->out);
		return;
	}
	print_part(v, kind, kind->kind, kind->moved);
	(void)fputs(" changed", v->out);
}

/* What waits moved if what it waits for did; actors have no counters. */
static bool is_told(const struct verdict *v, const struct peeps_moved_kind *kind)
{
	return v->difference->after->nodes[kind->first].role == PEEPS_ROLE_RESOURCE &&
	       kind->kind_number != PEEPS_KIND_MPSC_RX;
}

static void print_kind(const struct verdict *v, const struct peeps_moved_kind *kind)
{
	const struct progress *progress = progress_of(v, kind);

	if (kind->kind_number == PEEPS_KIND_MPSC_TX)
		print_channels(v, kind);
	else if (progress)
		print_progress(v, kind, progress);
	else
		print_changed(v, kind);
}

static void print_kinds(const struct verdict *v)
{
	size_t told = 0;

	for (size_t i = 0; i < v->movement->kind_count && told < KINDS_TOLD_MAX; i++) {
		if (!is_told(v, &v->movement->kinds[i]))
			continue;
		(void)fputs(told++ ? ", " : "Meanwhile ", v->out);
		print_kind(v, &v->movement->kinds[i]);
	}
	if (told)
		(void)fputs(".\n", v->out);
}

static void print_traffic(const struct verdict *v, const struct peeps_traffic *traffic)
{
	char came[PEEPS_COUNT_BYTES], went[PEEPS_COUNT_BYTES];

	if (traffic->came || traffic->went)
		(void)fprintf(v->out, "%s entit%s came, %s went.\n",
			      peeps_count(came, traffic->came), traffic->came == 1 ? "y" : "ies",
			      peeps_count(went, traffic->went));
}

static bool is_still(const struct verdict *v, const struct peeps_wait_tally *tally,
		     const struct peeps_traffic *traffic)
{
	return v->movement->counter_count == 0 && v->movement->states == 0 && tally->begun == 0 &&
	       tally->ended == 0 && traffic->came == 0 && traffic->went == 0;
}

void peeps_diff_verdict(const struct peeps_difference *difference,
			const struct peeps_movement *movement, const struct peeps_traffic *traffic,
			const struct peeps_diff_view *view, FILE *out)
{
	const struct verdict v = { difference, movement, view, out };
	const struct peeps_wait_tally tally = peeps_difference_tally(difference, view->min_ns);
	const struct peeps_wait_tally all = peeps_difference_tally(difference, 0);

	if (difference->elapsed_ns == PEEPS_NO_TIME) {
		(void)fputs("No process is in both: there is nothing to compare.\n", out);
		return;
	}
	print_elapsed(&v);
	print_waits(&v, &tally);
	print_findings(&v);
	if (is_still(&v, &all, traffic)) {
		(void)fputs(
			"Nothing moved meanwhile: no counter, no state, and nothing came or went.\n",
			out);
		return;
	}
	print_kinds(&v);
	print_traffic(&v, traffic);
}
