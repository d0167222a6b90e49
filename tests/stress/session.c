/* SPDX-License-Identifier: MIT */
#include "tests/stress/session.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "tests/stress/tap.h"

#define READY_NS     UINT64_C(20000000000)
#define STOP_NS      UINT64_C(10000000000)
#define CHANGE_NS    UINT64_C(5000000000)
#define WORDS_MAX    16
#define DECODE_EVERY 4
#define ATTACH_EVERY 500
#define CLOCK_EVERY  64
#define SMALL        "entities=4096,edges=2048,threads=512,text=4M"

uint64_t session_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool session_is_short(void)
{
	const char *const stress = getenv("PEEPS_STRESS"); // NOLINT(concurrency-mt-unsafe)

	return stress && strcmp(stress, "short") == 0;
}

uint64_t session_seed(void)
{
	static uint64_t seed;
	const char *const given = getenv("PEEPS_SEED"); // NOLINT(concurrency-mt-unsafe)

	if (seed == 0) {
		seed = given ? strtoull(given, NULL, 10) : session_now_ns() & 0xffffff;
		tap_diag("PEEPS_SEED=%" PRIu64, seed);
	}
	return seed;
}

/* --- processors ----------------------------------------------------------------------------------------------------- */

static cpu_set_t processors_of_children;
static bool is_apart;

void session_keep_apart(void)
{
	cpu_set_t mine;

	if (sched_getaffinity(0, sizeof(processors_of_children), &processors_of_children) != 0 ||
	    CPU_COUNT(&processors_of_children) < 2)
		return;
	CPU_ZERO(&mine);
	for (int cpu = CPU_SETSIZE - 1; CPU_COUNT(&mine) == 0; cpu--) {
		if (!CPU_ISSET(cpu, &processors_of_children))
			continue;
		CPU_SET(cpu, &mine);
		CPU_CLR(cpu, &processors_of_children);
	}
	is_apart = sched_setaffinity(0, sizeof(mine), &mine) == 0;
}

/* --- processes ----------------------------------------------------------------------------------------------------- */

struct stage *stage_new(int *fd)
{
	struct stage *stage;

	*fd = memfd_create("stage", 0);
	if (*fd < 0 || ftruncate(*fd, sizeof(*stage)) != 0) {
		tap_diag("no stage");
		exit(99); // NOLINT(concurrency-mt-unsafe)
	}
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (stage == MAP_FAILED)
		exit(99); // NOLINT(concurrency-mt-unsafe)
	stage->seed = session_seed();
	return stage;
}

pid_t child_start(const char *const *arguments)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(99);
	if (is_apart)
		(void)sched_setaffinity(0, sizeof(processors_of_children), &processors_of_children);
	(void)execv(arguments[0], (char *const *)arguments);
	_exit(98);
}

int child_wait(pid_t pid, uint64_t timeout_ns)
{
	const uint64_t until_ns = session_now_ns() + timeout_ns;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (session_now_ns() > until_ns) {
			child_kill(pid);
			return -1;
		}
		(void)usleep(1000);
	}
	return status;
}

void child_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static bool await_change(pid_t pid, int options)
{
	const uint64_t until_ns = session_now_ns() + CHANGE_NS;
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, options | WNOHANG | WNOWAIT) != 0)
			return false;
		if (info.si_pid == pid)
			return true;
		if (session_now_ns() > until_ns)
			return false;
		(void)usleep(500);
	}
}

bool child_await_stop(pid_t pid)
{
	return await_change(pid, WSTOPPED);
}

bool child_await_end(pid_t pid)
{
	return await_change(pid, WEXITED);
}

bool troupe_gets_on(const struct troupe *troupe)
{
	const uint64_t until_ns = session_now_ns() + CHANGE_NS;
	const uint64_t before = stage_rounds(troupe->stage);

	while (stage_rounds(troupe->stage) < before + 5) {
		if (session_now_ns() > until_ns)
			return false;
		(void)usleep(500);
	}
	return true;
}

bool troupe_start(struct troupe *troupe, const char *program, const char *scenarios,
		  uint64_t pace_us)
{
	const uint64_t until_ns = session_now_ns() + READY_NS;
	const char *arguments[WORDS_MAX + 1] = { program };
	char words[128], fd[16], *rest = words;
	size_t count = 2;

	troupe->stage = stage_new(&troupe->stage_fd);
	troupe->stage->pace_us = pace_us;
	(void)snprintf(fd, sizeof(fd), "%d", troupe->stage_fd);
	(void)snprintf(words, sizeof(words), "%s", scenarios);
	arguments[1] = fd;
	for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " ", &rest)) != NULL; count++)
		arguments[count] = word;
	(void)setenv("PEEPS_CAPACITY", SMALL, 0); // NOLINT(concurrency-mt-unsafe)
	troupe->pid = child_start(arguments);
	while (!peeps_load_acquire(&troupe->stage->ready)) {
		if (session_now_ns() > until_ns || waitpid(troupe->pid, NULL, WNOHANG) != 0) {
			tap_diag("%s did not get ready for: %s", program, scenarios);
			(void)troupe_stop(troupe);
			return false;
		}
		(void)usleep(1000);
	}
	return true;
}

bool troupe_stop(struct troupe *troupe)
{
	int status;

	peeps_store_relaxed(&troupe->stage->stop, 1);
	status = child_wait(troupe->pid, STOP_NS);
	(void)munmap(troupe->stage, sizeof(*troupe->stage));
	(void)close(troupe->stage_fd);
	if (status != 0)
		tap_diag("the target ended with %d", status);
	return status == 0;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

void watch_init(struct watch *watch, pid_t pid)
{
	memset(watch, 0, sizeof(*watch));
	peeps_image_init(&watch->image);
	watch->pid = pid;
	watch->tally.began_ns = session_now_ns();
}

void watch_deinit(struct watch *watch)
{
	watch_detach(watch);
	peeps_image_deinit(&watch->image);
}

int watch_attach(struct watch *watch)
{
	int r;

	if (watch->attached)
		return 0;
	r = peeps_attach(&watch->target, watch->pid, &watch->problem);
	watch->attached = r == 0;
	watch->tally.attaches += r == 0;
	return r;
}

void watch_detach(struct watch *watch)
{
	if (watch->attached)
		peeps_detach(&watch->target);
	watch->attached = false;
}

static void check_decoded(struct watch *watch)
{
	struct peeps_graph *graph;

	if (peeps_decode(&watch->image, 0, &graph) != 0) {
		watch->tally.failures++;
		return;
	}
	watch->tally.decodes++;
	facts_from_graph(&watch->facts, graph, watch->image.note_count);
	(void)check_facts(&watch->check, &watch->facts);
	peeps_graph_free(graph);
}

static void count_cut(struct watch *watch, uint64_t took_ns)
{
	struct tally *const tally = &watch->tally;
	const bool progressed = watch->facts.fingerprint != watch->fingerprint && tally->cuts > 0;

	tally->cuts++;
	tally->quality[watch->image.quality]++;
	tally->shadow_answers += watch->image.shadow_answers;
	tally->from_shadow += watch->image.shadow_answers > 0;
	tally->progressed += progressed;
	tally->from_shadow_and_progressed += progressed && watch->image.shadow_answers > 0;
	tally->cut_ns += took_ns;
	if (tally->longest_ns < took_ns)
		tally->longest_ns = took_ns;
	watch->fingerprint = watch->facts.fingerprint;
	if (watch->image.quality != PEEPS_QUALITY_CUT && watch->image.note_count &&
	    watch->kept_count < 4)
		memcpy(watch->kept[watch->kept_count++], watch->image.notes[0],
		       sizeof(watch->kept[0]));
}

int watch_cut(struct watch *watch, bool decode)
{
	const uint64_t began_ns = session_now_ns();
	const int r = peeps_cut(&watch->target, &watch->image, 0, &watch->problem);
	const uint64_t took_ns = session_now_ns() - began_ns;

	if (r) {
		watch->tally.failures++;
		return r;
	}
	/* A passive look is none: its parts may be of different moments. */
	if (watch->image.quality != PEEPS_QUALITY_PASSIVE) {
		facts_from_image(&watch->facts, &watch->image);
		(void)check_facts(&watch->check, &watch->facts);
		count_cut(watch, took_ns);
		if (decode)
			check_decoded(watch);
	} else {
		count_cut(watch, took_ns);
	}
	return 0;
}

uint64_t watch_answer(struct watch *watch)
{
	const uint64_t began_ns = session_now_ns();

	if (watch_attach(watch) || watch_cut(watch, true))
		return 0;
	return session_now_ns() - began_ns;
}

void watch_many(struct watch *watch, uint64_t cuts, uint64_t broken_cuts, uint64_t timeout_ns)
{
	const uint64_t until_ns = session_now_ns() + timeout_ns;

	for (uint64_t i = 1; i <= cuts && watch->check.broken_cuts < broken_cuts; i++) {
		if (watch_attach(watch)) {
			watch->tally.failures++;
			return;
		}
		(void)watch_cut(watch, i % DECODE_EVERY == 0);
		if (i % ATTACH_EVERY == 0)
			watch_detach(watch);
		if (i % CLOCK_EVERY == 0 && session_now_ns() > until_ns)
			return;
	}
}

void watch_report(const struct watch *watch)
{
	const struct tally *const tally = &watch->tally;
	const uint64_t *const counters = watch->image.counters;

	tap_diag("%" PRIu64 " cuts in %.1f s (%.1f us each, longest %.1f ms), %" PRIu64
		 " decoded, %" PRIu64 " attaches",
		 tally->cuts, (double)(session_now_ns() - tally->began_ns) / 1e9,
		 (double)tally->cut_ns / 1e3 / (double)(tally->cuts ? tally->cuts : 1),
		 (double)tally->longest_ns / 1e6, tally->decodes, tally->attaches);
	tap_diag("quality: %" PRIu64 " cut, %" PRIu64 " quiescent, %" PRIu64 " partial, %" PRIu64
		 " passive; %" PRIu64 " failed",
		 tally->quality[PEEPS_QUALITY_CUT], tally->quality[PEEPS_QUALITY_QUIESCENT],
		 tally->quality[PEEPS_QUALITY_PARTIAL], tally->quality[PEEPS_QUALITY_PASSIVE],
		 tally->failures);
	tap_diag("answered from a shadow: %" PRIu64 " slots in %" PRIu64
		 " cuts; saw progress: %" PRIu64 "; both: %" PRIu64,
		 tally->shadow_answers, tally->from_shadow, tally->progressed,
		 tally->from_shadow_and_progressed);
	tap_diag("seen: %" PRIu64 " holds, %" PRIu64 " waits; dropped_nested %" PRIu64
		 ", torn %" PRIu64 ", dropped entities %" PRIu64,
		 watch->check.holds_seen, watch->check.waits_seen,
		 counters[PEEPS_COUNTER_DROPPED_NESTED], counters[PEEPS_COUNTER_TORN],
		 counters[PEEPS_COUNTER_DROPPED_ENTITIES]);
	tap_diag("%" PRIu64 " cuts contradict themselves", watch->check.broken_cuts);
	for (size_t i = 0; i < watch->check.kept_count; i++)
		tap_diag("  %s", watch->check.kept[i]);
	for (size_t i = 0; i < watch->kept_count; i++)
		tap_diag("  a note: %s", watch->kept[i]);
}
