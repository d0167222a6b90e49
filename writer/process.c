/* SPDX-License-Identifier: MIT */
#define _LGPL_SOURCE
#include "writer/process.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "writer/cond.h"
#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/intern.h"
#include "writer/kept.h"
#include "writer/membership.h"
#include "writer/scope.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/text.h"
#include "writer/thread.h"
#include "writer/tick.h"
#include "writer/update.h"

struct process peeps_process = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t generations; /* in this process lineage; under the lock */
static bool constructed;

/* A page of its own, because what is wiped is pages. Older kernels cannot: then a child could not
 * be told apart. */
static bool make_word(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *const memory =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	if (madvise(memory, page, MADV_WIPEONFORK) != 0) {
		(void)munmap(memory, page);
		return false;
	}
	peeps_process.word = memory;
	return true;
}

/* Before the magic is stored, because with threads alive it can take milliseconds. Returns whether
 * sections must fence. */
static uint32_t register_membarrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) != 0;
}

static void before_fork(void);
static void after_fork_in_parent(void);
static void after_fork_in_child(void);

/* Once in a process lineage: children inherit all of it. */
static bool prepare_lineage(void)
{
	return peeps_process.word ||
	       (make_word() &&
		pthread_key_create(&peeps_process.leaving_key, thread_leaving) == 0 &&
		pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0);
}

static bool make_tables(void)
{
	return text_init() && intern_init() && site_init() && threads_init() &&
	       memberships_init() && scopes_init() && entities_init() && edges_init();
}

/* Asked once in a lineage: a child that starts telemetry late may have scrubbed its environment. */
static bool is_wanted(void)
{
	const char *const given = generations == 0 ? secure_getenv("PEEPS") : NULL;

	return !given || strcmp(given, "0") != 0;
}

/* A child that starts telemetry late may be in a sandbox by then, which would punish memfd_create() and
 * what comes with it. Containers are one from the beginning, and know these calls. */
static bool is_newly_sandboxed(void)
{
	static int mode_at_start;
	const int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);

	if (generations == 0)
		mode_at_start = mode;
	return mode != mode_at_start;
}

/* A tmpfs may be full just here: then without it. */
static bool make_segment(uint32_t fence_mode)
{
	enum peeps_not_kept refused = PEEPS_NOT_KEPT_NOT_WANTED;
	bool kept;

	do {
		if (!segment_create(fence_mode, &refused))
			return false;
		if (make_tables())
			return true;
		kept = peeps_segment.header->compat_flags & PEEPS_COMPAT_KEPT;
		segment_discard();
		refused = PEEPS_NOT_KEPT_MEMORY;
	} while (kept);
	return false;
}

static bool start(void)
{
	if (!is_wanted() || is_newly_sandboxed() || !prepare_lineage() ||
	    !make_segment(register_membarrier()))
		return false;
	generations++;
	/* Two apart: a tied hook holds its generation plus one, which must be nobody's generation. */
	peeps_process.generation = 2 * generations;
	peeps_store_relaxed(peeps_process.word, peeps_process.generation);
	segment_publish();
	return true;
}

void process_start_once(void)
{
	static __thread bool starting; /* an allocator built on our wrappers comes back here */
	const int saved_errno = errno;
	int cancel_state;
	sigset_t mask;

	/* Before libc's own constructors there is no environment, and so no word of what is wanted. */
	if (starting || (!environ && !constructed))
		return;
	starting = true;
	/* No wrapper is a cancellation point, but open() and its like are. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	process_lock(&mask);
	if (peeps_load_relaxed(&peeps_process.state) == PROCESS_UNSTARTED) {
		const uint64_t state = start() ? PROCESS_ON : PROCESS_OFF;

		/* Release: all that was made, before the word that says it is there. Pairs with
		 * process_is_on(). */
		peeps_store_release(&peeps_process.state, state);
	}
	process_unlock(&mask);
	(void)pthread_setcancelstate(cancel_state, NULL);
	starting = false;
	errno = saved_errno;
}

__attribute__((constructor)) static void construct(void)
{
	constructed = true;
	process_start_once();
	if (process_is_on())
		thread_watch_leaving();
}

/* What exit() removes, kill leaves. In a sandbox that came later it stays, too: nobody can ask what that permits. */
__attribute__((destructor)) static void destruct(void)
{
	const int saved_errno = errno;
	int cancel_state;

	if (!process_is_on() || !(peeps_segment.header->compat_flags & PEEPS_COMPAT_KEPT) ||
	    is_newly_sandboxed())
		return;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* for open() */
	kept_remove();
	(void)pthread_setcancelstate(cancel_state, NULL);
	errno = saved_errno;
}

/* Between before_fork() and after_fork_*(), under the lock. */
static struct {
	bool prepared; /* false in a child that was itself made without fork handlers: it is off */
	sigset_t mask;
	uint64_t stack;
	bool amid;
} forking;

static void before_fork(void)
{
	sigset_t mask;

	/* The lock may be held for ever there, by a thread of the parent's. */
	forking.prepared = false;
	if (peeps_process.state == PROCESS_ON && !process_is_on())
		return;
	process_lock(&mask);
	forking.prepared = true;
	forking.mask = mask;
	/* Handlers that the program registered before us run while we hold the lock. */
	forking.amid = self_is_amid();
	forking.stack = self_suspend();
	urcu_bp_before_fork();
}

static void after_fork_in_parent(void)
{
	const sigset_t mask = forking.mask;

	if (!forking.prepared)
		return;
	urcu_bp_after_fork_parent();
	self_resume(forking.stack);
	process_unlock(&mask);
}

static void after_fork_in_child(void)
{
	const sigset_t mask = forking.mask;
	int cancel_state;

	if (!forking.prepared)
		return;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* for close() */
	urcu_bp_after_fork_child();
	/* The next wrapper makes a segment of the child's own; most children exec first. Not if a signal handler
	 * forked: what it broke into goes on in the child too, with pointers into the parent's. */
	if (peeps_process.state == PROCESS_ON)
		peeps_process.state =
			segment_abandon() && !forking.amid ? PROCESS_UNSTARTED : PROCESS_OFF;
	segment_close_inherited();
	kept_forget();
	self_forget();
	tick_forget();
	update_reset_locks();
	cond_forked();
	peeps_process.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	if (peeps_process.state == PROCESS_UNSTARTED)
		thread_watch_leaving();
	(void)pthread_setcancelstate(cancel_state, NULL);
	signals_restore(&mask);
}
