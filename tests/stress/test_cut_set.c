/* SPDX-License-Identifier: MIT */
/*
 * usage: test_cut_set TARGET MESSENGER   Cuts of several busy programs at once: none of them contradicts itself in any.
 *
 * What several of them say together is of moments that are apart by the skew. How often that shows as a message that
 * was received and not sent is told, and asserted of nothing: docs/protocol.md, rule 14.
 */
#include "tests/stress/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/cut/cut.h"
#include "tests/stress/messenger.h"
#include "tests/stress/tap.h"

#define PROGRAMS   3
#define SETS       60000
#define SETS_SHORT 3000
#define SETS_MIN   1000 /* with fewer nothing would have been tried */
#define LONGEST_NS \
	UINT64_C(45000000000) /* of a scene: as many sets as a slow machine takes in it */
#define READY_NS UINT64_C(20000000000)

static struct peeps_target targets[PROGRAMS];
static struct peeps_image images[PROGRAMS];
static uint64_t skews_ns[SETS];

struct tallies {
	uint64_t sets, failures, all_cut, progressed;
	uint64_t until_ns;
};

static uint64_t sets_wanted(void)
{
	return session_is_short() ? SETS_SHORT : SETS;
}

static bool attach_all(const pid_t *pids)
{
	struct peeps_problem problem;

	for (int i = 0; i < PROGRAMS; i++) {
		if (peeps_attach(&targets[i], pids[i], &problem) != 0) {
			tap_diag("%s: %s", problem.what, problem.why);
			return false;
		}
		peeps_image_init(&images[i]);
	}
	return true;
}

static void detach_all(void)
{
	for (int i = 0; i < PROGRAMS; i++) {
		peeps_detach(&targets[i]);
		peeps_image_deinit(&images[i]);
	}
}

/* Returns false at the end. */
static bool take(struct tallies *tallies)
{
	struct peeps_problem problem;
	uint64_t skew_ns;
	bool all_cut = true;

	if (tallies->sets >= sets_wanted() || session_now_ns() > tallies->until_ns)
		return false;
	tallies->failures += peeps_cut_set(targets, images, PROGRAMS, 0, &skew_ns, &problem) != 0;
	for (int i = 0; i < PROGRAMS; i++)
		all_cut &= images[i].quality == PEEPS_QUALITY_CUT;
	skews_ns[tallies->sets++] = skew_ns;
	tallies->all_cut += all_cut;
	return true;
}

static int by_size(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void report(const struct tallies *tallies)
{
	const uint64_t count = tallies->sets;

	if (count == 0)
		return;
	qsort(skews_ns, count, sizeof(skews_ns[0]), by_size);
	tap_diag("%" PRIu64 " sets, %" PRIu64 " of them cuts of all; skew: median %" PRIu64
		 " ns, 99 %% %" PRIu64 " ns, longest %" PRIu64 " ns",
		 count, tallies->all_cut, skews_ns[count / 2], skews_ns[count * 99 / 100],
		 skews_ns[count - 1]);
}

/* --- each by itself ----------------------------------------------------------------------------------------------- */

static bool check_one(int program, struct check *check, uint64_t *fingerprint)
{
	static struct facts facts;
	bool moved;

	if (images[program].quality == PEEPS_QUALITY_PASSIVE)
		return false;
	facts_from_image(&facts, &images[program]);
	(void)check_facts(check, &facts);
	moved = facts.fingerprint != *fingerprint && images[program].shadow_answers > 0;
	*fingerprint = facts.fingerprint;
	return moved;
}

static void play(const char *target)
{
	static const char *const scenarios[PROGRAMS] = { "relay jobs", "ring signals",
							 "ring signals loan" };
	static struct check checks[PROGRAMS];
	uint64_t fingerprints[PROGRAMS] = { 0 }, broken = 0;
	struct tallies tallies = { .until_ns = session_now_ns() + LONGEST_NS };
	struct troupe troupes[PROGRAMS];
	pid_t pids[PROGRAMS];
	int started = 0;
	bool well = true;

	while (well && started < PROGRAMS) {
		well = troupe_start(&troupes[started], target, scenarios[started], 0);
		pids[started] = troupes[started].pid;
		started += well;
	}
	well = well && attach_all(pids);
	while (well && take(&tallies)) {
		for (int i = 0; i < PROGRAMS; i++)
			tallies.progressed += check_one(i, &checks[i], &fingerprints[i]);
	}
	report(&tallies);
	for (int i = 0; i < PROGRAMS; i++) {
		broken += checks[i].broken_cuts;
		for (size_t k = 0; k < checks[i].kept_count; k++)
			tap_diag("  %s: %s", scenarios[i], checks[i].kept[k]);
	}
	for (int i = 0; i < started; i++)
		well &= troupe_stop(&troupes[i]);
	detach_all();
	tap_diag("saw progress from a shadow %" PRIu64 " times", tallies.progressed);
	(void)tap_ok(well && broken == 0 && tallies.failures == 0 && tallies.sets >= SETS_MIN,
		     "no program contradicts itself in a cut of several");
	(void)tap_ok(tallies.progressed >= tallies.sets / 100,
		     "its writers got on while they were cut");
	(void)tap_ok(tallies.all_cut >= tallies.sets - tallies.sets / 100,
		     "all but a hundredth are cuts of all of them");
}

/* --- all together ------------------------------------------------------------------------------------------------- */

static uint64_t count_of(const struct peeps_image *image, size_t which)
{
	size_t mutexes = 0;

	/* In the order in which they were made. */
	for (size_t i = 0; i < image->entity_count; i++) {
		if ((image->entities[i].kind & 0xffff) == PEEPS_KIND_MUTEX && mutexes++ == which)
			return image->entities[i].body[PEEPS_MUTEX_WAIT_TOTAL_WORD];
	}
	return 0;
}

#define SENT     0
#define RECEIVED 1

static bool start_messengers(const char *program, int fd, const struct stage *stage, pid_t *pids)
{
	const uint64_t until_ns = session_now_ns() + READY_NS;
	char number[16], position[16];
	const char *arguments[] = { program, number, position, NULL };

	(void)snprintf(number, sizeof(number), "%d", fd);
	for (int i = 0; i < MESSENGERS; i++) {
		(void)snprintf(position, sizeof(position), "%d", i);
		pids[i] = child_start(arguments);
	}
	for (int i = 0; i < MESSENGERS; i++) {
		while (peeps_load_relaxed(&stage->threads[i].rounds) == 0) {
			if (session_now_ns() > until_ns)
				return false;
			(void)usleep(1000);
		}
	}
	return true;
}

/* Of each set, whether somebody has received what his peer has not sent. */
static uint64_t count_early(struct tallies *tallies)
{
	uint64_t early = 0, before = 0;

	while (take(tallies)) {
		uint64_t sent = 0;
		bool is_early = false;

		for (int i = 0; i < MESSENGERS; i++)
			sent += count_of(&images[i], SENT);
		for (int i = 0; i < MESSENGERS; i++)
			is_early |= count_of(&images[(i + 1) % MESSENGERS], RECEIVED) >
				    count_of(&images[i], SENT);
		early += is_early;
		tallies->progressed += sent > before;
		before = sent;
	}
	return early;
}

static void send_messages(const char *messenger)
{
	struct tallies tallies = { .until_ns = session_now_ns() + LONGEST_NS };
	pid_t pids[MESSENGERS];
	int fd;
	struct stage *stage = stage_new(&fd);
	bool well = start_messengers(messenger, fd, stage, pids) && attach_all(pids);
	const uint64_t early = well ? count_early(&tallies) : 0;

	report(&tallies);
	tap_diag("a message was received and not sent in %" PRIu64 " sets", early);
	peeps_store_relaxed(&stage->stop, 1);
	for (int i = 0; i < MESSENGERS; i++)
		well &= child_wait(pids[i], READY_NS) == 0;
	detach_all();
	(void)close(fd);
	(void)tap_ok(well && tallies.failures == 0 && tallies.sets >= SETS_MIN &&
			     tallies.progressed > tallies.sets / 100,
		     "processes that write to each other are cut together while they do");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	session_keep_apart();
	play(argv[1]);
	send_messages(argv[2]);
	return tap_done();
}
