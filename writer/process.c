/* SPDX-License-Identifier: MIT */
#define _LGPL_SOURCE
#include "writer/process.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "writer/entity.h"
#include "writer/intern.h"
#include "writer/operation.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/text.h"
#include "writer/thread.h"
#include "writer/tick.h"
#include "writer/update.h"

struct process peeps_process = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t generations; /* in this process lineage; under the lock */

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
	return text_init() && intern_init() && site_init() && threads_init() && entities_init() &&
	       operations_init();
}

/* Asked once in a lineage: a child that starts telemetry late may have scrubbed its environment. */
static bool is_wanted(void)
{
	const char *const given = generations == 0 ? secure_getenv("PEEPS") : NULL;

	return !given || strcmp(given, "0") != 0;
}

static bool start(void)
{
	if (!is_wanted() || !prepare_lineage() || !segment_create(register_membarrier()))
		return false;
	if (!make_tables()) {
		(void)segment_abandon();
		segment_close_inherited();
		return false;
	}
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
	sigset_t mask;

	if (starting)
		return;
	starting = true;
	process_lock(&mask);
	if (peeps_load_relaxed(&peeps_process.state) == PROCESS_UNSTARTED) {
		const uint64_t state = start() ? PROCESS_ON : PROCESS_OFF;

		/* Release: all that was made, before the word that says it is there. Pairs with
		 * process_is_on(). */
		peeps_store_release(&peeps_process.state, state);
	}
	process_unlock(&mask);
	starting = false;
	errno = saved_errno;
}

__attribute__((constructor)) static void construct(void)
{
	process_start_once();
}

static sigset_t fork_mask; /* between before_fork() and after_fork_*(), under the lock */

static void before_fork(void)
{
	sigset_t mask;

	process_lock(&mask);
	fork_mask = mask;
	urcu_bp_before_fork();
}

static void after_fork_in_parent(void)
{
	const sigset_t mask = fork_mask;

	urcu_bp_after_fork_parent();
	process_unlock(&mask);
}

static void after_fork_in_child(void)
{
	const sigset_t mask = fork_mask;

	urcu_bp_after_fork_child();
	if (peeps_process.state == PROCESS_ON)
		/* The next wrapper makes a segment of the child's own; most children exec first. */
		peeps_process.state = segment_abandon() ? PROCESS_UNSTARTED : PROCESS_OFF;
	segment_close_inherited();
	self_forget();
	tick_forget();
	update_reset_locks();
	peeps_process.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	signals_restore(&mask);
}
