/* SPDX-License-Identifier: MIT */
/* What holds of every rwlock, and of those of shelf.c. */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/stress/scenes.h"

static const char *name_of(const struct facts *facts, int actor)
{
	return actor < 0 ? "a thread that is not there" : facts->threads[actor].name;
}

/* Who has a lock of the shelf holds the mutex of its own. */
static void check_own(struct check *check, const struct facts *facts,
		      const struct rwlock_fact *rwlock, int actor)
{
	const struct mutex_fact *own;
	uint64_t number;
	char name[32];

	if (strncmp(rwlock->name, SHELF_NAME, strlen(SHELF_NAME)) != 0)
		return;
	if (actor < 0 || !check_numbered(name_of(facts, actor), SHELF_THREAD_NAME, &number)) {
		check_wrong(check, "%s is had by %s", rwlock->name, name_of(facts, actor));
		return;
	}
	(void)snprintf(name, sizeof(name), SHELF_BROWSING_NAME "%" PRIu64, number);
	own = check_mutex(facts, name);
	if (own && own->holder != actor)
		check_wrong(check, "%s has %s without %s", name_of(facts, actor), rwlock->name,
			    name);
}

static void check_writer(struct check *check, const struct facts *facts,
			 const struct rwlock_fact *rwlock)
{
	if (rwlock->uncertain || rwlock->writer == FACTS_NOBODY)
		return;
	check->holds_seen++;
	check_own(check, facts, rwlock, rwlock->writer);
	if (rwlock->anonymous_unlocks > 0)
		check_wrong(check, "%s was unlocked by others", rwlock->name);
}

/* One of each actor, and none beside a writer. */
static void check_reader(struct check *check, const struct facts *facts, size_t at)
{
	const struct read_fact *read = &facts->reads[at];
	const struct rwlock_fact *rwlock = &facts->rwlocks[read->rwlock];

	if (read->uncertain)
		return;
	check->holds_seen++;
	if (!rwlock->uncertain && rwlock->writer != FACTS_NOBODY)
		check_wrong(check, "%s is read by %s and written by %s", rwlock->name,
			    name_of(facts, read->actor), name_of(facts, rwlock->writer));
	if (read->count > 2)
		check_wrong(check, "%s is read %" PRIu64 " times by %s", rwlock->name, read->count,
			    name_of(facts, read->actor));
	check_own(check, facts, rwlock, read->actor);
	for (size_t i = 0; i < at; i++)
		if (!facts->reads[i].uncertain && facts->reads[i].rwlock == read->rwlock &&
		    facts->reads[i].actor == read->actor)
			check_wrong(check, "%s has two holds of %s", name_of(facts, read->actor),
				    rwlock->name);
}

void check_shelf(struct check *check, const struct facts *facts)
{
	for (size_t i = 0; i < facts->rwlock_count; i++)
		check_writer(check, facts, &facts->rwlocks[i]);
	for (size_t i = 0; i < facts->read_count; i++)
		check_reader(check, facts, i);
}
