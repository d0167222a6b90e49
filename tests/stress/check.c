/* SPDX-License-Identifier: MIT */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stress/scenes.h"

/* One cut's cast. NULL: not there, or uncertain. */
struct scene {
	struct check *check;
	const struct facts *facts;
	const struct mutex_fact *relay[2], *both;
	const struct mutex_fact *ring[RING_MUTEXES];
	const struct mutex_fact *first[RING_THREADS][HANDLER_LEVELS],
		*second[RING_THREADS][HANDLER_LEVELS];
	const struct mutex_fact *p, *q, *r, *held;
	const struct mutex_fact *buffer[BUFFER_SLOTS];
	const struct mutex_fact *outer, *inner;
	const struct mutex_fact *belfry;
};

void check_wrong(struct check *check, const char *format, ...)
{
	va_list arguments;

	if (!check->broken && check->kept_count < CHECK_KEPT) {
		va_start(arguments, format);
		(void)vsnprintf(check->kept[check->kept_count++], sizeof(check->kept[0]), format,
				arguments);
		va_end(arguments);
	}
	check->broken = true;
}

#define wrong(scene, ...) check_wrong((scene)->check, __VA_ARGS__)

const struct mutex_fact *check_mutex(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->mutex_count; i++)
		if (!facts->mutexes[i].uncertain && strcmp(facts->mutexes[i].name, name) == 0)
			return &facts->mutexes[i];
	return NULL;
}

bool check_numbered(const char *name, const char *prefix, uint64_t *number)
{
	const size_t length = strlen(prefix);

	if (strncmp(name, prefix, length) != 0)
		return false;
	*number = strtoull(name + length, NULL, 10);
	return true;
}

static const char *thread_name(const struct scene *scene, int thread)
{
	return thread == FACTS_NOBODY ? "nobody"
	       : thread < 0           ? "a thread that is not there"
				      : scene->facts->threads[thread].name;
}

/* --- who is who --------------------------------------------------------------------------------------------------- */

static bool numbered(const char *name, const char *prefix, unsigned int limit, unsigned int *number)
{
	uint64_t found;

	if (!check_numbered(name, prefix, &found))
		return false;
	*number = (unsigned int)found;
	return found < limit;
}

static void cast_one(struct scene *scene, const struct mutex_fact **part,
		     const struct mutex_fact *mutex)
{
	if (*part)
		wrong(scene, "both %s and %s are there", (*part)->name, mutex->name);
	*part = mutex;
}

static void cast(struct scene *scene, const struct mutex_fact *mutex)
{
	const char *name = mutex->name;
	unsigned int number;
	int level;

	if (strcmp(name, "relay-both") == 0)
		scene->both = mutex;
	else if (numbered(name, "relay-", 2, &number))
		scene->relay[number] = mutex;
	else if (numbered(name, "ring-", RING_MUTEXES, &number))
		scene->ring[number] = mutex;
	else if (numbered(name, "buffer-", BUFFER_SLOTS, &number))
		scene->buffer[number] = mutex;
	else if (sscanf(name, "first-%u-%d", &number, &level) == 2) // NOLINT(cert-err34-c)
		scene->first[number][level] = mutex;
	else if (sscanf(name, "second-%u-%d", &number, &level) == 2) // NOLINT(cert-err34-c)
		scene->second[number][level] = mutex;
	else if (strcmp(name, "solo-outer") == 0)
		scene->outer = mutex;
	else if (strcmp(name, "solo-inner") == 0)
		scene->inner = mutex;
	else if (strcmp(name, BELFRY_NAME) == 0)
		scene->belfry = mutex;
	else if (strncmp(name, "p-", 2) == 0)
		cast_one(scene, &scene->p, mutex);
	else if (strncmp(name, "q-", 2) == 0)
		cast_one(scene, &scene->q, mutex);
	else if (strncmp(name, "r-", 2) == 0)
		cast_one(scene, &scene->r, mutex);
	else if (strncmp(name, HELD_NAME, strlen(HELD_NAME)) == 0)
		cast_one(scene, &scene->held, mutex);
}

/* --- of all mutexes, and all waits ---------------------------------------------------------------------------------- */

static bool held_by_same(const struct mutex_fact *a, const struct mutex_fact *b)
{
	return a->holder != FACTS_NOBODY && a->holder == b->holder;
}

static void check_mutexes(struct scene *scene)
{
	const struct facts *facts = scene->facts;

	for (size_t i = 0; i < facts->mutex_count; i++) {
		const struct mutex_fact *mutex = &facts->mutexes[i];

		if (mutex->uncertain)
			continue;
		if (mutex->holder == FACTS_DANGLING)
			wrong(scene, "%s is held by a thread that is not there", mutex->name);
		scene->check->holds_seen += mutex->holder >= 0;
	}
}

static void check_waits(struct scene *scene)
{
	const struct facts *facts = scene->facts;

	for (size_t i = 0; i < facts->wait_count; i++) {
		const struct wait_fact *wait = &facts->waits[i];

		if (wait->uncertain)
			continue;
		scene->check->waits_seen++;
		if (wait->actor < 0 || wait->resource < 0) {
			wrong(scene, "%s waits for something that is not there",
			      thread_name(scene, wait->actor));
			continue;
		}
		if (wait->kind == PEEPS_KIND_MUTEX && !facts->mutexes[wait->resource].uncertain &&
		    facts->mutexes[wait->resource].holder == wait->actor)
			wrong(scene, "%s waits for %s and holds it",
			      thread_name(scene, wait->actor), facts->mutexes[wait->resource].name);
		if (wait->kind == PEEPS_KIND_NOTIFY && scene->belfry &&
		    scene->belfry->holder == wait->actor)
			wrong(scene, "%s waits for a condition and holds its mutex",
			      thread_name(scene, wait->actor));
		for (size_t j = 0; j < i; j++)
			if (facts->waits[j].actor == wait->actor && !facts->waits[j].uncertain)
				wrong(scene, "%s waits twice", thread_name(scene, wait->actor));
	}
}

static void never_back(struct scene *scene, unsigned int place, const struct mutex_fact *mutex)
{
	uint64_t *last = &scene->check->last_acquires[place];

	if (!mutex)
		return;
	if (mutex->acquires < *last)
		wrong(scene, "%s was acquired %" PRIu64 " times, before that %" PRIu64, mutex->name,
		      mutex->acquires, *last);
	*last = mutex->acquires;
}

/* --- relay ---------------------------------------------------------------------------------------------------------- */

static void check_relay(struct scene *scene)
{
	const struct mutex_fact *a = scene->relay[0], *b = scene->relay[1], *both = scene->both;
	uint64_t turns;

	never_back(scene, 0, a);
	never_back(scene, 1, b);
	never_back(scene, 2, both);
	if (!a || !b)
		return;
	turns = b->acquires / RELAY_BURST;
	if (b->acquires % RELAY_BURST != 0
		    ? a->acquires != (turns + 1) * RELAY_BURST
		    : a->acquires < b->acquires || a->acquires > b->acquires + RELAY_BURST)
		wrong(scene, "relay-0 was acquired %" PRIu64 " times, relay-1 %" PRIu64,
		      a->acquires, b->acquires);
	if (!both)
		return;
	if (both->acquires - a->acquires - b->acquires > 1)
		wrong(scene,
		      "relay-both was acquired %" PRIu64 " times, the others %" PRIu64
		      " and %" PRIu64,
		      both->acquires, a->acquires, b->acquires);
	if (both->acquires - a->acquires - b->acquires == 1 && both->holder == FACTS_NOBODY)
		wrong(scene, "relay-both is free in the middle of a turn");
	for (int i = 0; i < 2; i++)
		if (scene->relay[i]->holder != FACTS_NOBODY && !held_by_same(scene->relay[i], both))
			wrong(scene, "relay-%d is held by %s, relay-both by %s", i,
			      thread_name(scene, scene->relay[i]->holder),
			      thread_name(scene, both->holder));
}

/* --- ring ----------------------------------------------------------------------------------------------------------- */

/* Who came to a mutex goes on to the next: the counts of neighbours differ by who is there and not further yet. */
static void check_neighbours(struct scene *scene, unsigned int at)
{
	const unsigned int next = ring_next(at);
	const struct mutex_fact *here = scene->ring[at], *there = scene->ring[next];
	uint64_t between;

	if (!here || !there)
		return;
	between = here->acquires - there->acquires + ring_starts_at(next);
	if (between != (here->holder != FACTS_NOBODY && here->holder != there->holder))
		wrong(scene,
		      "ring-%u: acquired %" PRIu64 " times, held by %s; ring-%u: %" PRIu64 ", %s",
		      at, here->acquires, thread_name(scene, here->holder), next, there->acquires,
		      thread_name(scene, there->holder));
}

static bool ring_is_whole(const struct scene *scene)
{
	for (unsigned int at = 0; at < RING_MUTEXES; at++)
		if (!scene->ring[at])
			return false;
	return true;
}

static void check_hands(struct scene *scene, int thread)
{
	unsigned int held = 0, last = 0, number;
	bool adjacent = false;

	if (!numbered(scene->facts->threads[thread].name, "ring-thread-", RING_THREADS, &number))
		return;
	for (unsigned int at = 0; at < RING_MUTEXES; at++) {
		if (scene->ring[at]->holder != thread)
			continue;
		held++;
		last = at;
		adjacent |= scene->ring[ring_next(at)]->holder == thread;
	}
	if (held < 1 || held > 2 || (held == 2 && !adjacent))
		wrong(scene, "ring-thread-%u holds %u of the ring", number, held);
	for (size_t i = 0; i < scene->facts->wait_count; i++) {
		const struct wait_fact *wait = &scene->facts->waits[i];

		if (wait->actor == thread && !wait->uncertain && wait->kind == PEEPS_KIND_MUTEX &&
		    (held != 1 ||
		     &scene->facts->mutexes[wait->resource] != scene->ring[ring_next(last)]))
			wrong(scene, "ring-thread-%u waits for %s, holds %u and is at %u", number,
			      scene->facts->mutexes[wait->resource].name, held, last);
	}
}

static void check_ring(struct scene *scene)
{
	for (unsigned int at = 0; at < RING_MUTEXES; at++) {
		never_back(scene, 8 + at, scene->ring[at]);
		check_neighbours(scene, at);
	}
	if (!ring_is_whole(scene))
		return;
	for (size_t i = 0; i < scene->facts->thread_count; i++)
		check_hands(scene, (int)i);
}

/* --- handlers of signals ---------------------------------------------------------------------------------------------- */

static void check_handlers(struct scene *scene)
{
	for (unsigned int i = 0; i < RING_THREADS * HANDLER_LEVELS; i++) {
		const unsigned int thread = i / HANDLER_LEVELS, level = i % HANDLER_LEVELS;
		const struct mutex_fact *first = scene->first[thread][level],
					*second = scene->second[thread][level];

		never_back(scene, 32 + 2 * i, first);
		never_back(scene, 33 + 2 * i, second);
		if (!first || !second)
			continue;
		if (first->acquires - second->acquires > 1)
			wrong(scene, "a handler acquired %s %" PRIu64 " times, %s %" PRIu64,
			      first->name, first->acquires, second->name, second->acquires);
		if (first->acquires != second->acquires &&
		    (first->holder == FACTS_NOBODY || second->holder != FACTS_NOBODY))
			wrong(scene, "a handler is between %s and %s, and holds the wrong one",
			      first->name, second->name);
		if (second->holder != FACTS_NOBODY && !held_by_same(first, second))
			wrong(scene, "a handler holds %s without %s", second->name, first->name);
	}
}

/* --- brief lives ------------------------------------------------------------------------------------------------------ */

static uint64_t check_brief(struct scene *scene, const struct mutex_fact *mutex)
{
	const uint64_t number = strtoull(mutex->name + 2, NULL, 10);
	char name[CHURN_NAME_ROOM];

	churn_name(name, mutex->name[0], number);
	if (strcmp(name, mutex->name) != 0)
		wrong(scene, "there is no mutex of the name %s", mutex->name);
	if (mutex->type != churn_type(number))
		wrong(scene, "%s is of type %u", mutex->name, mutex->type);
	if (mutex->acquires > churn_acquires(number))
		wrong(scene, "%s was acquired %" PRIu64 " times", mutex->name, mutex->acquires);
	if (mutex->creator < 0 || (mutex->holder >= 0 && mutex->holder != mutex->creator))
		wrong(scene, "%s was made by %s and is held by %s", mutex->name,
		      thread_name(scene, mutex->creator), thread_name(scene, mutex->holder));
	return number;
}

static void check_churn(struct scene *scene)
{
	const struct mutex_fact *p = scene->p, *q = scene->q;
	const uint64_t p_number = p ? check_brief(scene, p) : 0;
	const uint64_t q_number = q ? check_brief(scene, q) : 0;

	if (scene->r)
		(void)check_brief(scene, scene->r);
	if (q && (!p || p_number != q_number || p->acquires != churn_acquires(p_number)))
		wrong(scene, "%s is there with %s", q->name, p ? p->name : "no p");
	if (q && scene->r)
		wrong(scene, "%s is there with %s", q->name, scene->r->name);
	if (p && scene->r)
		wrong(scene, "%s is there with %s", p->name, scene->r->name);
}

static void check_workers(struct scene *scene)
{
	const struct mutex_fact *held = scene->held;
	char name[32];

	if (!held)
		return;
	(void)snprintf(name, sizeof(name), WORKER_NAME "%s", held->name + strlen(HELD_NAME));
	if (held->acquires > WORKER_ACQUIRES)
		wrong(scene, "%s was acquired %" PRIu64 " times", held->name, held->acquires);
	if (strcmp(thread_name(scene, held->creator), name) != 0)
		wrong(scene, "%s was made by %s", held->name, thread_name(scene, held->creator));
	if (held->holder != FACTS_NOBODY && strcmp(thread_name(scene, held->holder), name) != 0)
		wrong(scene, "%s is held by %s", held->name, thread_name(scene, held->holder));
}

/* --- one thread ------------------------------------------------------------------------------------------------------- */

static void check_buffer(struct scene *scene)
{
	const struct mutex_fact *a = scene->buffer[0], *b = scene->buffer[1];

	never_back(scene, 64, a);
	never_back(scene, 65, b);
	if (a && b && a->acquires - b->acquires > 1)
		wrong(scene, "buffer-0 is at %" PRIu64 ", buffer-1 at %" PRIu64, a->acquires,
		      b->acquires);
}

static void check_solo(struct scene *scene)
{
	const struct mutex_fact *outer = scene->outer, *inner = scene->inner;

	never_back(scene, 66, outer);
	never_back(scene, 67, inner);
	if (!outer || !inner)
		return;
	if (inner->holder != FACTS_NOBODY && !held_by_same(outer, inner))
		wrong(scene, "solo-inner is held, solo-outer is not");
}

bool check_facts(struct check *check, const struct facts *facts)
{
	struct scene scene = { .check = check, .facts = facts };

	check->broken = false;
	if (*facts->damage)
		wrong(&scene, "%s", facts->damage);
	for (size_t i = 0; i < facts->mutex_count; i++)
		if (!facts->mutexes[i].uncertain)
			cast(&scene, &facts->mutexes[i]);
	check_mutexes(&scene);
	check_waits(&scene);
	check_relay(&scene);
	check_ring(&scene);
	check_handlers(&scene);
	check_churn(&scene);
	check_workers(&scene);
	check_buffer(&scene);
	check_solo(&scene);
	check_channels(check, facts);
	check_permits(check, facts);
	check_shelf(check, facts);
	check_singles(check, facts);
	check_echo(check, facts);
	check_scopes(check, facts);
	check->broken_cuts += check->broken;
	return !check->broken;
}
