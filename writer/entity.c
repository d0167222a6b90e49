/* SPDX-License-Identifier: MIT */
#include "writer/entity.h"

#include "writer/memory.h"
#include "writer/segment.h"
#include "writer/update.h"

/* Under the process lock. */
static struct pool entities;
static struct interned **names; /* of each slot's present life */

bool entities_init(void)
{
	if (!names)
		names = memory_reserve(segment_section(PEEPS_SECTION_ENTITIES)->capacity *
				       sizeof(struct interned *));
	return names && pool_init(&entities, PEEPS_SECTION_ENTITIES);
}

bool entity_room(void)
{
	return pool_may_have(&entities);
}

static uint32_t index_of(const struct peeps_entity_slot *slot)
{
	return (uint32_t)(slot -
			  (struct peeps_entity_slot *)segment_row(PEEPS_SECTION_ENTITIES, 0));
}

static uint64_t generation_of(uint64_t status)
{
	return status >> PEEPS_STATUS_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK;
}

static uint64_t make_ref(uint64_t generation, uint32_t index)
{
	return (uint64_t)PEEPS_SPACE_ENTITY << PEEPS_REF_SPACE_SHIFT |
	       generation << PEEPS_REF_GENERATION_SHIFT | index;
}

uint64_t entity_ref(const struct peeps_entity_slot *slot)
{
	return make_ref(generation_of(peeps_load_relaxed(&slot->status)), index_of(slot));
}

static void write_life(struct peeps_entity_slot *slot, const struct entity_new *entity,
		       uint64_t created_ns)
{
	const uint64_t old = generation_of(peeps_load_relaxed(&slot->status));
	const uint64_t generation = old == PEEPS_REF_GENERATION_MASK ? 1 : old + 1;
	const uint32_t index = index_of(slot);
	const uint64_t ordinal = entity->name ? intern_next_ordinal(entity->name) : 0;

	peeps_store_relaxed(&slot->kind, (uint64_t)entity->kind | ordinal << 32);
	peeps_store_relaxed(&slot->identity, make_ref(generation, index));
	peeps_store_relaxed(&slot->name, entity->name ? entity->name->text : 0);
	peeps_store_relaxed(&slot->site, entity->site);
	peeps_store_relaxed(&slot->created_ns, created_ns);
	peeps_store_relaxed(&slot->creator, entity->creator);
	peeps_store_relaxed(&slot->scope, 0);
	peeps_store_relaxed(&slot->blob, 0);
	for (int i = 0; i < PEEPS_BODY_WORDS; i++)
		peeps_store_relaxed(&slot->body[i], entity->body[i]);
	peeps_store_relaxed(&slot->status, generation << PEEPS_STATUS_GENERATION_SHIFT |
						   (entity->traits & PEEPS_STATUS_KIND_BITS_MASK) |
						   PEEPS_LIFE_LIVE);
}

struct peeps_entity_slot *entity_make(struct self *self, const struct entity_new *entity)
{
	const uint64_t created_ns = segment_ptime_ns();
	const uint32_t index = pool_take(&entities);
	struct peeps_entity_slot *slot;
	const void *slots[1];
	struct update update;

	if (index == POOL_NONE) {
		segment_count(PEEPS_COUNTER_DROPPED_ENTITIES);
		return NULL;
	}
	slot = segment_row(PEEPS_SECTION_ENTITIES, index);
	slots[0] = slot;
	if (!update_begin(&update, self, slots, 1)) {
		pool_give(&entities, index, (struct rest){ .over = true });
		return NULL;
	}
	peeps_entity_touch(slot, update.epoch, update.record);
	write_life(slot, entity, created_ns);
	update_end(&update);
	names[index] = entity->name;
	if (entity->name) {
		intern_share(entity->name);
		entity->name->lives++;
	}
	return slot;
}

void entity_retire(struct self *self, struct peeps_entity_slot *slot)
{
	const uint32_t index = index_of(slot);
	const void *const slots[1] = { slot };
	struct update update;
	struct rest rest;

	if (!update_begin(&update, self, slots, 1))
		/* a handler inside the section that writes this very slot: it stays, and that is
		 * counted */
		return;
	rest = rest_begin(update.epoch);
	peeps_entity_touch(slot, update.epoch, update.record);
	peeps_store_relaxed(&slot->status,
			    (peeps_load_relaxed(&slot->status) & ~PEEPS_STATUS_LIFE_MASK) |
				    PEEPS_LIFE_RETIRED);
	update_end(&update);
	pool_give(&entities, index, rest);
	if (names[index]) {
		names[index]->lives--;
		intern_put(names[index], rest);
		names[index] = NULL;
	}
}

struct interned *entity_rename(const struct peeps_entity_slot *slot, struct interned *name)
{
	struct interned *const old = names[index_of(slot)];

	names[index_of(slot)] = name;
	if (name)
		name->lives++;
	if (old)
		old->lives--;
	return old;
}
