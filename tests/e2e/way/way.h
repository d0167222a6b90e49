/* SPDX-License-Identifier: MIT */
/*
 * "Never in the way": programs that do real work through the wrappers and say what came of it.
 *
 * A program is a table of scenes. It runs one, named by its first argument, and prints the results on stdout: these must
 * be the same with telemetry, without, with room for next to nothing, and compiled with PEEPS_DISABLE. What the segment
 * says of the run goes to stderr, as `telemetry` lines for tests/e2e/never_in_the_way.py.
 */
#ifndef PEEPS_TESTS_WAY_H
#define PEEPS_TESTS_WAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <peeps/atomic.h>
#include <peeps/peeps.h>

#ifdef __cplusplus
extern "C" {
#endif

struct way_scene {
	const char *name;
	void (*run)(void);
};

/* Runs the scene that argv[1] names. It begins when stdin says so: the reader is attached then. Returns main's result. */
int way_main(int argc, char **argv, const struct way_scene *scenes, size_t count);

#define WAY_MAIN(...)                                                                    \
	int main(int argc, char **argv)                                                  \
	{                                                                                \
		static const struct way_scene scenes[] = { __VA_ARGS__ };                \
		return way_main(argc, argv, scenes, sizeof(scenes) / sizeof(scenes[0])); \
	}

/* A line of the result. Written at once, with one write(2). */
void way_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something that must not be; a line that no other variant prints. */
void way_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the segment of this process says of itself, to stderr. Nothing without a segment. */
void way_report(void);

/* The program's path, argument 0 of itself run once more. */
const char *way_self(void);

/* How a child ended, in words of the result: waits for it. */
void way_say_child(const char *what, pid_t child);

/* 0 = passed. For loops that count failures instead of stopping. */
int way_work(struct peeps_mutex *mutexes, int count, long *counters, int rounds);

/* A result of several numbers that must come about in this order: arguments of a call have none. */
#define WAY_SAY2(what, first, second)                              \
	do {                                                       \
		const int way_first = (first);                     \
		const int way_second = (second);                   \
		way_say("%s: %d %d", what, way_first, way_second); \
	} while (0)

/* How many times the given number: less with a sanitizer, whose threads and forks are slow. */
int way_scaled(int count);

/* Of this process's segment, found by its mapping; NULL without one. For looking, not for writing. */
const void *way_segment(void);

/* The mutex's slot says that some thread of this process holds it. -1: there is no telemetry to ask. */
int way_slot_holder_known(const struct peeps_mutex *m);

void way_sleep_ms(long ms);

#ifdef __cplusplus
}
#endif

#endif
