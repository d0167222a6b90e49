/* SPDX-License-Identifier: MIT */
/* Named questions: questions/NAME.sql, as the compiler sees them (reader/database/embed.py), by name. */
#ifndef PEEPS_READER_QUESTIONS_H
#define PEEPS_READER_QUESTIONS_H

#include <stddef.h>

struct peeps_question {
	const char *name;
	const char *summary; /* what it answers: a line */
	const char *
		sql; /* one statement, below the comment that explains it; ?1 is the snapshot's number */
};

extern const struct peeps_question peeps_questions[];
extern const size_t peeps_question_count;

/**
 * peeps_question_named - the question of that name; NULL if there is none
 */
const struct peeps_question *peeps_question_named(const char *name);

/**
 * peeps_question_like - the name that a word may be meant for; NULL if it is like none
 */
const char *peeps_question_like(const char *word);

#endif
