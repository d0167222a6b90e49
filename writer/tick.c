/* SPDX-License-Identifier: MIT */
#include "writer/tick.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "writer/intern.h"
#include "writer/process.h"
#include "writer/segment.h"

#define PERIOD_NS       UINT64_C(100000000)
#define PERIOD_CLOSE_NS UINT64_C(1000000) /* while a reader was here lately */
#define LATELY_NS       UINT64_C(2000000000)
#define STACK_BYTES     ((size_t)128 << 10)

enum tick_state {
	TICK_IDLE = 0,
	TICK_STARTS = 1,
	TICK_RUNS = 2,
	TICK_OVER = 3, /* for good: no thread could be had, or the main thread left */
};

static uint64_t state;        /* enum tick_state */
static uint32_t end;          /* a futex: 1 = the thread shall end */
static pthread_t tick_thread; /* there is one while state is TICK_RUNS */

/* Taken to be as old as the longer period allows: a hold does not say in which one it was stamped. */
static void stamp(void)
{
	peeps_store_relaxed(&peeps_segment.control->tick_period_ns, PERIOD_NS);
	peeps_store_relaxed(&peeps_segment.control->tick_ns, segment_ptime_ns());
}

static void *run(void *unused)
{
	uint64_t epoch = peeps_load_relaxed(&peeps_segment.control->epoch);
	uint64_t close_until_ns = 0;

	while (!__atomic_load_n(&end, __ATOMIC_RELAXED)) {
		const uint64_t now_ns = segment_ptime_ns();
		const uint64_t period_ns = now_ns < close_until_ns ? PERIOD_CLOSE_NS : PERIOD_NS;
		const struct timespec pause = { .tv_nsec = (long)period_ns };
		const uint64_t seen = peeps_load_relaxed(&peeps_segment.control->epoch);

		stamp();
		if (seen != epoch) {
			epoch = seen;
			close_until_ns = now_ns + LATELY_NS;
		}
		/* Outside the program's locks, which the other callers cannot promise. */
		intern_reclaim();
		(void)syscall(SYS_futex, &end, FUTEX_WAIT_PRIVATE, 0, &pause, NULL, 0);
	}
	peeps_store_relaxed(&peeps_segment.control->tick_ns, 0); /* no honest stamp any more */
	return unused;
}

static bool start(void)
{
	pthread_attr_t attributes;
	sigset_t mask;
	bool started;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* None of the program's handlers may run on this stack. */
	signals_block(&mask);
	started = pthread_create(&tick_thread, &attributes, run, NULL) == 0;
	signals_restore(&mask);
	(void)pthread_attr_destroy(&attributes);
	return started;
}

static bool move_on(uint64_t from, uint64_t to)
{
	/* Release and acquire: tick_thread, for the one who joins it. */
	return __atomic_compare_exchange_n(&state, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

void tick_start(void)
{
	if (!move_on(TICK_IDLE, TICK_STARTS))
		return;
	stamp();
	if (!start()) {
		peeps_store_relaxed(&state, TICK_OVER);
		peeps_store_relaxed(&peeps_segment.control->tick_ns, 0); /* no honest stamp */
	} else if (!move_on(TICK_STARTS, TICK_RUNS)) {
		(void)pthread_detach(tick_thread); /* tick_stop() was here, and it ends by itself */
	}
}

bool tick_runs(void)
{
	return peeps_load_relaxed(&state) == TICK_RUNS;
}

void tick_or_reclaim(void)
{
	if (tick_runs())
		intern_reclaim_backlog();
	else
		intern_reclaim();
}

void tick_stop(void)
{
	uint64_t before;

	__atomic_store_n(&end, 1, __ATOMIC_RELAXED);
	before = __atomic_exchange_n(&state, TICK_OVER, __ATOMIC_ACQ_REL);
	if (before != TICK_RUNS)
		return;
	(void)syscall(SYS_futex, &end, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	(void)pthread_join(tick_thread, NULL);
	peeps_store_relaxed(&peeps_segment.control->tick_ns, 0);
}

void tick_forget(void)
{
	state = TICK_IDLE;
	end = 0;
}
