/* SPDX-License-Identifier: MIT */
/* What `doctor` found, line by line; and its two examinations. */
#ifndef PEEPS_READER_CHECKUP_H
#define PEEPS_READER_CHECKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum peeps_verdict {
	PEEPS_VERDICT_OK,
	PEEPS_VERDICT_WARN, /* works, but not as well as it could; or it is not known */
	PEEPS_VERDICT_BAD,
};

struct peeps_symptom {
	pid_t pid; /* 0 = of the set-up */
	enum peeps_verdict verdict;
	const char *about;  /* "segment" */
	const char *what;   /* may hold bytes of the target's making */
	const char *remedy; /* empty where nothing is to be mended */
};

struct peeps_checkup {
	pid_t pid; /* who is being examined; 0 = the set-up */
	struct peeps_arena *arena;
	size_t count;
	struct peeps_symptom *symptoms;
	bool failed; /* no memory */
};

/**
 * peeps_checkup_init - nothing found yet; undo with peeps_checkup_deinit()
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_checkup_init(struct peeps_checkup *checkup);
void peeps_checkup_deinit(struct peeps_checkup *checkup);

/* About and remedy live as long as the checkup: they are words of ours. */
void peeps_checkup_add(struct peeps_checkup *checkup, enum peeps_verdict verdict, const char *about,
		       const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

enum peeps_verdict peeps_checkup_worst(const struct peeps_checkup *checkup);

/**
 * peeps_checkup_here - the kernel, this user's rights, and what the environment tells programs that are started from here
 */
void peeps_checkup_here(struct peeps_checkup *checkup);

/**
 * peeps_checkup_process - one process, step by step: up to what keeps it from being looked at, or what its segment lacks
 *
 * Nothing is written to it.
 */
void peeps_checkup_process(struct peeps_checkup *checkup, pid_t pid);

/**
 * peeps_checkup_environment - what PEEPS, PEEPS_NAME and PEEPS_CAPACITY come to
 * @value: of a variable, by name; NULL if it is not set
 */
void peeps_checkup_environment(struct peeps_checkup *checkup,
			       const char *(*value)(const void *context, const char *name),
			       const void *context);

#endif
