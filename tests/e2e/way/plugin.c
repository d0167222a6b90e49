/* SPDX-License-Identifier: MIT */
/* A plugin that brings peeps along, or not: its host knows nothing of it. Loaded, unloaded, and loaded again. */
#include <stdlib.h>

#include "tests/e2e/way/way.h"

static struct peeps_mutex own = PEEPS_MUTEX_INIT("of the plugin");
static struct peeps_mutex first = PEEPS_MUTEX_INIT("of the plugin's constructor");
static long counters[1];
static int constructed;

__attribute__((constructor)) static void construct(void)
{
	constructed = peeps_mutex_lock(&first) + peeps_mutex_unlock(&first);
}

__attribute__((destructor)) static void destruct(void)
{
	way_say("plugin's destructor: lock %d", peeps_mutex_lock(&first));
	way_say("unlock %d", peeps_mutex_unlock(&first));
}

static void *work(void *failures)
{
	*(int *)failures += way_work(&own, 1, counters, 200);
	return NULL;
}

int plugin_work(int mutexes)
{
	struct peeps_mutex *const made = calloc((size_t)mutexes, sizeof(*made));
	int failures[3] = { 0 };
	pthread_t threads[3];
	int sum = constructed;

	for (int i = 0; i < mutexes; i++)
		sum += peeps_mutex_init(&made[i], i % 2 ? "made by the plugin" : NULL, NULL) ||
		       way_work(&made[i], 1, counters, 1) || peeps_mutex_destroy(&made[i]);
	for (int i = 0; i < 3; i++)
		sum += pthread_create(&threads[i], NULL, work, &failures[i]);
	for (int i = 0; i < 3; i++)
		sum += pthread_join(threads[i], NULL) + failures[i];
	free(made);
	return sum;
}

void plugin_report(void)
{
	way_report();
}
