/* SPDX-License-Identifier: MIT */
/*
 * Permits in cuts of this very process: of no semaphore are ever more held than there are, nor fewer than none. Some acquire
 * and release, as threads and as tasks; others acquire what somebody else releases.
 */
#include <peeps/peeps.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "reader/cut/cut.h"
#include "reader/cut/image.h"
#include "reader/problem.h"
#include "reader/target/attach.h"
#include "tests/stress/session.h"
#include "tests/stress/tap.h"

#define MAX         5
#define COMPETITORS 4
#define CUTS        200000
#define SHORT_CUTS  10000
#define MS          UINT64_C(1000000)

static struct peeps_sem *shared, *ping, *pong;
static uint64_t is_over;

static int acquire_somehow(uint32_t n, uint32_t way)
{
	switch (way % 3) {
	case 0:
		return peeps_sem_timed_acquire(shared, n, way % 50000);
	case 1:
		return peeps_sem_try_acquire(shared, n);
	default:
		return peeps_sem_acquire(shared, n);
	}
}

static void *compete(void *number)
{
	const struct peeps_ref task = peeps_task_new("competitor");
	uint32_t seed = (uint32_t)(uintptr_t)number;

	while (!peeps_load_relaxed(&is_over)) {
		const uint32_t dice = (seed = seed * 1103515245 + 12345) >> 8;
		struct peeps_ref before = { 0 };

		if (dice & 1)
			before = peeps_task_enter(task);
		if (acquire_somehow(1 + dice / 2 % MAX, dice / 16) == 0) {
			if (dice & 1 << 20)
				(void)sched_yield();
			(void)peeps_sem_release(shared, 1 + dice / 2 % MAX);
		}
		if (dice & 1)
			peeps_task_leave(before);
	}
	peeps_task_end(task);
	return NULL;
}

/* Acquires of one, and releases the other, which its counterpart acquires. */
static void *pass_on(void *is_first)
{
	struct peeps_sem *const mine = is_first ? ping : pong, *const others =
								       is_first ? pong : ping;

	while (!peeps_load_relaxed(&is_over))
		if (peeps_sem_timed_acquire(mine, 1, MS) == 0)
			(void)peeps_sem_release(others, 1);
	return NULL;
}

/* --- what a cut says ---------------------------------------------------------------------------- */

struct sight {
	uint64_t cuts, broken, held, waits;
	uint64_t available[MAX + 1]; /* how often so many were, of the first semaphore */
};

static uint64_t kind_of(const struct peeps_edge_view *edge)
{
	return edge->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK;
}

static void look_at(struct sight *sight, const struct peeps_image *image,
		    const struct peeps_entity_view *semaphore)
{
	const int64_t max = (int64_t)semaphore->body[PEEPS_SEMAPHORE_MAX_WORD];
	const int64_t unattributed = (int64_t)semaphore->body[PEEPS_SEMAPHORE_UNATTRIBUTED_WORD];
	int64_t available = max - unattributed;

	for (size_t i = 0; i < image->edge_count; i++) {
		const struct peeps_edge_view *const edge = &image->edges[i];
		const uint32_t count = (uint32_t)edge->wait;

		if (kind_of(edge) == PEEPS_EDGE_HOLDS && edge->src == semaphore->identity) {
			available -= count;
			sight->held += count != 0;
			sight->broken += count > max;
		}
		sight->waits +=
			kind_of(edge) == PEEPS_EDGE_NEEDS && edge->dst == semaphore->identity;
	}
	if (available < 0 || available > max) {
		if (sight->broken++ < 8)
			tap_diag("max %" PRId64 ", unattributed %" PRId64 ", available %" PRId64,
				 max, unattributed, available);
	} else if (max == MAX) {
		sight->available[available]++;
	}
}

static void cut(struct sight *sight, struct peeps_target *target, struct peeps_image *image)
{
	struct peeps_problem problem = { 0 };

	if (peeps_cut(target, image, 0, &problem) != 0 || image->quality != PEEPS_QUALITY_CUT)
		return;
	sight->cuts++;
	for (size_t i = 0; i < image->entity_count; i++)
		if ((image->entities[i].kind & 0xffff) == PEEPS_KIND_SEMAPHORE)
			look_at(sight, image, &image->entities[i]);
}

static bool watch(struct sight *sight, int cuts)
{
	struct peeps_problem problem = { 0 };
	struct peeps_target target;
	struct peeps_image image;

	if (peeps_attach(&target, getpid(), &problem) != 0) {
		tap_diag("%s: %s", problem.what, problem.why);
		return false;
	}
	peeps_image_init(&image);
	for (int i = 0; i < cuts; i++)
		cut(sight, &target, &image);
	peeps_image_deinit(&image);
	peeps_detach(&target);
	return true;
}

int main(void)
{
	const int cuts = session_is_short() ? SHORT_CUTS : CUTS;
	pthread_t threads[COMPETITORS + 2];
	struct sight sight = { 0 };
	uint64_t seen = 0;

	if (peeps_sem_new(&shared, "shared", MAX) != 0 || peeps_sem_new(&ping, "ping", 1) != 0 ||
	    peeps_sem_new(&pong, "pong", 1) != 0)
		return 2;
	(void)peeps_sem_acquire(pong, 1);
	for (intptr_t i = 0; i < COMPETITORS + 2; i++)
		if (pthread_create(&threads[i], NULL, i < COMPETITORS ? compete : pass_on,
				   (void *)(i < COMPETITORS ? i : i - COMPETITORS)) != 0)
			return 2;
	(void)watch(&sight, cuts);
	peeps_store_relaxed(&is_over, 1);
	for (int i = 0; i < COMPETITORS + 2; i++)
		(void)pthread_join(threads[i], NULL);
	for (int i = 0; i <= MAX; i++)
		seen += sight.available[i] != 0;
	tap_diag("%" PRIu64 " cuts, %" PRIu64 " holds, %" PRIu64 " waits", sight.cuts, sight.held,
		 sight.waits);
	(void)tap_ok(sight.cuts > (uint64_t)cuts / 2 && sight.broken == 0,
		     "permits held and available are as many as there are, in every cut");
	(void)tap_ok(sight.held > 0 && sight.waits > 0 && seen > 2,
		     "there was something to be seen");
	return tap_done();
}
