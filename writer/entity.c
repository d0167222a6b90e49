/* SPDX-License-Identifier: MIT */
#include "writer/entity.h"

#include "writer/kind.h"
#include "writer/membership.h"
#include "writer/memory.h"
#include "writer/segment.h"
#include "writer/text.h"
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

uint32_t entity_index(const struct peeps_entity_slot *slot)
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
	return make_ref(generation_of(peeps_load_relaxed(&slot->status)), entity_index(slot));
}

static void write_life(struct peeps_entity_slot *slot, const struct entity_new *entity,
		       uint64_t ordinal, uint64_t created_ns)
{
	const uint64_t old = generation_of(peeps_load_relaxed(&slot->status));
	const uint64_t generation = segment_next_generation(old);
	const uint32_t index = entity_index(slot);

	peeps_store_relaxed(&slot->kind,
			    (uint64_t)entity->kind | entity->visibility << 16 | ordinal << 32);
	peeps_store_relaxed(&slot->identity, make_ref(generation, index));
	peeps_store_relaxed(&slot->name, entity->name ? entity->name->text : 0);
	peeps_store_relaxed(&slot->site, entity->site);
	peeps_store_relaxed(&slot->created_ns, created_ns);
	peeps_store_relaxed(&slot->creator, entity->creator);
	peeps_store_relaxed(&slot->scope, 0);
	peeps_store_relaxed(&slot->blob, entity->note);
	for (int i = 0; i < PEEPS_BODY_WORDS; i++)
		peeps_store_relaxed(&slot->body[i], entity->body[i]);
	peeps_store_relaxed(&slot->status, generation << PEEPS_STATUS_GENERATION_SHIFT |
						   (entity->traits & PEEPS_STATUS_KIND_BITS_MASK) |
						   PEEPS_LIFE_LIVE);
}

static void give_back(const uint32_t *indexes, int count)
{
	for (int i = 0; i < count; i++)
		pool_give(&entities, indexes[i], (struct rest){ .over = true });
}

static bool take(uint32_t *indexes, struct peeps_entity_slot **slots, int count)
{
	for (int i = 0; i < count; i++) {
		indexes[i] = pool_take(&entities);
		if (indexes[i] == POOL_NONE) {
			give_back(indexes, i);
			segment_count(PEEPS_COUNTER_DROPPED_ENTITIES);
			return false;
		}
		slots[i] = segment_row(PEEPS_SECTION_ENTITIES, indexes[i]);
	}
	return true;
}

static void remember_name(uint32_t index, struct interned *name)
{
	names[index] = name;
	if (name) {
		intern_share(name);
		name->lives++;
	}
}

/* @names_other: as in entities_make(); -1 for one alone. */
static bool make(struct self *self, const struct entity_new *new, int count, int names_other,
		 struct peeps_entity_slot **slots)
{
	const uint64_t created_ns = segment_ptime_ns();
	uint32_t indexes[2];
	struct update update;
	uint64_t ordinal;

	if (!take(indexes, slots, count))
		return false;
	if (!update_begin(&update, self, (const void *const *)slots, (unsigned int)count)) {
		give_back(indexes, count);
		return false;
	}
	/* Two are two ends of one thing, with one name. */
	ordinal = new[0].name ? intern_next_ordinal(new[0].name) : 0;
	for (int i = 0; i < count; i++) {
		peeps_entity_touch(slots[i], update.epoch, update.record);
		write_life(slots[i], &new[i], ordinal, created_ns);
	}
	if (names_other >= 0)
		peeps_store_relaxed(&slots[1]->body[names_other], entity_ref(slots[0]));
	update_end(&update);
	for (int i = 0; i < count; i++)
		remember_name(indexes[i], new[i].name);
	return true;
}

struct peeps_entity_slot *entity_make(struct self *self, const struct entity_new *entity)
{
	struct peeps_entity_slot *slot;

	return make(self, entity, 1, -1, &slot) ? slot : NULL;
}

bool entities_make(struct self *self, const struct entity_new new[2], int names_other,
		   struct peeps_entity_slot *slots[2])
{
	return make(self, new, 2, names_other, slots);
}

static void let_go(struct peeps_entity_slot *slot, struct rest rest)
{
	const uint32_t index = entity_index(slot);
	const uint64_t note = peeps_load_relaxed(&slot->blob);

	if (note)
		text_give(note, rest);
	kind_give_texts(slot, rest);
	memberships_give(MEMBERSHIP_OF_ENTITY, index, rest);
	pool_give(&entities, index, rest);
	if (names[index]) {
		names[index]->lives--;
		intern_put(names[index], rest);
		names[index] = NULL;
	}
}

static void retire(struct self *self, struct peeps_entity_slot *const *slots, int count)
{
	struct update update;
	struct rest rest;

	if (!update_begin(&update, self, (const void *const *)slots, (unsigned int)count))
		/* a handler inside the section that writes this very slot: it stays, and that is
		 * counted */
		return;
	rest = rest_begin(update.epoch);
	for (int i = 0; i < count; i++) {
		peeps_entity_touch(slots[i], update.epoch, update.record);
		peeps_store_relaxed(&slots[i]->status, (peeps_load_relaxed(&slots[i]->status) &
							~PEEPS_STATUS_LIFE_MASK) |
							       PEEPS_LIFE_RETIRED);
		memberships_write_end(MEMBERSHIP_OF_ENTITY, entity_index(slots[i]), update.epoch);
	}
	update_end(&update);
	for (int i = 0; i < count; i++)
		let_go(slots[i], rest);
}

void entity_retire(struct self *self, struct peeps_entity_slot *slot)
{
	retire(self, &slot, 1);
}

void entities_retire(struct self *self, struct peeps_entity_slot *const slots[2])
{
	retire(self, slots, 2);
}

struct peeps_entity_slot *entity_find(uint64_t ref)
{
	const uint64_t index = ref & PEEPS_REF_INDEX_MASK;
	struct peeps_entity_slot *slot;
	uint64_t status;

	if (ref >> PEEPS_REF_SPACE_SHIFT != PEEPS_SPACE_ENTITY ||
	    index >= peeps_load_relaxed(&segment_section(PEEPS_SECTION_ENTITIES)->high_water))
		return NULL;
	slot = segment_row(PEEPS_SECTION_ENTITIES, index);
	status = peeps_load_relaxed(&slot->status);
	return (status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE &&
			       generation_of(status) == (ref >> PEEPS_REF_GENERATION_SHIFT &
							 PEEPS_REF_GENERATION_MASK)
		       ? slot
		       : NULL;
}

struct interned *entity_name(const struct peeps_entity_slot *slot)
{
	return names[entity_index(slot)];
}

struct interned *entity_rename(const struct peeps_entity_slot *slot, struct interned *name)
{
	struct interned *const old = names[entity_index(slot)];

	names[entity_index(slot)] = name;
	if (name)
		name->lives++;
	if (old)
		old->lives--;
	return old;
}
