/* SPDX-License-Identifier: MIT */
#include "reader/query/questions.h"

#include <string.h>

#include "reader/command/nearest.h"

const struct peeps_question *peeps_question_named(const char *name)
{
	for (size_t i = 0; i < peeps_question_count; i++) {
		if (strcmp(peeps_questions[i].name, name) == 0)
			return &peeps_questions[i];
	}
	return NULL;
}

const char *peeps_question_like(const char *word)
{
	struct peeps_nearest nearest = peeps_nearest_to(word, strlen(word));

	for (size_t i = 0; i < peeps_question_count; i++)
		peeps_nearest_offer(&nearest, peeps_questions[i].name);
	return nearest.name;
}
