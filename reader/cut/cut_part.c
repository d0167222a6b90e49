/* SPDX-License-Identifier: MIT */
/* Letters name barriers, as in docs/protocol.md. */
#include "reader/cut/cut_part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "reader/cut/barrier.h"
#include "reader/clock.h"
#include "reader/cut/passive.h"
#include "reader/target/proc.h"
#include "reader/problem.h"

#define EPOCH_SANE_MAX (UINT64_C(1) << 62)
#define LOCK_NS        UINT64_C(300000000)
#define LOCK_PAUSE_NS  UINT64_C(1000000)
#define CUT_NS \
	UINT64_C(2000000000) /* writers use retired slots again after that, whatever became of us */
#define WAIT_NS \
	UINT64_C(1000000000) /* for all threads together; shorter would be within a CPU quota */
#define ASLEEP_NS    UINT64_C(10000000)
#define SPINS        200
#define YIELDS       20
#define PAUSE_MIN_NS UINT64_C(20000)
#define PAUSE_MAX_NS UINT64_C(1000000)

/* --- the lock --------------------------------------------------------------------------------------------------- */

static int lock_set(const struct peeps_target *target, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(target->segment_fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

int peeps_cut_part_lock(struct peeps_cut_part *part)
{
	uint64_t deadline_ns = 0;
	int r;

	while ((r = lock_set(part->target, F_WRLCK)) == -EAGAIN || r == -EACCES) {
		const uint64_t now_ns = peeps_clock_monotonic_ns();

		if (deadline_ns == 0)
			deadline_ns = now_ns + LOCK_NS;
		if (now_ns >= deadline_ns)
			break;
		peeps_sleep_for_ns(LOCK_PAUSE_NS);
	}
	part->locked = r == 0;
	return r ? -EBUSY : 0;
}

void peeps_cut_part_unlock(struct peeps_cut_part *part)
{
	if (part->locked)
		(void)lock_set(part->target, F_UNLCK);
	part->locked = false;
}

/* --- the flip --------------------------------------------------------------------------------------------------- */

/* The txns as they were before the flip: a thread whose txn is still the same later has done nothing since. */
static void read_txns(struct peeps_cut_part *part)
{
	const struct peeps_rows records = peeps_bounds_rows(part->target, PEEPS_SECTION_THREADS);

	part->scanned = part->marks.rows[PEEPS_SECTION_THREADS];
	for (size_t record = 0; record < part->scanned; record++) {
		const struct peeps_thread *thread = peeps_row(records, record);

		part->image->threads[record].txn = peeps_load_acquire(&thread->txn);
	}
}

int peeps_cut_part_announce(struct peeps_cut_part *part)
{
	struct peeps_control *control = part->target->control;

	read_txns(part);
	part->announced = true;
	/* At once: a reader that is refused the lock names us by it. */
	peeps_store_relaxed(&control->reader_pid, (uint64_t)getpid());
	PEEPS_STEP(PEEPS_STEP_CUT_LOCKED);
	part->e0 = peeps_load_acquire(&control->epoch);
	if (part->e0 > EPOCH_SANE_MAX)
		return -EBADMSG;
	part->deadline_ns = peeps_clock_monotonic_ns() + CUT_NS;
	peeps_store_relaxed(&control->cut_deadline_ns, part->deadline_ns);
	peeps_store_relaxed(&control->cut, part->e0 + 1);
	PEEPS_STEP(PEEPS_STEP_CUT_ANNOUNCED);
	return 0;
}

int peeps_cut_part_flip(struct peeps_cut_part *part)
{
	struct peeps_control *control = part->target->control;
	uint64_t expected = part->e0;

	/* Release: who loads the new epoch sees the announcement too, and leaves retired slots alone. Pairs with the
	 * sections' load of the epoch. Compared, lest a reader that ignores the lock has used that epoch already. */
	if (!__atomic_compare_exchange_n(&control->epoch, &expected, part->e0 + 1, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return -EAGAIN;
	PEEPS_STEP(PEEPS_STEP_CUT_FLIPPED);
	part->flipped_ns = peeps_clock_monotonic_ns();
	part->image->taken_at_monotonic_ns = part->flipped_ns;
	part->image->taken_at_unix_ns = peeps_clock_ns(CLOCK_REALTIME);
	return 0;
}

void peeps_cut_part_clear(struct peeps_cut_part *part)
{
	struct peeps_control *control = part->target->control;

	if (!part->announced)
		return;
	part->announced = false;
	/* Release: our reading before the word that lets retired slots be written again. Pairs with the writer's look
	 * at `cut` inside a section. */
	if (peeps_load_relaxed(&control->cut) == part->e0 + 1)
		peeps_store_release(&control->cut, 0);
	PEEPS_STEP(PEEPS_STEP_CUT_CLEARED);
	peeps_store_relaxed(&control->reader_pid, 0);
}

/* --- the grace period ------------------------------------------------------------------------------------------- */

static inline void spin_hint(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline bool has_moved(const uint64_t *txn, uint64_t seen)
{
	/* Acquire: every word of the section that ended. Pairs with the section's last store. */
	return peeps_load_acquire(txn) != seen;
}

static bool moves_soon(const uint64_t *txn, uint64_t seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (has_moved(txn, seen))
			return true;
		spin_hint();
	}
	for (int i = 0; i < YIELDS; i++) {
		if (has_moved(txn, seen))
			return true;
		(void)sched_yield();
	}
	return false;
}

/* Of a process that is no more, and of one that nobody can be asked about, no thread moves. */
static bool is_lifeless(const struct peeps_target *target)
{
	return target->proc_fd < 0 || peeps_proc_has_exited(target);
}

/*
 * What the kernel says of a thread inside a section. A section never sleeps, so one that does belongs to a thread
 * which a signal handler keeps, or to one that is not to be trusted. One that is not known may have a record whose tid
 * is still that of the thread before.
 */
static bool may_move(const struct peeps_target *target, char state, uint64_t now_ns,
		     uint64_t *asleep_since_ns)
{
	switch (state) {
	case 'R':
	case 'D':
		*asleep_since_ns = 0;
		return true;
	case PEEPS_PROC_GONE:
		if (is_lifeless(target))
			return false;
		/* fall through */
	case 'S':
	case 'I':
		if (*asleep_since_ns == 0)
			*asleep_since_ns = now_ns;
		return now_ns - *asleep_since_ns < ASLEEP_NS;
	default: /* stopped, traced, a zombie, gone */
		return false;
	}
}

/* Returns whether the section that `seen` stands for has ended. */
static bool wait_for(const struct peeps_cut_part *part, const struct peeps_thread *record,
		     uint64_t seen)
{
	const uint64_t deadline_ns = part->flipped_ns + WAIT_NS;
	uint64_t pause_ns = PAUSE_MIN_NS;
	uint64_t asleep_since_ns = 0;
	uint64_t now_ns = peeps_clock_monotonic_ns();

	if (now_ns < deadline_ns && moves_soon(&record->txn, seen))
		return true;
	while (now_ns < deadline_ns &&
	       may_move(part->target,
			peeps_proc_thread_state(part->target, peeps_load_relaxed(&record->tid)),
			now_ns, &asleep_since_ns)) {
		peeps_sleep_for_ns(pause_ns);
		if (has_moved(&record->txn, seen))
			return true;
		if (pause_ns < PAUSE_MAX_NS)
			pause_ns *= 2;
		now_ns = peeps_clock_monotonic_ns();
	}
	return has_moved(&record->txn, seen);
}

/* Returns whether the section that it was in has ended. */
static bool wait_for_record(struct peeps_cut_part *part, size_t number)
{
	const struct peeps_thread *record =
		peeps_row(peeps_bounds_rows(part->target, PEEPS_SECTION_THREADS), number);
	struct peeps_thread_view *thread = &part->image->threads[number];
	const uint64_t txn = peeps_load_acquire(&record->txn);
	bool ended = !(txn & 1) || PEEPS_MUTATED(NO_WAIT);

	if (!ended)
		ended = wait_for(part, record, txn);
	peeps_image_copy_thread(part->image, part->target, number);
	if (!ended) {
		/* The write set is that section's only if txn is its still, in whatever order the stores came. */
		(void)peeps_barrier_process(part->target->header.fence_mode);
		ended = has_moved(&record->txn, txn);
	}
	if (number >= part->scanned)
		thread->txn = txn;
	thread->stuck = !ended;
	thread->settled = number < part->scanned && !(txn & 1) && txn == thread->txn;
	return ended;
}

int peeps_cut_part_wait(struct peeps_cut_part *part)
{
	/* Each that is given up on costs a membarrier even when no time is left to wait: a segment may have a million. */
	for (size_t record = 0; record < part->marks.rows[PEEPS_SECTION_THREADS]; record++) {
		if (!wait_for_record(part, record) &&
		    peeps_clock_monotonic_ns() >= part->deadline_ns)
			return -EAGAIN;
	}
	PEEPS_STEP(PEEPS_STEP_CUT_WAITED);
	return 0;
}

/* --- the copy --------------------------------------------------------------------------------------------------- */

int peeps_cut_part_measure(struct peeps_cut_part *part)
{
	peeps_bounds_marks(part->target, &part->marks);
	return peeps_image_has_room(part->image, &part->marks) ? 0 : -ENOBUFS;
}

int peeps_cut_part_copy(struct peeps_cut_part *part)
{
	int r = peeps_image_copy_entities(part->image, part->target, &part->marks, part->e0,
					  part->deadline_ns);

	PEEPS_STEP(PEEPS_STEP_CUT_COPYING);
	if (!r)
		r = peeps_image_copy_edges(part->image, part->target, &part->marks, part->e0,
					   part->deadline_ns);
	if (!r)
		r = peeps_image_copy_rows(part->image, part->target, &part->marks, part->e0,
					  part->deadline_ns);
	if (!r)
		peeps_image_copy_rest(part->image, part->target, &part->marks);
	PEEPS_STEP(PEEPS_STEP_CUT_COPIED);
	return r ? -EAGAIN : 0;
}

/* Had another reader begun a cut, a shadow that we read may already be that cut's. */
static bool is_still_ours(const struct peeps_cut_part *part)
{
	const struct peeps_control *control = part->target->control;

	/* The shadows we read before the words below: a shadow that a later epoch wrote over means that epoch below.
	 * Pairs with F. */
	peeps_fence_acquire();
	return peeps_load_relaxed(&control->epoch) == part->e0 + 1 &&
	       peeps_load_relaxed(&control->cut) == part->e0 + 1 &&
	       peeps_load_relaxed(&control->cut_deadline_ns) == part->deadline_ns &&
	       peeps_clock_monotonic_ns() < part->deadline_ns;
}

int peeps_cut_part_check(struct peeps_cut_part *part)
{
	const bool ours = is_still_ours(part);

	part->image->cut_ns = peeps_clock_monotonic_ns() - part->flipped_ns;
	PEEPS_STEP(PEEPS_STEP_CUT_CHECKED);
	return ours ? 0 : -EAGAIN;
}

/* --- before and after ------------------------------------------------------------------------------------------- */

int peeps_cut_part_prepare(struct peeps_cut_part *part, struct peeps_problem *problem)
{
	peeps_bounds_marks(part->target, &part->marks);
	return peeps_image_begin(part->image, part->target, &part->marks, problem);
}

void peeps_cut_part_judge(struct peeps_cut_part *part)
{
	struct peeps_image *image = part->image;
	uint64_t violations = 0;

	image->quality = PEEPS_QUALITY_CUT;
	peeps_image_note_stuck(image, part->target, &part->marks);
	for (size_t record = 0; record < image->thread_count; record++)
		violations |= image->threads[record].order_violations;
	if (violations || image->future_epochs) {
		image->quality = PEEPS_QUALITY_PARTIAL;
		peeps_image_note(
			image,
			"somebody else writes this segment's control page against the rules");
	}
}

static void note_holder(struct peeps_image *image, uint64_t holder)
{
	if (holder)
		peeps_image_note(image,
				 "another reader (process %" PRIu64
				 ") was cutting all the time: a passive look",
				 holder);
	else
		peeps_image_note(image, "another reader was cutting all the time: a passive look");
}

/* The reasons come after the look, which forgets earlier notes. */
static int note_reason(const struct peeps_cut_part *part, uint64_t holder,
		       struct peeps_problem *problem)
{
	struct peeps_image *image = part->image;

	switch (part->why_not) {
	case -EBUSY:
		note_holder(image, holder);
		return 0;
	case -EPERM:
		peeps_image_note(image, "membarrier is refused to this reader: a passive look");
		return 0;
	case -EACCES:
		if (!part->target->is_over)
			peeps_image_note(
				image,
				part->target->is_copy
					? "a kept segment is only read: a passive look"
					: "its control page may not be written: a passive look");
		return 0;
	case -ECANCELED: /* nobody asked for a cut */
		return 0;
	default:
		peeps_image_note(image, "no cut could be completed in time: a passive look");
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_CUT, -EAGAIN, "try again",
					 "no cut could be completed in time");
	}
}

int peeps_cut_part_look_instead(struct peeps_cut_part *part, struct peeps_problem *problem)
{
	const struct peeps_control *control = part->target->control;
	const uint64_t holder = control ? peeps_load_relaxed(&control->reader_pid) : 0;
	const int r = peeps_passive_look(part->target, part->image, problem);

	return r ? r : note_reason(part, holder, problem);
}

int peeps_cut_part_check_process(const struct peeps_cut_part *part, struct peeps_problem *problem)
{
	const int r = peeps_proc_check(part->target);

	if (r == -ESTALE)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, "attach again",
					 "it runs another program by now");
	if (r == -ESRCH) {
		part->image->exited = true;
		peeps_image_note(part->image, "the process has ended; this is what it left");
	}
	return 0;
}
