/* SPDX-License-Identifier: MIT */
#include "bench/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t bench_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	const double a = *(const double *)left;
	const double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The smallest value that at least @percent of them do not exceed. */
static double quantile(const double *sorted, size_t count, size_t percent)
{
	const size_t rank = (count * percent + 99) / 100;

	return sorted[rank ? rank - 1 : 0];
}

void bench_series_print(const char *name, const char *unit, const char *base, double *rounds,
			size_t count)
{
	qsort(rounds, count, sizeof(*rounds), compare);
	printf("{\"name\": \"%s\", \"unit\": \"%s\", \"base\": ", name, unit);
	if (base)
		printf("\"%s\"", base);
	else
		printf("null");
	printf(", \"min\": %.4f, \"p25\": %.4f, \"median\": %.4f, \"p75\": %.4f, \"p99\": %.4f"
	       ", \"max\": %.4f, \"rounds\": %zu}\n",
	       rounds[0], quantile(rounds, count, 25), quantile(rounds, count, 50),
	       quantile(rounds, count, 75), quantile(rounds, count, 99), rounds[count - 1], count);
	(void)fflush(stdout);
}

size_t bench_count_of(const char *text, size_t limit)
{
	char *end;
	const unsigned long count = strtoul(text, &end, 10);

	if (*end == '\0' && count >= 1 && count <= limit)
		return count;
	(void)fprintf(stderr, "not a number from 1 to %zu: %s\n", limit, text);
	exit(2);
}
