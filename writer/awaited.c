/* SPDX-License-Identifier: MIT */
#include "writer/awaited.h"

#include <stdbool.h>
#include <string.h>

#include "writer/entity.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/update.h"

/* That have recorded nothing, at once. */
#define UNSEEN_MAX 64

/**
 * struct unseen - a thread that is waited for, and has recorded nothing yet
 * @waiters: 0 = none, the rest means nothing
 */
struct unseen {
	pthread_t thread;
	uint64_t entity;
	uint32_t waiters;
};

/* Under the process lock. */
static struct unseen unseen[UNSEEN_MAX];
static uint32_t unseen_count;

void awaited_init(void)
{
	memset(unseen, 0, sizeof(unseen));
	unseen_count = 0;
}

static struct unseen *find(pthread_t thread)
{
	for (int i = 0; unseen_count && i < UNSEEN_MAX; i++)
		if (unseen[i].waiters && pthread_equal(unseen[i].thread, thread))
			return &unseen[i];
	return NULL;
}

static struct unseen *find_room(void)
{
	for (int i = 0; i < UNSEEN_MAX; i++)
		if (!unseen[i].waiters)
			return &unseen[i];
	segment_count(PEEPS_COUNTER_DROPPED_ENTITIES);
	return NULL;
}

static uint64_t await_unseen(struct self *self, pthread_t thread)
{
	const struct entity_new new = { .kind = PEEPS_KIND_THREAD, .creator = self_actor(self) };
	struct unseen *it = find(thread);
	struct peeps_entity_slot *entity;

	if (it) {
		it->waiters++;
		return it->entity;
	}
	it = find_room();
	entity = it ? entity_make(self, &new) : NULL;
	if (!entity)
		return 0;
	*it = (struct unseen){ .thread = thread, .entity = entity_ref(entity), .waiters = 1 };
	unseen_count++;
	return it->entity;
}

uint64_t awaited_begin(struct self *self, pthread_t thread)
{
	uint64_t entity;
	sigset_t mask;

	process_lock(&mask);
	entity = thread_find(thread);
	if (!entity)
		entity = await_unseen(self, thread);
	process_unlock(&mask);
	return entity;
}

void awaited_end(struct self *self, uint64_t entity)
{
	sigset_t mask;

	process_lock(&mask);
	for (int i = 0; unseen_count && i < UNSEEN_MAX; i++) {
		if (unseen[i].waiters == 0 || unseen[i].entity != entity)
			continue;
		if (--unseen[i].waiters == 0) {
			unseen_count--;
			entity_retire(self, entity_find(entity));
		}
		break;
	}
	process_unlock(&mask);
}

struct peeps_entity_slot *awaited_claim(struct self *self, uint64_t word)
{
	struct unseen *const it = find(pthread_self());
	struct peeps_entity_slot *const slot = it ? entity_find(it->entity) : NULL;
	const void *const slots[1] = { slot };
	struct update update;

	if (!slot || !update_begin(&update, self, slots, 1))
		return NULL;
	peeps_entity_touch(slot, update.epoch, update.record);
	peeps_store_relaxed(&slot->body[PEEPS_THREAD_TID_WORD], word);
	update_end(&update);
	it->waiters = 0;
	unseen_count--;
	return slot;
}
