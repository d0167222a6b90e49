/* SPDX-License-Identifier: MIT */
/*
 * What a read of a filled once cell costs beside pthread_once() of something that is done: rounds, raw and ours by turns.
 *
 * usage: once_cell read [ROUNDS]
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench/pairs.h"
#include "bench/series.h"

static BENCH_ALONE pthread_once_t raw = PTHREAD_ONCE_INIT;
static BENCH_ALONE struct peeps_once_cell cell = PEEPS_ONCE_CELL_INIT("bench.cell");
static void *value;

static void make_raw(void)
{
}

static int make(void *argument, void **made)
{
	*made = argument;
	return 0;
}

BENCH_PAIRS(read_raw, pthread_once(&raw, make_raw), 0)
BENCH_PAIRS(read_peeps, peeps_once_cell_get_or_init(&cell, make, &cell, &value), 0)

static struct bench_pairs reads[] = {
	{ "raw", read_raw, read_raw_working, 0, { 0 } },
	{ "peeps", read_peeps, read_peeps_working, 0, { 0 } },
};

int main(int argc, char **argv)
{
	struct bench_pairs_set set = { "once_cell", reads, 2 };

	if (argc < 2 || strcmp(argv[1], "read") != 0) {
		(void)fprintf(stderr, "usage: once_cell read [ROUNDS]\n");
		return 2;
	}
	bench_pairs_uncontended(&set, argv[1],
				argc > 2 ? bench_count_of(argv[2], BENCH_ROUNDS_MAX)
					 : BENCH_ROUNDS_USUALLY);
	return value == &cell ? 0 : 1;
}
