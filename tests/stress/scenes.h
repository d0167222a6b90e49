/* SPDX-License-Identifier: MIT */
/* The numbers and names that a scenario and the check of its invariants agree on. */
#ifndef PEEPS_TESTS_STRESS_SCENES_H
#define PEEPS_TESTS_STRESS_SCENES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <peeps/kinds.h>

#define RELAY_BURST 20

#define RING_MUTEXES 6
#define RING_THREADS 3
#define RING_APART   2 /* thread i starts at mutex i * RING_APART */

static inline unsigned int ring_next(unsigned int at)
{
	return at == 0 ? RING_MUTEXES - 1 : at - 1;
}

static inline unsigned int ring_starts_at(unsigned int at)
{
	return at % RING_APART == 0 && at / RING_APART < RING_THREADS;
}

#define HANDLER_LEVELS 2

#define CHURN_NAME_ROOM 96

static inline unsigned int churn_type(uint64_t number)
{
	return (unsigned int)(number %
			      3); /* enum peeps_enum_value: normal, recursive, errorcheck */
}

static inline uint64_t churn_acquires(uint64_t number)
{
	return number % 5;
}

/* p-17-xxxxxxx: with as many x as follow from the number. */
static inline void churn_name(char name[CHURN_NAME_ROOM], char prefix, uint64_t number)
{
	const int length =
		snprintf(name, CHURN_NAME_ROOM, "%c-%llu-", prefix, (unsigned long long)number);
	const size_t padding = (size_t)(number % 60);

	memset(name + length, 'x', padding);
	name[(size_t)length + padding] = '\0';
}

#define WORKER_NAME     "worker-"
#define HELD_NAME       "held-"
#define WORKER_ACQUIRES 3

#define JOBS_NAME          "jobs"
#define JOBS_CAPACITY      4
#define JOBS_SENDERS       3
#define JOBS_SENT_NAME     "sent-"
#define JOBS_RECEIVED_NAME "received"

#define CLOSING_NAME     "closing-"
#define CLOSING_CAPACITY 2
#define CLOSING_SENDERS  2
#define CLOSING_HANDLES  (2 * CLOSING_SENDERS) /* each has two for a moment */

#define BRIEF_PREFIX 'c'

static inline uint64_t brief_capacity(uint64_t number)
{
	return 1 + number % 5;
}

static inline uint64_t brief_sent(uint64_t number)
{
	return number % 7 < brief_capacity(number) ? number % 7 : brief_capacity(number);
}

static inline uint64_t brief_received(uint64_t number)
{
	return number % 3 < brief_sent(number) ? number % 3 : brief_sent(number);
}

static inline unsigned int brief_cause(uint64_t number)
{
	return PEEPS_CLOSE_CAUSE_SENDERS_GONE + (unsigned int)(number % 4);
}

#define ONESHOT_NAME  "o-"
#define ANSWERED_NAME "answered"
#define GOT_NAME      "got"

static inline int oneshot_is_dropped(uint64_t number)
{
	return number % 5 == 3;
}

#define WATCH_NAME          "w"
#define WATCH_CHANGING_NAME "changing"
#define WATCH_SEEN_NAME     "seen-"
#define WATCH_VIEWERS       3
#define WATCH_LAST          100 /* its place among the counts that never go back */

#define BUS_NAME      "bus-"
#define BUS_CAPACITY  4
#define BUS_RECEIVERS 2
#define BUS_SENT_NAME "bus-sent-"
#define BUS_GOT_NAME  "bus-got-"
enum { BUS_LOSSY, BUS_WAITING, BUSES };

#define GATE_NAME        "gate"
#define GATE_MAX         5
#define GATE_AT_ONCE     3
#define GATE_THREADS     3
#define GATE_TAKING_NAME "taking-"

#define LOAN_NAME "loan-"
#define LOAN_MAX  3

#define KEPT_NAME "kept"

#define SHELF_NAME          "shelf-"
#define SHELF_LOCKS         3
#define SHELF_THREADS       3
#define SHELF_THREAD_NAME   "reader-"
#define SHELF_BROWSING_NAME "browsing-"

#define BELFRY_NAME    "belfry"
#define BELFRY_THREADS 3

#define CALL_NAME   "call"
#define ANSWER_NAME "answer"

#define SCOPE_NAME  "scope-"
#define STAYS_NAME  "stays"
#define MEMBER_NAME "member-"

#define BUFFER_SLOTS 2
#define BUFFER_COLD  24

#endif
