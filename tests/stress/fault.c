/* SPDX-License-Identifier: MIT */
#include "tests/stress/fault.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <peeps/fault.h>

static struct stage_fault *page;
static __thread bool volunteers;

void fault_use(struct stage_fault *fault)
{
	page = fault;
}

void fault_volunteer(bool yes)
{
	volunteers = yes;
}

#ifdef PEEPS_FAULT_STEPS
void peeps_fault_step(unsigned int step)
{
	uint64_t expected = step;

	if (!page || !volunteers || peeps_load_relaxed(&page->step) != step)
		return;
	if (peeps_load_relaxed(&page->skip) > 0) {
		peeps_store_relaxed(&page->skip, page->skip - 1);
		return;
	}
	if (!__atomic_compare_exchange_n(&page->step, &expected, 0, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	peeps_store_relaxed(&page->tid, (uint64_t)gettid());
	peeps_store_release(&page->taken, page->taken + 1);
	/* Delivered before the call returns: to stop or to end the whole process, or to a handler that jumps away. */
	(void)syscall(SYS_tgkill, getpid(), gettid(), (int)page->signal);
}
#endif
