/* SPDX-License-Identifier: MIT */
/* A library that leaves it to the program to bring libpeeps: nothing says which of the two is constructed first. */
#include "tests/e2e/way/early.h"

static struct peeps_mutex own = PEEPS_MUTEX_INIT("of the library");
static struct peeps_mutex held = PEEPS_MUTEX_INIT("held by the library");
static int constructed = -1;

__attribute__((constructor)) static void construct(void)
{
	constructed = peeps_mutex_lock(&own) + peeps_mutex_unlock(&own) + peeps_mutex_lock(&held);
}

__attribute__((destructor)) static void destruct(void)
{
	late_try("library's destructor", &own);
}

int early_library_constructed(void)
{
	return constructed;
}

int early_library_work(void)
{
	long count[1] = { 0 };

	return way_work(&own, 1, count, 100) + peeps_mutex_unlock(&held);
}
