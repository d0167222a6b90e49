/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader/command/complain.h"
#include "reader/command/options.h"
#include "reader/command/output.h"
#include "reader/format/color.h"
#include "reader/format/json.h"
#include "reader/format/print.h"
#include "reader/graph/graph.h"
#include "reader/graph/text.h"
#include "reader/look/place.h"
#include "reader/problem.h"
#include "reader/verbs/checkup.h"

static const char *const verdicts[] = {
	[PEEPS_VERDICT_OK] = "ok",
	[PEEPS_VERDICT_WARN] = "warn",
	[PEEPS_VERDICT_BAD] = "bad",
};

static void print_verdict(const struct peeps_options *options, enum peeps_verdict verdict,
			  FILE *out)
{
	if (verdict == PEEPS_VERDICT_OK)
		(void)fputs(verdicts[verdict], out);
	else
		peeps_color_text(options->colored,
				 verdict == PEEPS_VERDICT_BAD ? PEEPS_MEANING_CERTAIN
							      : PEEPS_MEANING_POSSIBLE,
				 verdicts[verdict], out);
	(void)fprintf(out, "%*s", (int)(6 - strlen(verdicts[verdict])), "");
}

static void print_text(const struct peeps_options *options, const struct peeps_checkup *checkup,
		       FILE *out)
{
	for (size_t i = 0; i < checkup->count; i++) {
		const struct peeps_symptom *symptom = &checkup->symptoms[i];

		print_verdict(options, symptom->verdict, out);
		(void)fprintf(out, "%s: ", symptom->about);
		peeps_escape_to(out, symptom->what);
		if (*symptom->remedy)
			(void)fprintf(out, "\n      mend: %s", symptom->remedy);
		(void)fputc('\n', out);
	}
}

static int print_json(const struct peeps_checkup *checkup, FILE *out)
{
	struct peeps_json json;
	int r = peeps_json_open(&json, out);

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_json_text_at(&json, "verdict", verdicts[peeps_checkup_worst(checkup)]);
	peeps_json_key(&json, "checks");
	peeps_json_array(&json);
	for (size_t i = 0; i < checkup->count; i++) {
		const struct peeps_symptom *symptom = &checkup->symptoms[i];

		peeps_json_map(&json);
		peeps_json_number_at(&json, "pid",
				     symptom->pid ? (uint64_t)symptom->pid : PEEPS_NO_TIME);
		peeps_json_text_at(&json, "verdict", verdicts[symptom->verdict]);
		peeps_json_text_at(&json, "about", symptom->about);
		peeps_json_text_at(&json, "what",
				   peeps_text_mend(checkup->arena, peeps_bytes_of(symptom->what)));
		peeps_json_text_at(&json, "remedy", *symptom->remedy ? symptom->remedy : NULL);
		peeps_json_map_end(&json);
	}
	peeps_json_array_end(&json);
	peeps_json_map_end(&json);
	return peeps_json_close(&json);
}

static int print(const struct peeps_options *options, const struct peeps_checkup *checkup,
		 struct peeps_problem *problem)
{
	struct peeps_output output;
	int r = peeps_output_open(&output, NULL, problem);

	if (r)
		return r;
	if (options->format == PEEPS_FORMAT_JSON)
		(void)print_json(checkup, output.stream);
	else
		print_text(options, checkup, output.stream);
	return peeps_output_commit(&output, problem); /* failed writes are found here */
}

static int examine_places(struct peeps_checkup *checkup, const struct peeps_place *places,
			  size_t count, struct peeps_problem *problem)
{
	for (size_t i = 0; i < count; i++) {
		if (places[i].kind != PEEPS_PLACE_PROCESS) {
			(void)snprintf(problem->what, sizeof(problem->what),
				       "doctor looks at processes");
			return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
						 "peeps-read check says what is wrong in a file",
						 "'%.128s' is a file", places[i].word);
		}
		peeps_checkup_process(checkup, places[i].pid);
	}
	return 0;
}

static int examine(const struct peeps_options *options, struct peeps_checkup *checkup,
		   struct peeps_problem *problem)
{
	struct peeps_place places[PEEPS_WORDS_MAX];
	size_t count = options->target_count;
	int r;

	if (count == 0) {
		peeps_checkup_here(checkup);
		return 0;
	}
	r = peeps_places_find_any(places, options->targets, &count, problem);
	if (r)
		return r;
	r = examine_places(checkup, places, count, problem);
	peeps_places_close(places, count);
	return r;
}

int peeps_doctor(const struct peeps_options *options)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_checkup checkup;
	int r = peeps_checkup_init(&checkup);
	enum peeps_verdict worst;

	if (r)
		return peeps_complain_of(r, &problem);
	r = examine(options, &checkup, &problem);
	if (r == 0 && checkup.failed)
		r = -ENOMEM;
	if (r == 0)
		r = print(options, &checkup, &problem);
	worst = peeps_checkup_worst(&checkup);
	peeps_checkup_deinit(&checkup);
	if (r)
		return peeps_complain_of(r, &problem);
	return worst == PEEPS_VERDICT_BAD ? PEEPS_EXIT_FINDING : PEEPS_EXIT_FINE;
}
