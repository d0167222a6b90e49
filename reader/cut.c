/* SPDX-License-Identifier: MIT */
/*
 * The reader's half of docs/protocol.md, in its order: lock, announce, flip the epoch, a barrier in every writer, wait
 * for the sections of the old epoch, copy, look back, clear, unlock. Letters name barriers, as there.
 */
#include "reader/cut.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include "reader/barrier.h"
#include "reader/bounds.h"
#include "reader/clock.h"
#include "reader/passive.h"
#include "reader/proc.h"
#include "reader/problem.h"

#define EPOCH_SANE_MAX (UINT64_C(1) << 62)
#define LOCK_NS        UINT64_C(300000000)
#define LOCK_PAUSE_NS  UINT64_C(1000000)
#define CUT_NS \
	UINT64_C(2000000000) /* writers use retired slots again after that, whatever became of us */
#define WAIT_NS \
	UINT64_C(1000000000) /* for all threads together; shorter would be within a CPU quota */
#define ASLEEP_NS    UINT64_C(10000000)
#define ALL_TRIES_NS UINT64_C(1000000000)
#define TRIES        8
#define SPINS        200
#define YIELDS       20
#define PAUSE_MIN_NS UINT64_C(20000)
#define PAUSE_MAX_NS UINT64_C(1000000)

struct cut {
	struct peeps_target *target;
	struct peeps_image *image;
	struct peeps_marks marks;
	size_t scanned; /* records whose txn was read before the flip */
	uint64_t e0;    /* the epoch that the cut shows */
	uint64_t deadline_ns;
	uint64_t flipped_ns;
};

/* --- the lock --------------------------------------------------------------------------------------------------- */

static int lock_set(const struct peeps_target *target, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(target->segment_fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

/* Returns 0; -EAGAIN another reader has it. Dies with us, so that it never has to be broken. */
static int lock_take(const struct peeps_target *target)
{
	uint64_t deadline_ns = 0;
	int r;

	while ((r = lock_set(target, F_WRLCK)) == -EAGAIN || r == -EACCES) {
		const uint64_t now_ns = peeps_clock_monotonic_ns();

		if (deadline_ns == 0)
			deadline_ns = now_ns + LOCK_NS;
		if (now_ns >= deadline_ns)
			return -EAGAIN;
		peeps_sleep_for_ns(LOCK_PAUSE_NS);
	}
	return r;
}

/* --- the flip --------------------------------------------------------------------------------------------------- */

static int announce(struct cut *cut)
{
	struct peeps_control *control = cut->target->control;
	uint64_t expected;

	/* At once: a reader that is refused the lock names us by it. */
	peeps_store_relaxed(&control->reader_pid, (uint64_t)getpid());
	PEEPS_STEP(PEEPS_STEP_CUT_LOCKED);
	cut->e0 = peeps_load_acquire(&control->epoch);
	if (cut->e0 > EPOCH_SANE_MAX)
		return -EBADMSG;
	expected = cut->e0;
	cut->deadline_ns = peeps_clock_monotonic_ns() + CUT_NS;
	peeps_store_relaxed(&control->cut_deadline_ns, cut->deadline_ns);
	peeps_store_relaxed(&control->cut, cut->e0 + 1);
	PEEPS_STEP(PEEPS_STEP_CUT_ANNOUNCED);
	/* Release: who loads the new epoch sees the announcement too, and leaves retired slots alone. Pairs with the
	 * sections' load of the epoch. Compared, lest a reader that ignores the lock has used that epoch already. */
	if (!__atomic_compare_exchange_n(&control->epoch, &expected, cut->e0 + 1, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return -EAGAIN;
	PEEPS_STEP(PEEPS_STEP_CUT_FLIPPED);
	cut->flipped_ns = peeps_clock_monotonic_ns();
	cut->image->taken_at_monotonic_ns = cut->flipped_ns;
	cut->image->taken_at_unix_ns = peeps_clock_ns(CLOCK_REALTIME);
	return 0;
}

/* The txns as they were before the flip: a thread whose txn is still the same later has done nothing since. */
static void read_txns(struct cut *cut)
{
	const struct peeps_rows records = peeps_bounds_rows(cut->target, PEEPS_SECTION_THREADS);

	cut->scanned = cut->marks.rows[PEEPS_SECTION_THREADS];
	for (size_t record = 0; record < cut->scanned; record++) {
		const struct peeps_thread *thread = peeps_row(records, record);

		cut->image->threads[record].txn = peeps_load_acquire(&thread->txn);
	}
}

static void clear(struct cut *cut)
{
	struct peeps_control *control = cut->target->control;

	/* Release: our reading before the word that lets retired slots be written again. Pairs with the writer's look
	 * at `cut` inside a section. */
	if (peeps_load_relaxed(&control->cut) == cut->e0 + 1)
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
static bool wait_for(const struct cut *cut, const struct peeps_thread *record, uint64_t seen)
{
	const uint64_t deadline_ns = cut->flipped_ns + WAIT_NS;
	uint64_t pause_ns = PAUSE_MIN_NS;
	uint64_t asleep_since_ns = 0;
	uint64_t now_ns = peeps_clock_monotonic_ns();

	if (now_ns < deadline_ns && moves_soon(&record->txn, seen))
		return true;
	while (now_ns < deadline_ns &&
	       may_move(cut->target,
			peeps_proc_thread_state(cut->target, peeps_load_relaxed(&record->tid)),
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

static void wait_for_record(struct cut *cut, size_t number)
{
	const struct peeps_thread *record =
		peeps_row(peeps_bounds_rows(cut->target, PEEPS_SECTION_THREADS), number);
	struct peeps_thread_view *thread = &cut->image->threads[number];
	const uint64_t txn = peeps_load_acquire(&record->txn);
	bool ended = !(txn & 1) || PEEPS_MUTATED(NO_WAIT);

	if (!ended)
		ended = wait_for(cut, record, txn);
	peeps_image_copy_thread(cut->image, cut->target, number);
	if (!ended) {
		/* The write set is that section's only if txn is its still, in whatever order the stores came. */
		(void)peeps_barrier_process(cut->target->header.fence_mode);
		ended = has_moved(&record->txn, txn);
	}
	if (number >= cut->scanned)
		thread->txn = txn;
	thread->stuck = !ended;
	thread->settled = number < cut->scanned && !(txn & 1) && txn == thread->txn;
}

static void wait_for_sections(struct cut *cut)
{
	for (size_t record = 0; record < cut->marks.rows[PEEPS_SECTION_THREADS]; record++)
		wait_for_record(cut, record);
}

/* --- one try ---------------------------------------------------------------------------------------------------- */

static int copy(struct cut *cut)
{
	int r = peeps_image_copy_entities(cut->image, cut->target, &cut->marks, cut->e0,
					  cut->deadline_ns);

	PEEPS_STEP(PEEPS_STEP_CUT_COPYING);
	if (!r)
		r = peeps_image_copy_edges(cut->image, cut->target, &cut->marks, cut->e0,
					   cut->deadline_ns);
	if (!r)
		r = peeps_image_copy_rows(cut->image, cut->target, &cut->marks, cut->e0,
					  cut->deadline_ns);
	if (!r)
		peeps_image_copy_rest(cut->image, cut->target, &cut->marks);
	PEEPS_STEP(PEEPS_STEP_CUT_COPIED);
	return r;
}

/* Had another reader begun a cut, a shadow that we read may already be that cut's. */
static bool is_still_ours(const struct cut *cut)
{
	const struct peeps_control *control = cut->target->control;

	/* The shadows we read before the words below: a shadow that a later epoch wrote over means that epoch below.
	 * Pairs with F. */
	peeps_fence_acquire();
	return peeps_load_relaxed(&control->epoch) == cut->e0 + 1 &&
	       peeps_load_relaxed(&control->cut) == cut->e0 + 1 &&
	       peeps_load_relaxed(&control->cut_deadline_ns) == cut->deadline_ns &&
	       peeps_clock_monotonic_ns() < cut->deadline_ns;
}

/*
 * Context: under the lock: no output, no fork, no allocation.
 * Returns 0; -EAGAIN the cut was lost; -ENOBUFS the target has outgrown the image's room; -EPERM no membarrier for us;
 * -EBADMSG the epoch is none.
 */
static int cut_locked(struct cut *cut)
{
	const uint32_t fence_mode = cut->target->header.fence_mode;
	int r = 0;

	read_txns(cut);
	r = announce(cut);
	if (r) {
		clear(cut);
		return r;
	}
	/* Pairs with A: a section has either loaded the new epoch, or its odd txn and the marks before it are seen. */
	if (!PEEPS_MUTATED(NO_MEMBARRIER) && !peeps_barrier_process(fence_mode))
		r = -EPERM;
	PEEPS_STEP(PEEPS_STEP_CUT_FENCED);
	if (!r) {
		peeps_bounds_marks(cut->target, &cut->marks);
		if (!peeps_image_has_room(cut->image, &cut->marks))
			r = -ENOBUFS;
	}
	if (!r) {
		wait_for_sections(cut);
		PEEPS_STEP(PEEPS_STEP_CUT_WAITED);
		r = copy(cut);
	}
	if (!r && !is_still_ours(cut))
		r = -EAGAIN;
	cut->image->cut_ns = peeps_clock_monotonic_ns() - cut->flipped_ns;
	PEEPS_STEP(PEEPS_STEP_CUT_CHECKED);
	clear(cut);
	return r == -ETIME ? -EAGAIN : r;
}

/* --- the whole cut ---------------------------------------------------------------------------------------------- */

static void judge(struct cut *cut)
{
	struct peeps_image *image = cut->image;
	uint64_t violations = 0;

	image->quality = PEEPS_QUALITY_CUT;
	peeps_image_note_stuck(image, cut->target, &cut->marks);
	for (size_t record = 0; record < image->thread_count; record++)
		violations |= image->threads[record].order_violations;
	if (violations || image->future_epochs) {
		image->quality = PEEPS_QUALITY_PARTIAL;
		peeps_image_note(
			image,
			"somebody else writes this segment's control page against the rules");
	}
}

/* Returns as cut_locked(), or -EBUSY: another reader is cutting. */
static int cut_try(struct cut *cut, struct peeps_problem *problem)
{
	int r;

	peeps_bounds_marks(cut->target, &cut->marks);
	r = peeps_image_begin(cut->image, cut->target, &cut->marks, problem);
	if (r)
		return r;
	if (lock_take(cut->target))
		return -EBUSY;
	r = cut_locked(cut);
	(void)lock_set(cut->target, F_UNLCK);
	if (r == -EBADMSG)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, r, "",
					 "its segment is damaged: the epoch %" PRIu64 " is none",
					 cut->e0);
	return r;
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

/* The reason comes after the look, which forgets earlier notes. */
static int look_instead(struct cut *cut, int why, struct peeps_problem *problem)
{
	const uint64_t holder = peeps_load_relaxed(&cut->target->control->reader_pid);
	const int r = peeps_passive_look(cut->target, cut->image, problem);

	if (r)
		return r;
	if (why == -EBUSY) {
		note_holder(cut->image, holder);
		return 0;
	}
	if (why == -EPERM) {
		peeps_image_note(cut->image,
				 "membarrier is refused to this reader: a passive look");
		return 0;
	}
	peeps_image_note(cut->image, "no cut could be completed in time: a passive look");
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_CUT, -EAGAIN, "try again",
				 "no cut could be completed in time");
}

static int cut_live(struct cut *cut, struct peeps_problem *problem)
{
	const uint64_t give_up_ns = peeps_clock_monotonic_ns() + ALL_TRIES_NS;
	int r;

	for (int i = 0; i < TRIES; i++) {
		r = cut_try(cut, problem);
		if (r == 0) {
			judge(cut);
			return 0;
		}
		if ((r != -EAGAIN && r != -ENOBUFS) || peeps_clock_monotonic_ns() >= give_up_ns)
			break;
	}
	if (r == -ENOMEM || r == -EBADMSG)
		return r;
	return look_instead(cut, r, problem);
}

static int check_process(const struct peeps_target *target, struct peeps_image *image,
			 struct peeps_problem *problem)
{
	const int r = peeps_proc_check(target);

	if (r == -ESTALE)
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ESRCH, "attach again",
					 "it runs another program by now");
	if (r == -ESRCH) {
		image->exited = true;
		peeps_image_note(image, "the process has ended; this is what it left");
	}
	return 0;
}

int peeps_cut(struct peeps_target *target, struct peeps_image *image, unsigned int flags,
	      struct peeps_problem *problem)
{
	struct cut cut = { .target = target, .image = image };
	int r, gone;

	memset(problem, 0, sizeof(*problem));
	if (flags & PEEPS_CUT_PASSIVE) {
		r = peeps_passive_look(target, image, problem);
	} else if (!target->control) {
		r = peeps_passive_look(target, image, problem);
		if (!r && !target->is_over)
			peeps_image_note(
				image,
				target->is_copy
					? "a kept segment is only read: a passive look"
					: "its control page may not be written: a passive look");
	} else {
		r = cut_live(&cut, problem);
	}
	if (r == 0 || r == -EAGAIN) {
		gone = check_process(target, image, problem);
		r = gone ? gone : r;
	}
	if (r)
		(void)snprintf(problem->what, sizeof(problem->what),
			       "cannot take a snapshot of process %d", (int)target->pid);
	return r;
}
