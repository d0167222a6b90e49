/* SPDX-License-Identifier: MIT */
/*
 * once-cell-cycle - two things are made once, each with the other's help
 *
 * Whoever asks for the settings first makes them, and needs the catalog for that; whoever asks for the catalog first makes
 * it, and needs the settings. Two threads, of which each asks for one of them, wait for each other for ever; a third one
 * behind them, too. Prints its PID and runs until it is killed.
 *
 *	once-cell-cycle             the deadlock
 *	once-cell-cycle --one-way   the catalog needs no settings: the same program without the mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_once_cell settings = PEEPS_ONCE_CELL_INIT("settings");
static struct peeps_once_cell catalog = PEEPS_ONCE_CELL_INIT("catalog");
static char the_settings[] = "settings", the_catalog[] = "catalog";

/* So that both are begun before either needs the other. */
static pthread_barrier_t both_begun;
static bool one_way;

static int make_settings(void *unused, void **value);

static int make_catalog(void *unused, void **value)
{
	void *needed;

	if (!one_way) {
		(void)pthread_barrier_wait(&both_begun);
		if (peeps_once_cell_get_or_init(&settings, make_settings, unused, &needed) != 0)
			return -1;
	}
	*value = the_catalog;
	return 0;
}

static int make_settings(void *unused, void **value)
{
	void *needed;

	if (!one_way)
		(void)pthread_barrier_wait(&both_begun);
	if (peeps_once_cell_get_or_init(&catalog, make_catalog, unused, &needed) != 0)
		return -1;
	*value = the_settings;
	return 0;
}

static void *ask_for_settings(void *name)
{
	void *value;

	peeps_thread_name(name);
	for (;;) {
		(void)peeps_once_cell_get_or_init(&settings, make_settings, NULL, &value);
		(void)peeps_sleep_ns(UINT64_C(1000000));
	}
	return name;
}

static void *ask_for_catalog(void *name)
{
	void *value;

	peeps_thread_name(name);
	for (;;) {
		(void)peeps_once_cell_get_or_init(&catalog, make_catalog, NULL, &value);
		(void)peeps_sleep_ns(UINT64_C(1000000));
	}
	return name;
}

int main(int argc, char **argv)
{
	static const struct {
		void *(*body)(void *);
		const char *name;
	} threads[] = { { ask_for_settings, "configurer" }, { ask_for_catalog, "cataloguer" } };
	pthread_t thread;

	one_way = argc > 1 && strcmp(argv[1], "--one-way") == 0;
	(void)pthread_barrier_init(&both_begun, NULL, 3);
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (pthread_create(&thread, NULL, threads[i].body,
				   (void *)(uintptr_t)threads[i].name) != 0) {
			(void)fprintf(stderr, "no thread\n");
			return EXIT_FAILURE;
		}
	}
	if (!one_way)
		(void)pthread_barrier_wait(&both_begun);
	(void)ask_for_settings("visitor");
}
