/* SPDX-License-Identifier: MIT */
#include "writer/tick.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <peeps/atomic.h>
#include "writer/intern.h"
#include "writer/process.h"
#include "writer/segment.h"

#define PERIOD_NS       UINT64_C(100000000)
#define PERIOD_CLOSE_NS UINT64_C(1000000) /* while a reader was here lately */
#define LATELY_NS       UINT64_C(2000000000)
#define STACK_BYTES     ((size_t)128 << 10)

static uint64_t is_started;

/* The period first: a stamp is never taken for more exact than it is. */
static void stamp(uint64_t period_ns)
{
	peeps_store_relaxed(&peeps_segment.control->tick_period_ns, period_ns);
	peeps_store_relaxed(&peeps_segment.control->tick_ns, segment_ptime_ns());
}

static void *run(void *unused)
{
	uint64_t epoch = peeps_load_relaxed(&peeps_segment.control->epoch);
	uint64_t close_until_ns = 0;

	(void)unused;
	for (;;) {
		const uint64_t now_ns = segment_ptime_ns();
		const uint64_t period_ns = now_ns < close_until_ns ? PERIOD_CLOSE_NS : PERIOD_NS;
		const struct timespec pause = { .tv_nsec = (long)period_ns };
		const uint64_t seen = peeps_load_relaxed(&peeps_segment.control->epoch);

		stamp(PERIOD_NS);
		if (seen != epoch) {
			epoch = seen;
			close_until_ns = now_ns + LATELY_NS;
		}
		/* Outside the program's locks, which the other callers cannot promise. */
		intern_reclaim();
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return NULL;
}

void tick_start(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t mask;

	if (__atomic_exchange_n(&is_started, 1, __ATOMIC_RELAXED))
		return;
	if (pthread_attr_init(&attributes) != 0)
		return;
	stamp(PERIOD_NS);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* None of the program's handlers may run on this stack. */
	signals_block(&mask);
	if (pthread_create(&thread, &attributes, run, NULL) != 0)
		peeps_store_relaxed(&peeps_segment.control->tick_ns, 0); /* no honest stamp */
	signals_restore(&mask);
	(void)pthread_attr_destroy(&attributes);
}

bool tick_runs(void)
{
	return peeps_load_relaxed(&is_started) != 0;
}

void tick_forget(void)
{
	is_started = 0;
}
