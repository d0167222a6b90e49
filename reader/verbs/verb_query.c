/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_query.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/command/answer.h"
#include "reader/command/complain.h"
#include "reader/command/options.h"
#include "reader/database/database.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/format/table.h"
#include "reader/graph/graph.h"
#include "reader/look/place.h"
#include "reader/problem.h"
#include "reader/query/about.h"
#include "reader/query/asked.h"
#include "reader/query/confine.h"
#include "reader/query/questions.h"
#include "reader/query/result.h"
#include "reader/query/statement.h"
#include "reader/words/report.h"

#define ROWS_MAX 1000 /* of a table for people, unless told */

struct query {
	const struct peeps_options *options;
	const struct peeps_question *question; /* NULL: the options' SQL */
	struct peeps_database database;
	struct peeps_confinement confinement;
	struct peeps_about about;
	struct peeps_statement statement;
};

/* --- which there are ---------------------------------------------------------------------------------------------- */

static int list_in_json(FILE *out)
{
	struct peeps_json json;
	const int r = peeps_json_open(&json, out);

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_json_key(&json, "questions");
	peeps_json_array(&json);
	for (size_t i = 0; i < peeps_question_count; i++) {
		peeps_json_map(&json);
		peeps_json_text_at(&json, "name", peeps_questions[i].name);
		peeps_json_text_at(&json, "answers", peeps_questions[i].summary);
		peeps_json_map_end(&json);
	}
	peeps_json_array_end(&json);
	peeps_json_map_end(&json);
	return peeps_json_close(&json);
}

static int list(void *context, FILE *out, struct peeps_problem *problem)
{
	const struct query *query = context;
	size_t width = 0;

	if (query->options->format == PEEPS_FORMAT_JSON)
		return list_in_json(out);
	if (query->options->format == PEEPS_FORMAT_CSV) {
		(void)snprintf(problem->what, sizeof(problem->what), "not in this format");
		return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
					 "leave -f out, or -J",
					 "the list of questions is no table");
	}
	for (size_t i = 0; i < peeps_question_count; i++) {
		if (strlen(peeps_questions[i].name) > width)
			width = strlen(peeps_questions[i].name);
	}
	for (size_t i = 0; i < peeps_question_count; i++)
		(void)fprintf(out, "%-*s  %s\n", (int)width, peeps_questions[i].name,
			      peeps_questions[i].summary);
	(void)fputs(
		"\nto ask one: peeps-read query QUESTION TARGET; its SQL: peeps-read query --show QUESTION\n",
		out);
	return 0;
}

static int show(void *context, FILE *out, struct peeps_problem *problem)
{
	const struct query *query = context;

	(void)problem;
	(void)fputs(query->question->sql, out);
	return 0;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

/* Of one snapshot: there is one only, or it is asked about. */
static bool is_of_one(const struct query *query)
{
	return query->about.graph && (query->statement.asks_of_one || query->about.count == 1);
}

static void print_heading_of_all(const struct peeps_about *about, FILE *out)
{
	char first[PEEPS_TIME_BYTES], last[PEEPS_TIME_BYTES];

	if (about->graph)
		(void)fprintf(out,
			      "%" PRId64
			      " snapshots, %s to %s (?1 stands for the one asked about)\n",
			      about->count, peeps_time_utc(first, about->first_taken_at_unix_ns),
			      peeps_time_utc(last, about->last_taken_at_unix_ns));
	else
		(void)fputs("there is no snapshot\n", out);
}

static void print_heading_of_one(const struct query *query, FILE *out)
{
	const struct peeps_about *about = &query->about;
	char time[PEEPS_TIME_BYTES];

	peeps_report_heading(about->graph, out);
	if (about->count > 1 && about->first_number == 1 && about->last_number == about->count)
		(void)fprintf(out, "snapshot %" PRId64 " of %" PRId64 "\n", about->number,
			      about->count);
	else if (about->count > 1)
		(void)fprintf(out,
			      "snapshot %" PRId64 ", one of %" PRId64 " from %" PRId64
			      " to %" PRId64 "\n",
			      about->number, about->count, about->first_number, about->last_number);
	if (!query->statement.asks_of_before)
		return;
	if (about->before)
		(void)fprintf(out, "compared with snapshot %" PRId64 ", %s\n", about->before_number,
			      peeps_time_utc(time, about->before_taken_at_unix_ns));
	else
		(void)fputs("there is no snapshot before it to compare with\n", out);
}

/* What it rests on, around it: who reads it must know how good that is, and that it is of then. */
static void print_notes(const struct query *query, FILE *out)
{
	if (is_of_one(query)) {
		peeps_report_notes(query->about.graph, out);
		return;
	}
	if (query->about.doubted_count || query->about.lossy_count)
		(void)fputc('\n', out);
	if (query->about.doubted_count)
		(void)fprintf(out,
			      "note: %" PRId64
			      " of them may be of no single moment (partial, passive)\n",
			      query->about.doubted_count);
	if (query->about.lossy_count)
		(void)fprintf(
			out,
			"note: in %" PRId64
			" of them not everything could be recorded: query coverage says what\n",
			query->about.lossy_count);
}

static int print_text(struct query *query, FILE *out, struct peeps_problem *problem)
{
	const struct peeps_table_view view = { .width = query->options->width,
					       .colored = query->options->colored };
	struct peeps_result *result = NULL;
	int r = peeps_result_collect(&query->statement, &view, &result, problem);

	if (r)
		return r;
	if (is_of_one(query))
		print_heading_of_one(query, out);
	else
		print_heading_of_all(&query->about, out);
	(void)fputc('\n', out);
	r = peeps_result_print(result, out);
	peeps_result_free(result);
	print_notes(query, out);
	return r;
}

/* Ids begin at 1. */
static void write_id(struct peeps_json *json, const char *key, int64_t id)
{
	peeps_json_key(json, key);
	if (id)
		peeps_json_integer(json, id);
	else
		peeps_json_text(json, NULL);
}

static int print_json(struct query *query, FILE *out, struct peeps_problem *problem)
{
	const struct peeps_about *about = &query->about;
	struct peeps_json json;
	int r = peeps_json_open(&json, out);
	int written;

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_json_text_at(&json, "question", query->question ? query->question->name : NULL);
	write_id(&json, "snapshot", about->snapshot);
	write_id(&json, "before", about->before);
	if (about->graph)
		peeps_report_json(about->graph, &json);
	r = peeps_result_json(&query->statement, &json, problem);
	if (r == 0) /* else whoever reads it must not take it for whole */
		peeps_json_map_end(&json);
	written = peeps_json_close(&json);
	return r ? r : written;
}

static int print_csv(struct query *query, FILE *out, struct peeps_problem *problem)
{
	const int r = peeps_result_csv(&query->statement, out, problem);

	if (r == 0 && query->statement.has_more)
		(void)fprintf(stderr, "peeps-read: there are more than these %" PRIu64 " rows\n",
			      query->statement.row_count);
	return r;
}

static int print_answer(void *context, FILE *out, struct peeps_problem *problem)
{
	struct query *query = context;

	switch (query->options->format) {
	case PEEPS_FORMAT_JSON:
		return print_json(query, out, problem);
	case PEEPS_FORMAT_CSV:
		return print_csv(query, out, problem);
	case PEEPS_FORMAT_TEXT:
	case PEEPS_FORMAT_MSGPACK: /* the options refuse these two */
	case PEEPS_FORMAT_DOT:
		break;
	}
	return print_text(query, out, problem);
}

/* --- from the targets to it --------------------------------------------------------------------------------------- */

/* What was said, and would change nothing: whoever said it would take the answer for another one. */
static int check_use(const struct query *query, struct peeps_problem *problem)
{
	const struct peeps_statement *statement = &query->statement;
	const bool lacks_one = query->options->at && !statement->asks_of_one;
	const bool lacks_min = query->options->min_ns && !statement->asks_of_min;

	if (!lacks_one && !lacks_min)
		return 0;
	(void)snprintf(problem->what, sizeof(problem->what), "an option would change nothing");
	return peeps_problem_set(
		problem, PEEPS_PROBLEM_USAGE, -EINVAL,
		query->question ? "leave it out"
				: "use the parameter, such as: WHERE snapshot_id = ?1",
		lacks_one ? "--at says what ?1 stands for, and the SQL has none"
			  : "--min says what :min_ns stands for, and the SQL has none");
}

static int prepare(struct query *query, struct peeps_problem *problem)
{
	const struct peeps_options *options = query->options;
	const struct peeps_parameters parameters = {
		.snapshot = query->about.snapshot,
		.before = query->about.before,
		.min_ns = options->min_ns,
	};
	int r = peeps_statement_prepare(&query->statement, &query->confinement,
					query->question ? query->question->sql : options->sql,
					query->question != NULL, problem);

	if (r)
		return r;
	query->statement.rows_max = options->max_rows                      ? options->max_rows
				    : options->format == PEEPS_FORMAT_TEXT ? ROWS_MAX
									   : 0;
	r = peeps_statement_bind(&query->statement, &parameters, problem);
	if (r == 0)
		r = check_use(query, problem);
	if (r)
		peeps_statement_finish(&query->statement);
	return r;
}

/* Returns an exit status. */
static int ask(struct query *query, bool in_place)
{
	const struct peeps_bounds bounds = { .timeout_ns = query->options->timeout_ns,
					     .memory_bytes = PEEPS_QUERY_MEMORY_BYTES };
	struct peeps_problem problem = { .status = 0 };
	int r = peeps_confine(&query->confinement, query->database.sqlite, &bounds, &problem);
	int status;

	if (r)
		return peeps_complain_of(r, &problem);
	r = peeps_about_find(&query->about, query->database.sqlite, query->options->at, !in_place,
			     &problem);
	if (r == 0 && in_place && query->about.graph) /* of now it is not */
		r = peeps_about_came_from(&query->about, query->database.name);
	if (r == 0)
		r = prepare(query, &problem);
	peeps_confine_pause(&query->confinement);
	if (r == 0) {
		status = peeps_answer_of(query->options, print_answer, query);
		peeps_statement_finish(&query->statement);
	} else {
		status = peeps_complain_of(r, &problem);
	}
	if (status == 0 && is_of_one(query) && query->about.graph->quality == PEEPS_QUALITY_PARTIAL)
		status = PEEPS_PROBLEM_NO_CUT;
	peeps_about_free(&query->about);
	peeps_confine_end(&query->confinement);
	return status;
}

static int ask_places(struct query *query, const struct peeps_place *places, size_t count)
{
	struct peeps_problem problem = { .status = 0 };
	bool in_place = false;
	const int opened = peeps_asked_open(&query->database, query->options, places, count,
					    PEEPS_ASKED_BYTES_MAX, &in_place, &problem);
	int status;

	if (opened && opened != -EAGAIN)
		return peeps_complain_of(opened, &problem);
	status = ask(query, in_place);
	peeps_database_close(&query->database);
	if (opened && (status == 0 || status == PEEPS_PROBLEM_NO_CUT))
		status = peeps_complain_of(opened, &problem);
	return status;
}

int peeps_query(const struct peeps_options *options)
{
	struct query query = { .options = options };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_place places[PEEPS_WORDS_MAX];
	size_t count = options->target_count;
	int r;

	if (!options->subject && !options->sql)
		return peeps_answer_of(options, list, &query);
	if (options->subject)
		query.question = peeps_question_named(options->subject); /* the options know it */
	if (options->show)
		return peeps_answer_of(options, show, &query);
	r = peeps_places_find(places, options->targets, &count, &problem);
	if (r)
		return peeps_complain_of(r, &problem);
	r = ask_places(&query, places, count);
	peeps_places_close(places, count);
	return r;
}
