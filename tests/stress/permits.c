/* SPDX-License-Identifier: MIT */
/*
 * Semaphores. check_permits.c says what ties their words, the holds and the threads' own mutexes together in every cut.
 *
 * gate: threads take some of its permits, and more if there are, and give them back. Each holds a mutex of its own
 * while it holds permits, or asks for them.
 * loan-N: one thread takes permits, another one, which has none, gives them back for it, so that the first one's hold
 * stays; it takes as many again, and gives those back itself.
 * kept: held by one thread, while others that want it are cancelled.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <peeps/mutex.h>
#include <peeps/sem.h>

#define PATIENCE_NS 30000

/* --- gate ----------------------------------------------------------------------------------------------------------- */

static struct peeps_sem *gate;
static struct peeps_mutex taking[GATE_THREADS];

static void take_somehow(uint32_t count)
{
	int result;

	do {
		switch (target_random() % 8) {
		case 0:
			result = peeps_sem_timed_acquire(gate, count, PATIENCE_NS);
			break;
		case 1:
			result = peeps_sem_try_acquire(gate, count);
			break;
		default:
			result = peeps_sem_acquire(gate, count);
		}
	} while (result == -EAGAIN || result == -ETIMEDOUT);
	target_must(result == 0, "permits are given");
}

static void run_taker(void *argument)
{
	struct peeps_mutex *const own = argument;

	target_ready();
	while (!target_stops()) {
		const uint32_t first = 1 + (uint32_t)(target_random() % GATE_AT_ONCE);
		const uint32_t more = 1 + (uint32_t)(target_random() % GATE_AT_ONCE);

		(void)peeps_mutex_lock(own);
		take_somehow(first);
		if (peeps_sem_try_acquire(gate, more) == 0)
			target_must(peeps_sem_release(gate, more) == 0, "permits are taken back");
		target_must(peeps_sem_release(gate, first) == 0, "permits are taken back");
		(void)peeps_mutex_unlock(own);
		target_round();
	}
}

void gate_start(void)
{
	char name[32];

	target_must(peeps_sem_new(&gate, GATE_NAME, GATE_MAX) == 0, "a semaphore can be made");
	target_gap();
	for (unsigned int i = 0; i < GATE_THREADS; i++) {
		(void)snprintf(name, sizeof(name), GATE_TAKING_NAME "%u", i);
		(void)peeps_mutex_init(&taking[i], name, NULL);
		(void)snprintf(name, sizeof(name), "take-%u", i);
		(void)target_thread(name, run_taker, &taking[i]);
	}
}

/* --- loan-N --------------------------------------------------------------------------------------------------------- */

static struct peeps_sem *loan;
static uint32_t loan_count;
static struct baton loan_baton;

static void run_borrower(void *unused)
{
	char name[32];

	(void)unused;
	target_ready();
	for (uint64_t number = 0; !target_stops(); number++) {
		(void)snprintf(name, sizeof(name), LOAN_NAME "%llu", (unsigned long long)number);
		target_must(peeps_sem_new(&loan, name, LOAN_MAX) == 0, "a semaphore can be made");
		loan_count = 1 + (uint32_t)(number % LOAN_MAX);
		target_must(peeps_sem_acquire(loan, loan_count) == 0, "permits are given");
		baton_pass(&loan_baton, 1);
		if (!baton_wait(&loan_baton, 0))
			return;
		target_must(peeps_sem_try_acquire(loan, loan_count) == 0, "they are back");
		target_must(peeps_sem_release(loan, loan_count) == 0, "permits are taken back");
		peeps_sem_free(loan);
		target_round();
	}
}

static void run_lender(void *unused)
{
	(void)unused;
	target_ready();
	while (baton_wait(&loan_baton, 1)) {
		target_must(peeps_sem_release(loan, loan_count) == 0,
			    "permits are taken back from anybody");
		target_round();
		baton_pass(&loan_baton, 0);
	}
}

void loan_start(void)
{
	(void)target_thread("borrow", run_borrower, NULL);
	(void)target_thread("lend", run_lender, NULL);
}

/* --- kept ----------------------------------------------------------------------------------------------------------- */

static struct peeps_sem *kept;

static void *want_kept(void *unused)
{
	(void)peeps_sem_acquire(kept, 1);
	target_must(false, "what is kept is not given");
	return unused;
}

static void run_keeper(void *unused)
{
	pthread_t thread;

	(void)unused;
	(void)peeps_sem_acquire(kept, 1);
	target_ready();
	while (!target_stops()) {
		target_must(pthread_create(&thread, NULL, want_kept, NULL) == 0,
			    "a thread can be created");
		if (target_random() % 2)
			(void)usleep(100);
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, NULL);
		target_must(peeps_sem_try_acquire(kept, 1) == -EAGAIN, "it is kept");
		target_round();
	}
	target_must(peeps_sem_release(kept, 1) == 0, "permits are taken back");
}

void kept_start(void)
{
	target_must(peeps_sem_new(&kept, KEPT_NAME, 1) == 0, "a semaphore can be made");
	(void)target_thread("keep", run_keeper, NULL);
}
