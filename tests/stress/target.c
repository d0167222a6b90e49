/* SPDX-License-Identifier: MIT */
/* usage: target FD SCENARIO...   plays the scenarios until the stage (FD) says stop */
#include "tests/stress/target.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "tests/stress/fault.h"

#define BATON_SPINS 30
#define GAP_SLOTS   64
#define GAPS_MAX    1024

struct stage *stage;

static char **scenarios;

static struct member {
	pthread_t thread;
	char name[16];
	void (*run)(void *);
	void *argument;
	uint64_t random;
} members[STAGE_THREADS];
static unsigned int member_count;
static uint64_t ready_count;
static uint64_t may_start; /* all members are known */
static __thread unsigned int own_number;

void target_must(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "target: this must hold: %s\n", what);
	_exit(3);
}

bool target_plays(const char *scenario)
{
	for (char **name = scenarios; *name; name++)
		if (strcmp(*name, scenario) == 0)
			return true;
	return false;
}

static void *member_run(void *pointer)
{
	struct member *const member = pointer;

	own_number = (unsigned int)(member - members);
	member->random = (stage->seed + own_number + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	(void)pthread_setname_np(pthread_self(), member->name);
	peeps_thread_name(member->name);
	member->run(member->argument);
	return NULL;
}

unsigned int target_thread(const char *name, void (*run)(void *), void *argument)
{
	struct member *member;

	target_must(member_count < STAGE_THREADS, "there is room for all threads");
	member = &members[member_count++];
	member->run = run;
	member->argument = argument;
	(void)snprintf(member->name, sizeof(member->name), "%s", name);
	target_must(pthread_create(&member->thread, NULL, member_run, member) == 0,
		    "a thread can be created");
	return member_count - 1;
}

unsigned int target_number(void)
{
	return own_number;
}

void target_ready(void)
{
	(void)__atomic_add_fetch(&ready_count, 1, __ATOMIC_ACQ_REL);
	while (!peeps_load_acquire(&may_start) && !target_stops())
		(void)usleep(500);
}

void target_round(void)
{
	uint64_t *const rounds = &stage->threads[own_number].rounds;
	const uint64_t pace_us = peeps_load_relaxed(&stage->pace_us);

	peeps_store_relaxed(rounds, *rounds + 1);
	if (pace_us)
		(void)usleep((useconds_t)pace_us);
}

static struct peeps_mutex gaps[GAPS_MAX];
static unsigned int gap_count;

void target_gap(void)
{
	for (int i = 0; i < GAP_SLOTS && gap_count < GAPS_MAX; i++)
		(void)peeps_mutex_init(&gaps[gap_count++], "gap", NULL);
}

static void close_gaps(void)
{
	while (gap_count > 0)
		(void)peeps_mutex_destroy(&gaps[--gap_count]);
}

uint64_t target_random(void)
{
	uint64_t *const state = &members[own_number].random;

	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

bool baton_wait(struct baton *baton, uint32_t turn)
{
	const struct timespec timeout = { .tv_nsec = 20000000 };

	for (int spins = 0; !target_stops(); spins++) {
		const uint32_t now = __atomic_load_n(&baton->turn, __ATOMIC_ACQUIRE);

		if (now == turn)
			return true;
		if (spins < BATON_SPINS)
			continue;
		(void)syscall(SYS_futex, &baton->turn, FUTEX_WAIT_PRIVATE, now, &timeout, NULL, 0);
	}
	return false;
}

void baton_pass(struct baton *baton, uint32_t turn)
{
	__atomic_store_n(&baton->turn, turn, __ATOMIC_RELEASE);
	(void)syscall(SYS_futex, &baton->turn, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void stage_open(const char *fd)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED,
		     (int)strtol(fd, NULL, 10), 0);
	target_must(stage != MAP_FAILED, "the stage can be mapped");
	fault_use(&stage->fault);
}

static const struct {
	const char *name;
	void (*start)(void);
} table[] = {
	{ "relay", relay_start },     { "ring", ring_start },       { "churn", churn_start },
	{ "workers", workers_start }, { "buffer", buffer_start },   { "solo", solo_start },
	{ "jobs", jobs_start },       { "closing", closing_start }, { "brief", brief_start },
	{ "gate", gate_start },       { "loan", loan_start },       { "kept", kept_start },
	{ "shelf", shelf_start },     { "belfry", belfry_start },   { "scope", scope_start },
	{ "oneshot", oneshot_start }, { "watch", watch_start },     { "bus", bus_start },
	{ "echo", echo_start },
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_TIMERSLACK, 1000);
	stage_open(argv[1]);
	scenarios = argv + 2;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (target_plays(table[i].name))
			table[i].start();
	close_gaps();
	while (peeps_load_acquire(&ready_count) < member_count && !target_stops())
		(void)usleep(500);
	peeps_store_release(&may_start, 1);
	peeps_store_release(&stage->ready, 1);
	while (!target_stops())
		(void)usleep(2000);
	for (unsigned int i = 0; i < member_count; i++)
		(void)pthread_join(members[i].thread, NULL);
	return 0;
}
