/* SPDX-License-Identifier: MIT */
/* Entities: made, found by reference, and retired. */
#ifndef PEEPS_WRITER_ENTITY_H
#define PEEPS_WRITER_ENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"
#include "writer/intern.h"
#include "writer/pool.h"
#include "writer/thread.h"

bool entities_init(void);

/**
 * struct entity_new - what a new entity is
 * @traits: the kind's own bits of the status word
 * @visibility: enum peeps_visibility
 * @name:   NULL = none; the entity takes a use of its own
 * @site:   id; 0 = not known
 * @note:   text ref, or 0; the entity takes it over
 */
struct entity_new {
	enum peeps_kind kind;
	uint64_t traits;
	uint64_t visibility;
	uint64_t body[PEEPS_BODY_WORDS];
	struct interned *name;
	uint64_t site;
	uint64_t creator;
	uint64_t note;
};

/**
 * entity_make - a live entity, in one section of the calling thread's
 *
 * Returns NULL if there is no room, or a broken-into section forbids it; counted. Context: process
 * lock held.
 */
struct peeps_entity_slot *entity_make(struct self *self, const struct entity_new *entity);

/**
 * entity_retire - end it, and its memberships; the slot rests, and then begins another life
 *
 * Nobody may write the slot any more. Context: process lock held.
 */
void entity_retire(struct self *self, struct peeps_entity_slot *slot);

/**
 * entities_make - two ends of one thing, with one name, in one section: no cut shows one without the other
 * @names_other: word of the second one's body that takes the first one's ref
 *
 * Returns false, with nothing made, where entity_make() returns NULL. Context: process lock held.
 */
bool entities_make(struct self *self, const struct entity_new new[2], int names_other,
		   struct peeps_entity_slot *slots[2]);

/* End two in one section. Context: process lock held. */
void entities_retire(struct self *self, struct peeps_entity_slot *const slots[2]);

/**
 * entity_find - the slot whose present life a reference names
 *
 * Returns NULL for a stale one, for one of the segment that this process's parent had, and for none.
 * Context: whoever may write the entity, or end it; so it does not end meanwhile.
 */
struct peeps_entity_slot *entity_find(uint64_t ref);

/* The slot's life now goes with another name (NULL = none), whose use it takes over. Returns the
 * one before, whose use the caller then owes. Context: process lock held. */
struct interned *entity_rename(const struct peeps_entity_slot *slot, struct interned *name);

/* What its present life goes with; NULL = no name. Context: process lock held. */
struct interned *entity_name(const struct peeps_entity_slot *slot);

static inline uint32_t entity_kind(const struct peeps_entity_slot *slot)
{
	return (uint32_t)(peeps_load_relaxed(&slot->kind) & 0xffff);
}

/* Without the lock: would entity_make() be worth a try? */
bool entity_room(void);

/* The reference that names this slot's present life. */
uint64_t entity_ref(const struct peeps_entity_slot *slot);
uint32_t entity_index(const struct peeps_entity_slot *slot);

#endif
