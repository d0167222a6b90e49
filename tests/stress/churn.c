/* SPDX-License-Identifier: MIT */
/*
 * Mutexes that live briefly. Everything about one follows from its number, which is in its name: the name's length, the
 * type, how often it is acquired. One thread makes p-N, then another q-N; q-N ends, then p-N; between these, r-N comes
 * and goes. A slot that is used again too early shows up as one entity with another's name, type or count.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <stdio.h>
#include <unistd.h>

#include <peeps/mutex.h>

#define SOLO 3

static struct baton baton;
static pthread_mutexattr_t attributes[3];

/* While a reader is slow, what is retired rests, and there may be no room: not what this is about. */
static void make(struct peeps_mutex *m, char prefix, uint64_t number)
{
	char name[CHURN_NAME_ROOM];

	churn_name(name, prefix, number);
	for (;;) {
		target_must(peeps_mutex_init(m, name, &attributes[churn_type(number)]) == 0,
			    "a mutex can be made");
		if (m->hook.slot)
			break;
		(void)peeps_mutex_destroy(m);
		(void)usleep(200);
	}
	for (uint64_t i = 0; i < churn_acquires(number); i++) {
		(void)peeps_mutex_lock(m);
		(void)peeps_mutex_unlock(m);
	}
}

static void run_alone(uint64_t number)
{
	struct peeps_mutex m;

	make(&m, 'r', number);
	target_must(peeps_mutex_destroy(&m) == 0, "a mutex can be destroyed");
}

static void run_p(void *unused)
{
	struct peeps_mutex p;
	uint64_t alone = 0;

	(void)unused;
	target_ready();
	for (uint64_t number = 0; !target_stops(); number++) {
		make(&p, 'p', number);
		baton_pass(&baton, 1);
		if (!baton_wait(&baton, 0))
			return;
		(void)peeps_mutex_destroy(&p);
		for (int i = 0; i < SOLO; i++)
			run_alone(alone++);
		target_round();
	}
}

static void run_q(void *unused)
{
	struct peeps_mutex q;

	(void)unused;
	target_ready();
	for (uint64_t number = 0; baton_wait(&baton, 1); number++) {
		make(&q, 'q', number);
		(void)peeps_mutex_destroy(&q);
		target_round();
		baton_pass(&baton, 0);
	}
}

void churn_start(void)
{
	static const int types[3] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
				      PTHREAD_MUTEX_ERRORCHECK };

	for (int i = 0; i < 3; i++) {
		(void)pthread_mutexattr_init(&attributes[i]);
		(void)pthread_mutexattr_settype(&attributes[i], types[i]);
	}
	(void)target_thread("churn-p", run_p, NULL);
	(void)target_thread("churn-q", run_q, NULL);
}
