/* SPDX-License-Identifier: MIT */
/* Entities of the program's own, and stubs for those of other processes. */
#include <peeps/registry.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "writer/entity.h"
#include "writer/hold.h"
#include "writer/holder.h"
#include "writer/intern.h"
#include "writer/kind.h"
#include "writer/name.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/text.h"
#include "writer/thread.h"
#include "writer/tick.h"
#include "writer/update.h"

/* --- new --- */

/* Process lock held. */
static uint64_t put_note(const char *note)
{
	size_t length = note ? strlen(note) : 0;

	if (length > PEEPS_TEXT_MAX_BYTES) {
		length = PEEPS_TEXT_MAX_BYTES;
		segment_count(PEEPS_COUNTER_TRUNCATED_TEXT);
	}
	return length > 0 ? text_put(note, length) : 0;
}

static uint64_t entity_new(struct self *self, uint32_t kind, const char *name, const char *note,
			   struct peeps_site *site)
{
	struct entity_new new = { .kind = (enum peeps_kind)kind,
				  .visibility = kind_visibility(kind),
				  .creator = self_actor(self) };
	struct peeps_entity_slot *slot = NULL;
	sigset_t mask;

	if (!entity_room()) {
		segment_count(PEEPS_COUNTER_DROPPED_ENTITIES);
		return 0;
	}
	new.site = site_id(site);
	process_lock(&mask);
	new.name = name_get_locked(name, site->file, site->line);
	new.note = put_note(note);
	slot = entity_make(self, &new);
	if (!slot)
		text_give(new.note, (struct rest){ .over = true });
	if (new.name)
		intern_put(new.name, (struct rest){ .over = true });
	process_unlock(&mask);
	return slot ? entity_ref(slot) : 0;
}

struct peeps_ref peeps_entity_new_at(uint32_t kind, const char *name, const char *note,
				     struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_ref entity = { 0 };

	if (self) {
		if (kind == PEEPS_KIND_NONE) /* what peeps_kind_new() had no room for */
			segment_count(PEEPS_COUNTER_DROPPED_ENTITIES);
		else if (site_is_like_us(site) && kind_is_made_by_programs(kind))
			entity.bits = entity_new(self, kind, name, note, site);
		self_leave(self);
	}
	errno = saved_errno;
	return entity;
}

/* --- set --- */

/* Of an entity that a program may write to, and that has this attribute. A text is its own to keep. */
static bool is_settable(const struct peeps_entity_slot *slot, uint32_t attr)
{
	const uint32_t type = kind_attribute_type(entity_kind(slot), attr);

	return type != 0 && type != PEEPS_TYPE_TEXT && kind_is_made_by_programs(entity_kind(slot));
}

static void write_bits(struct peeps_entity_slot *slot, uint32_t attr, uint64_t value)
{
	const uint32_t number = attr >> 16 & 0xf;
	const uint32_t shift = attr >> 8 & 0xff;
	const uint32_t bits = attr & 0xff;
	uint64_t *const word =
		number == PEEPS_FIELD_WORD_STATUS_WORD ? &slot->status : &slot->body[number];
	const uint64_t mask = (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) << shift;

	peeps_store_relaxed(word, (peeps_load_relaxed(word) & ~mask) | (value << shift & mask));
}

static void write_holder(struct peeps_entity_slot *slot, uint64_t actor,
			 const struct holder_stamp *stamp)
{
	if (actor)
		holder_write_taken(slot, actor, stamp);
	else
		holder_write_released(slot);
}

static void entity_set(struct self *self, struct peeps_entity_slot *slot, uint32_t attr,
		       uint64_t value, struct peeps_site *site)
{
	const void *const slots[1] = { slot };
	struct holder_stamp stamp = { 0 };
	struct update update;

	if (attr == PEEPS_ATTR_MUTEX_HOLDER) {
		value &= ~PEEPS_HOLDER_DEEP;
		stamp.site = site_id(site);
		stamp.since_ns = hold_stamp(&stamp.exact);
	}
	if (!update_begin(&update, self, slots, 1))
		return;
	peeps_entity_touch(slot, update.epoch, update.record);
	if (attr == PEEPS_ATTR_MUTEX_HOLDER)
		write_holder(slot, value, &stamp);
	else
		write_bits(slot, attr, value);
	update_end(&update);
}

void peeps_entity_set_at(struct peeps_ref entity, uint32_t attr, uint64_t value,
			 struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_entity_slot *slot;

	if (self) {
		slot = entity_find(entity.bits);
		if (slot && site_is_like_us(site) && is_settable(slot, attr))
			entity_set(self, slot, attr, value, site);
		self_leave(self);
	}
	errno = saved_errno;
}

/* --- foreign --- */

/* Process lock held. */
static uint64_t stub_of(struct self *self, struct interned *id)
{
	const struct entity_new new = { .kind = PEEPS_KIND_FOREIGN,
					.name = id,
					.creator = self_actor(self) };
	struct peeps_entity_slot *slot;

	if (id->stub) {
		id->stub_uses++;
		return id->stub;
	}
	slot = entity_make(self, &new);
	if (slot) {
		id->stub = entity_ref(slot);
		id->stub_uses = 1;
	}
	return id->stub;
}

static uint64_t foreign(struct self *self, const char *id)
{
	struct interned *string;
	uint64_t ref = 0;
	sigset_t mask;

	process_lock(&mask);
	string = intern_get_locked(id, strlen(id));
	if (string) {
		ref = stub_of(self, string);
		intern_put(string, (struct rest){ .over = true });
	} else {
		segment_count(PEEPS_COUNTER_DROPPED_ENTITIES);
	}
	process_unlock(&mask);
	return ref;
}

struct peeps_ref peeps_entity_foreign(const char *id)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_ref stub = { 0 };

	if (self) {
		if (id && *id)
			stub.bits = foreign(self, id);
		self_leave(self);
	}
	errno = saved_errno;
	return stub;
}

/* --- end --- */

static void stub_put(struct self *self, struct peeps_entity_slot *slot)
{
	struct interned *const id = entity_name(slot);

	if (id->stub_uses > 1) {
		id->stub_uses--;
		return;
	}
	id->stub = 0;
	entity_retire(self, slot);
}

/* Process lock held. */
static void entity_end(struct self *self, struct peeps_entity_slot *slot)
{
	if (kind_is_made_by_programs(entity_kind(slot)))
		entity_retire(self, slot);
	else if (entity_kind(slot) == PEEPS_KIND_FOREIGN)
		stub_put(self, slot);
}

void peeps_entity_end(struct peeps_ref entity)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_entity_slot *slot;
	sigset_t mask;

	if (self) {
		/* Under the lock, so that of two that end it one does. */
		process_lock(&mask);
		slot = entity_find(entity.bits);
		if (slot)
			entity_end(self, slot);
		process_unlock(&mask);
		tick_or_reclaim();
		self_leave(self);
	}
	errno = saved_errno;
}

/* The plain symbols know no site. */
#undef peeps_entity_new
#undef peeps_entity_new_noted
#undef peeps_entity_set

struct peeps_ref peeps_entity_new(uint32_t kind, const char *name)
{
	return peeps_entity_new_at(kind, name, NULL, &peeps_site_unknown);
}

struct peeps_ref peeps_entity_new_noted(uint32_t kind, const char *name, const char *note)
{
	return peeps_entity_new_at(kind, name, note, &peeps_site_unknown);
}

void peeps_entity_set(struct peeps_ref entity, uint32_t attr, uint64_t value)
{
	peeps_entity_set_at(entity, attr, value, &peeps_site_unknown);
}
