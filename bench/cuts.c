/* SPDX-License-Identifier: MIT */
/*
 * What it costs to be looked at: threads that lock and unlock while another process takes cuts of them, and while it does
 * not, by turns; and how long a cut takes.
 *
 * usage: cuts [ROUNDS [MUTEXES [HZ [idle]]]]
 *
 * idle: the threads rest all the time, and only how long a cut takes is of interest.
 *
 * There is one writer fewer than processors, so that the reader need not take one from them.
 */
#include <peeps/peeps.h>

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "bench/own_segment.h"
#include "bench/series.h"
#include "reader/cut/cut.h"
#include "reader/target/attach.h"

#define RATE_USUALLY_HZ 100
#define RATE_MAX_HZ     10000
#define ROUND_US        200000 /* at least; longer where the cuts are rarer */
#define ROUNDS_USUALLY  15
#define ROUNDS_MAX      10000
#define MUTEXES_USUALLY 64
#define MUTEXES_MAX     1000000
#define WRITERS_MAX     64
#define BATCH           1024
#define CUTS_MAX        ((size_t)ROUNDS_MAX * 100)
#define NAME_BYTES      64

static uint64_t rate_hz = RATE_USUALLY_HZ;
static bool is_idle;

/* "cuts.latency", and at another rate "cuts.latency_1000hz" */
static const char *figure_name(char out[static NAME_BYTES], const char *stem)
{
	if (is_idle)
		(void)snprintf(out, NAME_BYTES, "%s_idle", stem);
	else if (rate_hz == RATE_USUALLY_HZ)
		(void)snprintf(out, NAME_BYTES, "%s", stem);
	else
		(void)snprintf(out, NAME_BYTES, "%s_%" PRIu64 "hz", stem, rate_hz);
	return out;
}

/* --- the reader: a process of its own, told by single bytes --------------------------------- */

enum order { ORDER_CUT = 'c', ORDER_REST = 'r', ORDER_END = 'e' };

/* Returns whether there is another order. */
static bool rest_until(struct pollfd *order, uint64_t until_ns)
{
	const uint64_t now_ns = bench_now_ns();
	const uint64_t rest_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	const struct timespec rest = { .tv_sec = (time_t)(rest_ns / 1000000000u),
				       .tv_nsec = (long)(rest_ns % 1000000000u) };

	return ppoll(order, 1, &rest, NULL) != 0;
}

static void cut_until_ordered(int orders, struct peeps_target *target, struct peeps_image *image,
			      double *cuts_us, size_t *count, size_t *not_exact)
{
	struct pollfd order = { .fd = orders, .events = POLLIN };
	uint64_t next_ns = bench_now_ns();

	for (;;) {
		struct peeps_problem problem = { 0 };
		const uint64_t began_ns = bench_now_ns();
		const bool done = peeps_cut(target, image, 0, &problem) == 0;
		const uint64_t ended_ns = bench_now_ns();

		if (!done || image->quality != PEEPS_QUALITY_CUT)
			++*not_exact;
		if (*count < CUTS_MAX)
			cuts_us[(*count)++] = (double)(ended_ns - began_ns) / 1000;
		next_ns += 1000000000u / rate_hz;
		if (rest_until(&order, next_ns))
			return;
	}
}

static int read_along(pid_t pid, int orders, int answers)
{
	struct peeps_problem problem = { 0 };
	struct peeps_target target;
	struct peeps_image image;
	double *const cuts_us = calloc(CUTS_MAX, sizeof(*cuts_us));
	size_t count = 0, not_exact = 0;
	char order = ORDER_REST;
	char name[NAME_BYTES];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	peeps_image_init(&image);
	if (!cuts_us || peeps_attach(&target, pid, &problem) != 0) {
		(void)fprintf(stderr, "%s: %s\n", problem.what, problem.why);
		return 1;
	}
	while (read(orders, &order, 1) == 1 && order != ORDER_END) {
		(void)!write(answers, &order, 1);
		if (order == ORDER_CUT)
			cut_until_ordered(orders, &target, &image, cuts_us, &count, &not_exact);
	}
	peeps_detach(&target);
	if (count == 0 || not_exact > 0) {
		(void)fprintf(stderr, "%zu of %zu cuts were not exact\n", not_exact, count);
		return 1;
	}
	bench_series_print(figure_name(name, "cuts.latency"), "us", NULL, cuts_us, count);
	return 0;
}

struct reader {
	pid_t pid;
	int orders, answers; /* our ends */
};

static void start_reader(struct reader *reader)
{
	const pid_t observed = getpid();
	int orders[2], answers[2];

	if (pipe(orders) != 0 || pipe(answers) != 0)
		exit(2);
	reader->pid = fork();
	if (reader->pid < 0)
		exit(2);
	if (reader->pid == 0) {
		(void)close(orders[1]);
		_exit(read_along(observed, orders[0], answers[1]));
	}
	(void)close(orders[0]);
	(void)close(answers[1]);
	reader->orders = orders[1];
	reader->answers = answers[0];
}

/* Returns once the reader has heard it. */
static void tell(const struct reader *reader, char order)
{
	if (write(reader->orders, &order, 1) != 1 || read(reader->answers, &order, 1) != 1) {
		(void)fprintf(stderr, "the reader is gone\n");
		exit(1);
	}
}

static int end_reader(const struct reader *reader)
{
	const char order = ORDER_END;
	int status;

	(void)!write(reader->orders, &order, 1);
	if (waitpid(reader->pid, &status, 0) != reader->pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* --- the writers ---------------------------------------------------------------------------- */

struct writer {
	uint64_t batches;    /* written by it alone */
	size_t first, count; /* its mutexes: nobody else's */
	pthread_t thread;
} __attribute__((aligned(128)));

static struct peeps_mutex *mutexes;
static struct writer writers[WRITERS_MAX];
static uint64_t is_over;

static void *write_on(void *itself)
{
	struct writer *const writer = itself;
	size_t at = 0;

	while (!peeps_load_relaxed(&is_over)) {
		if (is_idle && writer->batches) {
			(void)usleep(ROUND_US);
			continue;
		}
		for (int i = 0; i < BATCH; i++) {
			struct peeps_mutex *const mutex = &mutexes[writer->first + at];

			(void)peeps_mutex_lock(mutex);
			__asm__ volatile("" : : : "memory");
			(void)peeps_mutex_unlock(mutex);
			at = at + 1 < writer->count ? at + 1 : 0;
		}
		peeps_store_relaxed(&writer->batches, writer->batches + 1);
	}
	return NULL;
}

static size_t count_writers(size_t mutex_count)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = processors > 2 ? (size_t)processors - 1 : 1;

	if (count > WRITERS_MAX)
		count = WRITERS_MAX;
	return count < mutex_count ? count : mutex_count;
}

/* The first of each writer's mutexes is to be found by its name. */
static void start_writers(size_t count, size_t mutex_count)
{
	mutexes = calloc(mutex_count, sizeof(*mutexes));
	if (!mutexes)
		exit(2);
	for (size_t i = 0; i < mutex_count; i++)
		(void)peeps_mutex_init(&mutexes[i], i == 0 ? "bench.first" : "bench.other", NULL);
	for (size_t i = 0; i < count; i++) {
		writers[i].first = mutex_count * i / count;
		writers[i].count = mutex_count * (i + 1) / count - writers[i].first;
		if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
			exit(2);
	}
}

static uint64_t count_batches(size_t count)
{
	uint64_t batches = 0;

	for (size_t i = 0; i < count; i++)
		batches += peeps_load_relaxed(&writers[i].batches);
	return batches;
}

/* Pairs in a microsecond. */
static double rate(size_t count)
{
	const uint64_t began_ns = bench_now_ns();
	const uint64_t before = count_batches(count);
	uint64_t after;

	(void)usleep(rate_hz >= 20 ? ROUND_US : (useconds_t)(2000000 / rate_hz));
	after = count_batches(count);
	return (double)(after - before) * BATCH * 1000 / (double)(bench_now_ns() - began_ns);
}

/* The first writer began with its first mutex, and went round. */
static uint64_t pairs_on_first(void)
{
	const uint64_t pairs = writers[0].batches * BATCH;

	return (pairs + writers[0].count - 1) / writers[0].count;
}

static void stop_writers(size_t count)
{
	peeps_store_relaxed(&is_over, 1);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(writers[i].thread, NULL);
	(void)peeps_mutex_lock(&mutexes[0]);
	own_segment_require("bench.first", pairs_on_first() + 1);
	(void)peeps_mutex_unlock(&mutexes[0]);
}

int main(int argc, char **argv)
{
	static double alone[ROUNDS_MAX], looked_at[ROUNDS_MAX];
	const size_t rounds = argc > 1 ? bench_count_of(argv[1], ROUNDS_MAX) : ROUNDS_USUALLY;
	const size_t mutex_count =
		argc > 2 ? bench_count_of(argv[2], MUTEXES_MAX) : MUTEXES_USUALLY;
	const size_t writer_count = count_writers(mutex_count);
	char base[NAME_BYTES], name[NAME_BYTES];
	struct reader reader;
	int status;

	if (argc > 3)
		rate_hz = bench_count_of(argv[3], RATE_MAX_HZ);
	is_idle = argc > 4 && strcmp(argv[4], "idle") == 0;
	start_reader(&reader);
	start_writers(writer_count, mutex_count);
	(void)rate(writer_count); /* to warm up */
	for (size_t at = 0; at < rounds; at++) {
		tell(&reader, ORDER_REST);
		alone[at] = rate(writer_count);
		tell(&reader, ORDER_CUT);
		looked_at[at] = rate(writer_count) / alone[at];
	}
	tell(&reader, ORDER_REST);
	status = end_reader(&reader);
	if (!is_idle) {
		(void)figure_name(base, "cuts.writers_alone");
		bench_series_print(figure_name(name, "cuts.writers_looked_at"), "ratio", base,
				   looked_at, rounds);
		bench_series_print(base, "pairs/us", NULL, alone, rounds);
	}
	stop_writers(writer_count);
	return status;
}
