/* SPDX-License-Identifier: MIT */
/* A target process and what a reader sees of it. */
#ifndef PEEPS_TESTS_STRESS_SESSION_H
#define PEEPS_TESTS_STRESS_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "reader/cut/image.h"
#include "reader/target/attach.h"
#include "tests/stress/check.h"
#include "tests/stress/stage.h"

uint64_t session_now_ns(void);
bool session_is_short(void); /* PEEPS_STRESS=short: a few seconds for each program */

/* PEEPS_SEED, or the clock; printed once. */
uint64_t session_seed(void);

/* From now on we have a processor to ourselves, and children the others: else reader and target mostly take turns, and
 * no cut sees a writer at work. */
void session_keep_apart(void);

/* --- processes ----------------------------------------------------------------------------------------------------- */

/* A page shared with child processes by a descriptor they inherit. Ends the test if there is none. */
struct stage *stage_new(int *fd);

/**
 * child_start - fork and exec; the child dies with us
 * @arguments: the program and its arguments, NULL at the end
 */
pid_t child_start(const char *const *arguments);

/* Waits at most that long, then kills. Returns the wait status; -1 if it had to be killed. */
int child_wait(pid_t pid, uint64_t timeout_ns);
void child_kill(pid_t pid);

/* Wait for a child to be stopped, or to have ended with all its threads (it is still to be waited for). */
bool child_await_stop(pid_t pid);
bool child_await_end(pid_t pid);

/**
 * struct troupe - a running target
 */
struct troupe {
	struct stage *stage;
	pid_t pid;
	int stage_fd;
};

/* Starts it and waits until all its threads are at work. @scenarios: separated by spaces. */
bool troupe_start(struct troupe *troupe, const char *program, const char *scenarios,
		  uint64_t pace_us);

/* Ends it. Returns whether it ended well by itself. */
bool troupe_stop(struct troupe *troupe);

/* Whether it does some more rounds. */
bool troupe_gets_on(const struct troupe *troupe);

/* --- reading -------------------------------------------------------------------------------------------------------- */

struct tally {
	uint64_t cuts, failures;
	uint64_t quality[4]; /* by enum peeps_quality */
	uint64_t attaches, decodes;
	uint64_t shadow_answers; /* slots */
	uint64_t from_shadow;    /* cuts with one */
	uint64_t progressed;     /* cuts that saw a writer further than the one before */
	uint64_t from_shadow_and_progressed;
	uint64_t cut_ns, longest_ns;
	uint64_t began_ns;
};

struct watch {
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
	struct check check;
	struct facts facts;
	struct tally tally;
	pid_t pid;
	bool attached;
	uint64_t fingerprint; /* of the last cut */
	char kept[4][256];    /* the first notes of cuts that are not of quality cut */
	size_t kept_count;
};

void watch_init(struct watch *watch, pid_t pid);
void watch_deinit(struct watch *watch);

/* Attaches, unless it is. Returns what peeps_attach() does. */
int watch_attach(struct watch *watch);
void watch_detach(struct watch *watch);

/**
 * watch_cut - one cut, checked, and added to the tally
 * @decode: check the decoded graph as well
 *
 * Returns what peeps_cut() does.
 */
int watch_cut(struct watch *watch, bool decode);

/* Attach, cut, decode. Returns how long that took; 0 = it failed. */
uint64_t watch_answer(struct watch *watch);

/* Cuts as fast as possible. Attaches and decodes every so often. Until that many cuts, broken cuts, or that time. */
void watch_many(struct watch *watch, uint64_t cuts, uint64_t broken_cuts, uint64_t timeout_ns);

/* The tally as diagnostics. */
void watch_report(const struct watch *watch);

#endif
