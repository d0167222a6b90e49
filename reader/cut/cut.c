/* SPDX-License-Identifier: MIT */
/*
 * All processes step by step together: rule 14 of docs/protocol.md. One process is a set of one.
 *
 * Two readers of the same processes cannot wait for each other's locks: both take them in the order of the segments'
 * files, and no wait for one is endless.
 */
#include "reader/cut/cut.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peeps/fault.h>
#include "reader/clock.h"
#include "reader/cut/barrier.h"
#include "reader/cut/cut_part.h"
#include "reader/problem.h"

#define TRIES        8
#define ALL_TRIES_NS UINT64_C(1000000000)

struct set {
	struct peeps_cut_part *parts;
	size_t count;
	struct peeps_problem *problem;
	struct peeps_cut_part *at_fault; /* where a step failed */
};

/* --- steps ------------------------------------------------------------------------------------------------------ */

typedef int step_fn(struct peeps_cut_part *part);

/* Of every part that takes part, up to the first that fails. */
static int each(struct set *set, step_fn *step)
{
	for (size_t i = 0; i < set->count; i++) {
		struct peeps_cut_part *part = &set->parts[i];
		const int r = part->why_not ? 0 : step(part);

		if (r) {
			set->at_fault = part;
			return r;
		}
	}
	return 0;
}

static void of_all(struct set *set, void (*step)(struct peeps_cut_part *part))
{
	for (size_t i = 0; i < set->count; i++)
		step(&set->parts[i]);
}

static int prepare(struct set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct peeps_cut_part *part = &set->parts[i];
		const int r = part->why_not ? 0 : peeps_cut_part_prepare(part, set->problem);

		if (r) {
			set->at_fault = part;
			return r;
		}
	}
	return 0;
}

/* One for all. Pairs with A: a section has either loaded the new epoch, or its odd txn and the marks before it are seen. */
static int barrier(struct set *set)
{
	struct peeps_cut_part *fenced_by_us = NULL;

	for (size_t i = 0; i < set->count; i++) {
		if (!set->parts[i].why_not && !set->parts[i].target->header.fence_mode)
			fenced_by_us = &set->parts[i];
	}
	if (PEEPS_MUTATED(NO_MEMBARRIER) || peeps_barrier_process(!fenced_by_us))
		return 0;
	set->at_fault = fenced_by_us;
	return -EPERM;
}

/* Context: under the locks: no output, no fork, no allocation. */
static int flip_and_copy(struct set *set)
{
	int r = each(set, peeps_cut_part_flip);

	if (!r)
		r = barrier(set);
	PEEPS_STEP(PEEPS_STEP_CUT_FENCED);
	if (!r)
		r = each(set, peeps_cut_part_measure);
	if (!r)
		r = each(set, peeps_cut_part_wait);
	if (!r)
		r = each(set, peeps_cut_part_copy);
	if (!r)
		r = each(set, peeps_cut_part_check);
	return r;
}

static int cut_locked(struct set *set)
{
	int r = each(set, peeps_cut_part_announce);

	if (!r)
		r = flip_and_copy(set);
	of_all(set, peeps_cut_part_clear);
	return r;
}

/*
 * Returns 0; -EAGAIN it was lost, -EBUSY another reader is cutting, -ENOBUFS it has outgrown its image's room, -EPERM no
 * membarrier for us; or, problem filled, -ENOMEM, -EBADMSG. set->at_fault is whose fault it is.
 */
static int cut_try(struct set *set)
{
	int r = prepare(set);

	if (!r)
		r = each(set, peeps_cut_part_lock);
	if (!r)
		r = cut_locked(set);
	of_all(set, peeps_cut_part_unlock);
	if (r == -EBADMSG && !set->problem->status)
		return peeps_problem_set(set->problem, PEEPS_PROBLEM_BAD_SEGMENT, r, "",
					 "its segment is damaged: the epoch %" PRIu64 " is none",
					 set->at_fault->e0);
	return r;
}

/* --- the whole cut ---------------------------------------------------------------------------------------------- */

static bool is_left(const struct set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!set->parts[i].why_not)
			return true;
	}
	return false;
}

/* Until all that still take part are in one cut. Who spoils it too often, or for ever, takes part no more. */
static int cut_live(struct set *set)
{
	const uint64_t give_up_ns = peeps_clock_monotonic_ns() + ALL_TRIES_NS;

	for (int tries = 1; is_left(set); tries++) {
		const int r = cut_try(set);

		if (!r)
			return 0;
		if (r == -ENOMEM || r == -EBADMSG)
			return r;
		if ((r != -EAGAIN && r != -ENOBUFS) || tries >= TRIES ||
		    peeps_clock_monotonic_ns() >= give_up_ns)
			set->at_fault->why_not = r;
	}
	return 0;
}

/* Of those that live, whether in the cut or beside it: what is dead is the same at any moment. */
static uint64_t skew_ns(const struct set *set)
{
	uint64_t first_ns = UINT64_MAX, last_ns = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct peeps_cut_part *part = &set->parts[i];
		const uint64_t taken_ns = part->image->taken_at_monotonic_ns;

		if (part->why_not && (part->target->proc_fd < 0 || part->image->exited))
			continue;
		first_ns = taken_ns < first_ns ? taken_ns : first_ns;
		last_ns = taken_ns > last_ns ? taken_ns : last_ns;
	}
	return last_ns > first_ns ? last_ns - first_ns : 0;
}

static int finish(struct set *set)
{
	int result = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct peeps_cut_part *part = &set->parts[i];
		int r = 0;

		if (!part->why_not)
			peeps_cut_part_judge(part);
		else
			r = peeps_cut_part_look_instead(part, set->problem);
		if (r) {
			set->at_fault = part;
			result = r;
		}
		if (r && r != -EAGAIN)
			return r;
		r = peeps_cut_part_check_process(part, set->problem);
		if (r) {
			set->at_fault = part;
			return r;
		}
	}
	return result;
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static int by_file(const void *left, const void *right)
{
	const struct peeps_cut_part *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (a->inode > b->inode) - (a->inode < b->inode);
}

/* Those that were not to be told have 0 and are last or first, which does not matter: a wait for a lock ends. */
static void put_in_order(struct set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct peeps_cut_part *part = &set->parts[i];
		struct stat status;

		if (fstat(part->target->segment_fd, &status) != 0)
			continue;
		part->device = status.st_dev;
		part->inode = status.st_ino;
	}
	qsort(set->parts, set->count, sizeof(set->parts[0]), by_file);
}

static void begin(struct set *set, struct peeps_target *targets, struct peeps_image *images,
		  unsigned int flags)
{
	for (size_t i = 0; i < set->count; i++) {
		set->parts[i] = (struct peeps_cut_part){
			.target = &targets[i],
			.image = &images[i],
			.why_not = flags & PEEPS_CUT_PASSIVE ? -ECANCELED
				   : targets[i].control      ? 0
							     : -EACCES,
		};
	}
	if (set->count > 1)
		put_in_order(set);
}

int peeps_cut_set(struct peeps_target *targets, struct peeps_image *images, size_t count,
		  unsigned int flags, uint64_t *skew, struct peeps_problem *problem)
{
	struct peeps_cut_part
		alone; /* the usual case takes a microsecond, and calloc() a tenth of it */
	struct set set = { .parts = count == 1 ? &alone : calloc(count + 1, sizeof(*set.parts)),
			   .count = count,
			   .problem = problem };
	int r;

	memset(problem, 0, sizeof(*problem));
	if (!set.parts)
		return -ENOMEM;
	begin(&set, targets, images, flags);
	r = cut_live(&set);
	if (!r)
		r = finish(&set);
	if (skew)
		*skew = skew_ns(&set);
	if (r && set.at_fault)
		(void)snprintf(problem->what, sizeof(problem->what),
			       "cannot take a snapshot of process %d",
			       (int)set.at_fault->target->pid);
	if (set.parts != &alone)
		free(set.parts);
	return r;
}
