/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/series.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "reader/graph/arena.h"
#include "reader/graph/graph.h"
#include "reader/graph/text.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"

/* What is read of a file from some place on. */
static struct peeps_snapshot_stream *stream_at(int fd, uint64_t offset)
{
	const struct peeps_snapshot_file file = { .fd = fd };

	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return NULL;
	return peeps_snapshot_stream_open(&file, &peeps_snapshot_limits);
}

static void cannot_read(const char *name, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot read the snapshot %s", name);
}

static uint64_t number_of(struct peeps_msgpack_span document, uint64_t position)
{
	const uint64_t sequence = peeps_snapshot_sequence(document);

	return sequence ? sequence : position;
}

/* --- walking ---------------------------------------------------------------------------------------------------- */

static void count_in(struct peeps_series_survey *survey, struct peeps_msgpack_span document)
{
	const uint64_t number = number_of(document, survey->count + 1);

	if (survey->count++ == 0)
		survey->first = number;
	survey->last = number;
	survey->foreign += !peeps_snapshot_is_ours(document);
	survey->is_numbered = peeps_snapshot_sequence(document) != 0;
}

int peeps_series_walk(int fd, const char *name, struct peeps_series_survey *survey,
		      struct peeps_snapshot_position *end, peeps_series_walk_fn *each,
		      void *context, struct peeps_problem *problem)
{
	struct peeps_snapshot_stream *stream = stream_at(fd, 0);
	struct peeps_msgpack_span document;
	int r = stream ? 0 : -ENOMEM;

	cannot_read(name, problem);
	*survey = (struct peeps_series_survey){ .count = 0 };
	while (r == 0) {
		r = peeps_snapshot_stream_next(stream, &document, problem);
		if (r)
			break;
		count_in(survey, document);
		if (each)
			r = each(context, survey->last, peeps_snapshot_stream_position(stream));
	}
	if (r == -ENODATA) {
		survey->cut_off_bytes = peeps_snapshot_stream_cut_off(stream);
		if (end)
			*end = peeps_snapshot_stream_position(stream);
		r = 0;
	}
	survey->is_stump = r == -EBADMSG && peeps_snapshot_stream_is_stump(stream);
	peeps_snapshot_stream_close(stream);
	return r;
}

/* --- one of them ------------------------------------------------------------------------------------------------ */

struct search {
	int64_t at;                              /* as peeps_series_read() has it */
	uint64_t ordinal;                        /* if not 0: the one at that position instead */
	uint64_t count;                          /* walked over */
	uint64_t number;                         /* of the one that was found */
	struct peeps_snapshot_position position; /* likewise */
	bool found;
};

static int search_here(void *context, uint64_t number, struct peeps_snapshot_position position)
{
	struct search *search = context;
	bool is_it;

	search->count++;
	if (search->ordinal)
		is_it = search->count == search->ordinal;
	else if (search->at > 0)
		is_it = !search->found && number == (uint64_t)search->at;
	else
		is_it = search->at >= -1; /* until a later one comes */
	if (is_it) {
		search->number = number;
		search->position = position;
		search->found = true;
	}
	return 0;
}

static int is_not_there(const char *name, const struct search *search,
			const struct peeps_series_survey *survey, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "no snapshot %" PRId64 " in %.200s",
		       search->at, name);
	if (survey->count == 1)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
					 "without --at it is shown",
					 "there is one, number %" PRIu64, survey->first);
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
				 "--at -1 is the last of them",
				 "there are %" PRIu64 ", from %" PRIu64 " to %" PRIu64,
				 survey->count, survey->first, survey->last);
}

static int find(int fd, const char *name, struct search *search, struct peeps_series_survey *survey,
		struct peeps_problem *problem)
{
	const uint64_t from_end = 0 - (uint64_t)search->at;
	int r = peeps_series_walk(fd, name, survey, NULL, search_here, search, problem);

	if (r == 0 && search->at < -1 && from_end <= survey->count) {
		/* how many there are was not known before */
		search->ordinal = survey->count + 1 - from_end;
		search->count = 0;
		r = peeps_series_walk(fd, name, survey, NULL, search_here, search, problem);
	}
	if (r == 0 && !search->found)
		r = is_not_there(name, search, survey, problem);
	return r;
}

static int read_at(int fd, const char *name, struct peeps_snapshot_position position,
		   struct peeps_graph **graph, struct peeps_problem *problem)
{
	struct peeps_snapshot_stream *stream = stream_at(fd, position.offset);
	struct peeps_msgpack_span document;
	int r = stream ? 0 : -ENOMEM;

	for (uint64_t i = 0; r == 0 && i <= position.skip; i++)
		r = peeps_snapshot_stream_next(stream, &document, problem);
	if (r == -ENODATA) /* it was there a moment ago */
		r = peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "try again",
				      "it changed while it was read");
	if (r == 0)
		r = peeps_snapshot_decode(document, name, graph, problem);
	peeps_snapshot_stream_close(stream);
	return r;
}

/* "orders.msgpack.zst, snapshot 118 (of 12 to 118)" */
static int name_origin(struct peeps_graph *graph, const char *name, uint64_t number,
		       const struct peeps_series_survey *survey)
{
	char text[4096 + 128];

	if (survey->count == 1 && !survey->is_numbered && survey->cut_off_bytes == 0)
		(void)snprintf(text, sizeof(text), "%.4096s", name);
	else if (survey->count == 1)
		(void)snprintf(text, sizeof(text), "%.4096s, snapshot %" PRIu64 "%s", name, number,
			       survey->cut_off_bytes ? " (the one after it is cut off)" : "");
	else
		(void)snprintf(text, sizeof(text),
			       "%.4096s, snapshot %" PRIu64 " (of %" PRIu64 " to %" PRIu64 "%s)",
			       name, number, survey->first, survey->last,
			       survey->cut_off_bytes ? "; the one after them is cut off" : "");
	graph->origin = peeps_text_mend(graph->arena, peeps_bytes_of(text));
	return graph->origin ? 0 : -ENOMEM;
}

int peeps_series_read(int fd, const char *name, int64_t at, struct peeps_graph **graph,
		      struct peeps_problem *problem)
{
	struct search search = { .at = at };
	struct peeps_series_survey survey;
	struct peeps_graph *read = NULL;
	int r = find(fd, name, &search, &survey, problem);

	if (r == 0)
		r = read_at(fd, name, search.position, &read, problem);
	if (r == 0)
		r = name_origin(read, name, search.number, &survey);
	if (r)
		peeps_graph_free(read);
	else
		*graph = read;
	return r;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static int hand_out(struct peeps_msgpack_span document, const char *name, peeps_snapshot_fn *each,
		    void *context, struct peeps_problem *problem)
{
	struct peeps_graph *graph = NULL;
	int r = peeps_snapshot_decode(document, name, &graph, problem);

	if (r)
		return r;
	graph->origin = peeps_text_mend(graph->arena, peeps_bytes_of(name));
	r = graph->origin ? each(context, graph, problem) : -ENOMEM;
	peeps_graph_free(graph);
	return r;
}

int peeps_series_each(int fd, const char *name, peeps_snapshot_fn *each, void *context,
		      uint64_t *cut_off_bytes, struct peeps_problem *problem)
{
	struct peeps_snapshot_stream *stream = stream_at(fd, 0);
	struct peeps_msgpack_span document;
	int r = stream ? 0 : -ENOMEM;

	while (r == 0) {
		cannot_read(name, problem);
		r = peeps_snapshot_stream_next(stream, &document, problem);
		if (r == 0)
			r = hand_out(document, name, each, context, problem);
		else if (r == -ENODATA)
			break;
	}
	if (r == -ENODATA) {
		*cut_off_bytes = peeps_snapshot_stream_cut_off(stream);
		r = 0;
	}
	peeps_snapshot_stream_close(stream);
	return r;
}
