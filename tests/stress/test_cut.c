/* SPDX-License-Identifier: MIT */
/* usage: test_cut TARGET   A million cuts of busy programs, none of which contradicts itself. */
#include "tests/stress/session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tests/stress/tap.h"

#define TIMEOUT_NS  UINT64_C(240000000000) /* of one act */
#define SHORT_SHARE 20

static const struct act {
	const char *sentence;
	const char *scenarios;
	uint64_t pace_us;
	uint64_t cuts; /* of a full run */
} acts[] = {
	{ "two threads that take turns are never more than a turn apart", "relay", 0, 400000 },
	{ "threads that go round a ring of locks hold one or two of them, in their order", "ring",
	  0, 150000 },
	{ "signals whose handlers run sections of their own tear nothing", "ring signals", 0,
	  100000 },
	{ "a slot that is used again never shows one life with another's words", "churn", 0,
	  150000 },
	{ "a lock of a short-lived thread is held by the thread of its number", "workers", 0,
	  90000 },
	{ "stores that wait in a store buffer are in no cut, or all are", "buffer", 0, 100000 },
	{ "a channel is as long as what was sent and not received", "jobs closing brief", 0,
	  100000 },
	{ "a oneshot is received after it was sent, and a watch seen after it changed",
	  "oneshot watch", 0, 100000 },
	{ "each receiver of a broadcast is as far behind as was sent and not received", "bus", 0,
	  60000 },
	{ "the permits of a semaphore are held, or available", "gate loan kept", 0, 60000 },
	{ "a rwlock is written by one, or read, by who holds what goes with it", "shelf", 0,
	  60000 },
	{ "who waits for a condition has left its mutex", "belfry", 0, 60000 },
	{ "as many calls as answers, or one more; what is stored of them is among those", "echo", 0,
	  60000 },
	{ "a scope and its memberships come and go at once", "scope", 0, 60000 },
	{ "everything at once contradicts nothing",
	  "relay ring signals churn workers jobs closing brief oneshot watch bus gate loan kept shelf belfry "
	  "echo scope",
	  20, 20000 },
};
#define ACT_COUNT (sizeof(acts) / sizeof(acts[0]))

static struct tally total;

static void add(const struct tally *tally)
{
	total.cuts += tally->cuts;
	total.from_shadow_and_progressed += tally->from_shadow_and_progressed;
	for (int quality = 0; quality < 4; quality++)
		total.quality[quality] += tally->quality[quality];
}

static void play(const char *target, const struct act *act)
{
	static struct watch watch;
	const uint64_t cuts = session_is_short() ? act->cuts / SHORT_SHARE : act->cuts;
	struct troupe troupe;
	bool ended_well;

	if (!troupe_start(&troupe, target, act->scenarios, act->pace_us)) {
		(void)tap_ok(false, "%s", act->sentence);
		return;
	}
	watch_init(&watch, troupe.pid);
	watch_many(&watch, cuts, UINT64_MAX, TIMEOUT_NS);
	watch_report(&watch);
	ended_well = troupe_stop(&troupe);
	(void)tap_ok(ended_well && watch.tally.cuts >= cuts && watch.check.broken_cuts == 0 &&
			     watch.tally.failures == 0,
		     "%s", act->sentence);
	add(&watch.tally);
	watch_deinit(&watch);
}

int main(int argc, char **argv)
{
	const uint64_t wanted = session_is_short() ? 1000000 / SHORT_SHARE : 1000000;

	if (argc < 2)
		return 2;
	session_keep_apart();
	for (size_t i = 0; i < ACT_COUNT; i++)
		if (argc < 3 || strtoul(argv[2], NULL, 10) == i)
			play(argv[1], &acts[i]);
	if (argc > 2)
		return tap_done();
	tap_diag("%" PRIu64 " cuts in all", total.cuts);
	(void)tap_ok(total.cuts >= wanted, "at least %" PRIu64 " cuts were taken", wanted);
	(void)tap_ok(total.from_shadow_and_progressed >= wanted / 100,
		     "at least %" PRIu64
		     " of them were answered from a shadow while writers got on",
		     wanted / 100);
	(void)tap_ok(total.quality[PEEPS_QUALITY_CUT] >= total.cuts - total.cuts / 1000,
		     "all but a thousandth of them are of quality cut");
	return tap_done();
}
