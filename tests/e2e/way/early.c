/* SPDX-License-Identifier: MIT */
/* Static initializers, constructors of every priority, destructors, atexit handlers. */
#include "tests/e2e/way/early.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct peeps_mutex everywhere = PEEPS_MUTEX_INIT("everywhere");
static struct peeps_mutex held_from_preinit = PEEPS_MUTEX_INIT("held from preinit");
static struct peeps_mutex held_from_constructor = PEEPS_MUTEX_INIT("held from constructor");
static struct peeps_mutex made_in_constructor;

static struct {
	const char *when;
	int lock, trylock, unlock;
} tries[16];
static int try_count;

void early_try(const char *when, struct peeps_mutex *m)
{
	const int i = try_count++;

	tries[i].when = when;
	tries[i].lock = peeps_mutex_lock(m);
	tries[i].trylock = peeps_mutex_trylock(m);
	tries[i].unlock = peeps_mutex_unlock(m);
}

void late_try(const char *when, struct peeps_mutex *m)
{
	const int lock = peeps_mutex_lock(m), trylock = peeps_mutex_trylock(m),
		  unlock = peeps_mutex_unlock(m);

	way_say("%s: %d %d %d", when, lock, trylock, unlock);
}

static void in_preinit(void)
{
	early_try("preinit_array", &everywhere);
	(void)peeps_mutex_lock(&held_from_preinit);
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = in_preinit;

__attribute__((constructor(101))) static void in_first_constructor(void)
{
	early_try("constructor 101", &everywhere);
	(void)peeps_mutex_init(&made_in_constructor, "made in a constructor", NULL);
	(void)peeps_mutex_lock(&held_from_constructor);
}

static void *in_early_thread(void *unused)
{
	early_try("thread of a constructor", &everywhere);
	return unused;
}

__attribute__((constructor)) static void in_constructor(void)
{
	pthread_t thread;

	early_try("constructor", &made_in_constructor);
	if (pthread_create(&thread, NULL, in_early_thread, NULL) == 0)
		(void)pthread_join(thread, NULL);
}

static bool late_wanted;

static void in_atexit(void)
{
	late_try("atexit", &everywhere);
	late_try("atexit", &made_in_constructor);
}

__attribute__((destructor)) static void in_destructor(void)
{
	if (late_wanted)
		late_try("destructor", &everywhere);
}

__attribute__((destructor(101))) static void in_last_destructor(void)
{
	if (late_wanted)
		late_try("destructor 101", &everywhere);
}

static void phases(void)
{
	for (int i = 0; i < try_count; i++)
		way_say("%s: %d %d %d", tries[i].when, tries[i].lock, tries[i].trylock,
			tries[i].unlock);
	WAY_SAY2("held from preinit: trylock, unlock", peeps_mutex_trylock(&held_from_preinit),
		 peeps_mutex_unlock(&held_from_preinit));
	WAY_SAY2("held from a constructor: trylock, unlock",
		 peeps_mutex_trylock(&held_from_constructor),
		 peeps_mutex_unlock(&held_from_constructor));
	late_try("preinit's, in main", &held_from_preinit);
	way_say("library's constructor %d", early_library_constructed());
	way_say("library's work %d", early_library_work());
	late_wanted = true;
	(void)atexit(in_atexit);
	late_try("main", &everywhere);
}

static void cxx(void)
{
	early_cxx_run();
}

WAY_MAIN({ "phases", phases }, { "cxx", cxx })
