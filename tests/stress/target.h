/* SPDX-License-Identifier: MIT */
/* The observed program: what its scenarios have in common. */
#ifndef PEEPS_TESTS_STRESS_TARGET_H
#define PEEPS_TESTS_STRESS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/stress/stage.h"

extern struct stage *stage;

/* Whether the command line names this scenario. */
bool target_plays(const char *scenario);

/**
 * target_thread - start a thread that is joined at the end; named in the kernel and by peeps_thread_name()
 *
 * Returns its number, which target_number() says inside it.
 */
unsigned int target_thread(const char *name, void (*run)(void *), void *argument);
unsigned int target_number(void);

/* The calling thread has come to where the invariants hold. Waits until every thread has. */
void target_ready(void);

static inline bool target_stops(void)
{
	return peeps_load_relaxed(&stage->stop) != 0;
}

/* One more round of the calling thread; pauses if the test wants a slow target. */
void target_round(void);

/* Slots that a reader has to copy between those made before and after; empty ones when the play begins. The farther the
 * two sides of an invariant lie apart, the more can happen while they are copied. */
void target_gap(void);

/* The program's own results must be what they would be without telemetry. */
void target_must(bool holds, const char *what);

/* xorshift, seeded by the test and the thread's number. */
uint64_t target_random(void);

/* A baton: an atomic word that says whose turn it is. */
struct baton {
	uint32_t turn;
};

/* Returns false if the test is over. */
bool baton_wait(struct baton *baton, uint32_t turn);
void baton_pass(struct baton *baton, uint32_t turn);

/* The scenarios. Each starts its threads; what holds in every cut is said in check.c. */
void relay_start(void);
void ring_start(void);
void churn_start(void);
void workers_start(void);
void buffer_start(void);
void solo_start(void);
void jobs_start(void);
void closing_start(void);
void brief_start(void);
void gate_start(void);
void loan_start(void);
void kept_start(void);
void shelf_start(void);
void belfry_start(void);
void echo_start(void);
void scope_start(void);
void oneshot_start(void);
void watch_start(void);
void bus_start(void);

/* In a thread of a scenario: signals at a high rate, whose handlers lock mutexes of this thread's handlers. */
void handlers_start(unsigned int thread);
void handlers_stop(unsigned int thread);

#endif
