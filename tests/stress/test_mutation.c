/* SPDX-License-Identifier: MIT */
/*
 * usage: test_mutation TARGET WANTED SENTENCE SCENARIOS...
 *
 * With a rule of the protocol left out, in the target or in this reader, some of the scenarios (each a group separated
 * by spaces, tried by turns) must contradict themselves, WANTED times in all: else the stress test proves nothing.
 */
#include "tests/stress/session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tests/stress/tap.h"

#define TURN_NS    UINT64_C(5000000000)
#define TIMEOUT_NS UINT64_C(60000000000)

static uint64_t play(const char *target, const char *scenarios, uint64_t wanted)
{
	static struct watch watch;
	struct troupe troupe;
	uint64_t broken;

	if (!troupe_start(&troupe, target, scenarios, 0))
		exit(1); // NOLINT(concurrency-mt-unsafe)
	watch_init(&watch, troupe.pid);
	watch_many(&watch, UINT64_MAX, wanted, TURN_NS);
	tap_diag("%s:", scenarios);
	watch_report(&watch);
	broken = watch.check.broken_cuts;
	watch_deinit(&watch);
	(void)troupe_stop(&troupe);
	return broken;
}

int main(int argc, char **argv)
{
	const uint64_t until_ns = session_now_ns() + TIMEOUT_NS;
	uint64_t wanted, seen = 0;

	if (argc < 5)
		return 2;
	wanted = strtoull(argv[2], NULL, 10);
	session_keep_apart();
	for (int i = 4; seen < wanted && session_now_ns() < until_ns; i = i + 1 < argc ? i + 1 : 4)
		seen += play(argv[1], argv[i], wanted - seen);
	(void)tap_ok(seen >= wanted, "%s: at least %" PRIu64 " cuts show it", argv[3], wanted);
	return tap_done();
}
