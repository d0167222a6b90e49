/* SPDX-License-Identifier: MIT */
/* usage: cutter FD PID   cuts until the stage (FD) says stop; something may be done to it at a step of the cut */
#include "tests/stress/cutter.h"
#include "tests/stress/fault.h"
#include "tests/stress/session.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LIFE_NS UINT64_C(60000000000)

static void tell(struct stage *stage, const struct watch *watch)
{
	peeps_store_relaxed(&stage->threads[CUTTER_BROKEN].rounds, watch->check.broken_cuts);
	peeps_store_relaxed(&stage->threads[CUTTER_FAILURES].rounds, watch->tally.failures);
	peeps_store_relaxed(&stage->threads[CUTTER_PASSIVE].rounds,
			    watch->tally.quality[PEEPS_QUALITY_PASSIVE]);
	peeps_store_release(&stage->threads[CUTTER_CUTS].rounds, watch->tally.cuts);
}

int main(int argc, char **argv)
{
	static struct watch watch;
	const uint64_t until_ns = session_now_ns() + LIFE_NS;
	struct stage *stage;

	if (argc < 3)
		return 2;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED,
		     (int)strtol(argv[1], NULL, 10), 0);
	if (stage == MAP_FAILED)
		return 2;
	fault_use(&stage->fault);
	fault_volunteer(true);
	watch_init(&watch, (pid_t)strtol(argv[2], NULL, 10));
	if (watch_attach(&watch))
		return 3;
	while (!peeps_load_relaxed(&stage->stop) && session_now_ns() < until_ns) {
		(void)watch_cut(&watch, watch.tally.cuts % 8 == 0);
		tell(stage, &watch);
	}
	watch_deinit(&watch);
	return watch.check.broken_cuts != 0;
}
