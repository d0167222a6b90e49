/* SPDX-License-Identifier: MIT */
#include "writer/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/hold.h"
#include "writer/intern.h"
#include "writer/name.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/tick.h"

/* In a hook's generation: this process had no room for it. No tied hook's value has it. */
#define NO_ROOM (UINT64_C(1) << 63)

static uint64_t tied_generation(const struct peeps_hook *hook)
{
	/* HOOK_SLOW in it, so that peeps_hook_ready() finds another value than the one it wants. */
	return (peeps_process.generation + 1) | (hook->traits & HOOK_SLOW);
}

bool hook_is_tied(const struct peeps_hook *hook)
{
	/* Acquire: pairs with the release in tie(). */
	return peeps_load_acquire(&hook->generation) == tied_generation(hook);
}

static bool made_by_initializer(const struct peeps_hook *hook)
{
	return hook->site == &peeps_site_in_name;
}

/* What a static initializer says behind its name: file, line, root, module. */
static void parse_initializer(const char *name, const char **file, uint64_t *line,
			      const char **root, const char **module)
{
	const char *text = name + strlen(name) + 1;

	*file = text;
	text += strlen(text) + 1;
	*line = strtoull(text, NULL, 10);
	text += strlen(text) + 1;
	*root = text;
	text += strlen(text) + 1;
	*module = text;
}

/* The name and site of the entity to be. Returns a name that the caller owes, or NULL. */
static struct interned *describe(const struct peeps_hook *hook, struct peeps_site *first_use,
				 uint64_t *site)
{
	struct peeps_site *const place = hook->site ? hook->site : first_use;
	const char *file, *root, *module;
	uint64_t line;

	if (made_by_initializer(hook)) {
		parse_initializer(hook->name, &file, &line, &root, &module);
		*site = site_id_of(file, root, NULL, module, line);
	} else {
		file = place->file;
		line = place->line;
		*site = site_id(place);
	}
	return name_get(hook->name, file, line);
}

/* What a hook is tied to: an entity, or two ends of one thing, of which the second is the hook's own. */
struct tied {
	struct entity_new *entities;
	int names_other;                  /* as in entities_make(); -1: there is but one */
	struct peeps_entity_slot **other; /* gets the first one's slot */
};

static struct peeps_entity_slot *make(const struct tied *what, struct self *self)
{
	struct peeps_entity_slot *slots[2];

	if (what->names_other < 0)
		return entity_make(self, what->entities);
	if (!entities_make(self, what->entities, what->names_other, slots))
		return NULL;
	*what->other = slots[0];
	return slots[1];
}

static bool tie(struct peeps_hook *hook, const struct tied *what, struct self *self)
{
	struct peeps_entity_slot *slot;

	if (hook_is_tied(hook))
		return true; /* another thread was first */
	slot = make(what, self);
	if (!slot) {
		peeps_store_relaxed(&hook->generation, tied_generation(hook) | NO_ROOM);
		return false;
	}
	hook->slot = slot;
	/* Release: the slot before the generation that says it is valid. Pairs with
	 * peeps_hook_ready(). */
	peeps_store_release(&hook->generation, tied_generation(hook));
	return true;
}

static bool may_be_tied(const struct peeps_hook *hook)
{
	return !(hook->traits & HOOK_SHARED) &&
	       (peeps_load_relaxed(&hook->generation) != (tied_generation(hook) | NO_ROOM) ||
		entity_room());
}

static bool describe_and_tie(struct peeps_hook *hook, const struct tied *what,
			     struct peeps_site *first_use, struct self *self)
{
	struct entity_new *const entities = what->entities;
	sigset_t mask;
	bool tied;

	entities[0].creator = self_actor(self);
	entities[0].name = describe(hook, first_use, &entities[0].site);
	if (what->names_other >= 0) {
		entities[1].creator = entities[0].creator;
		entities[1].name = entities[0].name;
		entities[1].site = entities[0].site;
	}
	process_lock(&mask);
	tied = tie(hook, what, self);
	if (entities[0].name)
		intern_put(entities[0].name, (struct rest){ .over = true });
	process_unlock(&mask);
	return tied;
}

bool hook_tie_as(struct peeps_hook *hook, enum peeps_kind kind, const uint64_t *body,
		 struct peeps_site *first_use, struct self *self)
{
	struct entity_new entity = { .kind = kind, .traits = hook->traits };
	const struct tied one = { .entities = &entity, .names_other = -1 };

	memcpy(entity.body, body, sizeof(entity.body));
	return hook_is_tied(hook) ||
	       (may_be_tied(hook) && describe_and_tie(hook, &one, first_use, self));
}

bool hook_tie_ends(struct peeps_hook *hook, struct peeps_entity_slot **other,
		   struct entity_new *ends, int names_other, struct peeps_site *first_use,
		   struct self *self)
{
	const struct tied both = { .entities = ends, .names_other = names_other, .other = other };

	return hook_is_tied(hook) ||
	       (may_be_tied(hook) && describe_and_tie(hook, &both, first_use, self));
}

bool hook_tie(struct peeps_hook *hook, enum peeps_kind kind, struct peeps_site *first_use,
	      struct self *self)
{
	static const uint64_t empty[PEEPS_BODY_WORDS];

	return hook_tie_as(hook, kind, empty, first_use, self);
}

void hook_init(struct peeps_hook *hook, const char *name, struct peeps_site *site, uint64_t traits,
	       struct self *self)
{
	struct interned *copy = NULL;

	/* Kept in private memory, where a forked child finds it; but no other process would. */
	if (self && name && *name && !(traits & HOOK_SHARED))
		copy = intern_get(name, strlen(name));
	*hook = (struct peeps_hook){ .name = copy ? copy->bytes : NULL,
				     .site = self && site ? site_keep(site) : NULL,
				     .traits = traits };
}

bool hook_make_ends(struct peeps_hook *hook, const char *name, struct peeps_site *site,
		    struct entity_new *ends, int names_other, struct made_ends *made,
		    struct self *self)
{
	const struct tied both = { .entities = ends,
				   .names_other = names_other,
				   .other = &made->other };
	const uint64_t id = site_id(site);
	struct interned *called, *copy = NULL;
	sigset_t mask;
	bool tied;

	*hook = (struct peeps_hook){ .site = site_keep(site) };
	process_lock(&mask);
	called = name_get_locked(name, site->file, site->line);
	if (called && name && *name) {
		copy = called; /* kept in private memory, where a forked child finds it */
		intern_share(copy);
		hook->name = copy->bytes;
	}
	for (int i = 0; i < 2; i++) {
		ends[i].creator = self_actor(self);
		ends[i].name = called;
		ends[i].site = id;
	}
	tied = tie(hook, &both, self);
	if (called)
		intern_put(called, (struct rest){ .over = true });
	for (int i = 0; i < 2; i++)
		made->edges[i] = tied ? edge_take_locked() : NULL;
	process_unlock(&mask);
	return tied;
}

static void retire(const struct peeps_hook *hook, struct peeps_entity_slot *other,
		   struct self *self)
{
	struct peeps_entity_slot *const ends[2] = { other, hook->slot };

	if (other)
		entities_retire(self, ends);
	else
		entity_retire(self, hook->slot);
}

static void end_holds(struct hold *const *holds, int count, struct self *self)
{
	for (int i = 0; i < count; i++) {
		if (hold_is_made(holds[i]) && edge_retire(holds[i]->slot, self))
			*holds[i] = (struct hold){ 0 };
	}
}

static void deinit(struct peeps_hook *hook, struct peeps_entity_slot *other,
		   struct hold *const *holds, int hold_count, struct self *self)
{
	struct interned *const name =
		hook->name && !made_by_initializer(hook) ? intern_of(hook->name) : NULL;
	sigset_t mask;

	if (self) {
		process_lock(&mask);
		end_holds(holds, hold_count, self);
		if (hook_is_tied(hook))
			retire(hook, other, self);
		if (name)
			intern_put(name, (struct rest){ .over = true });
		process_unlock(&mask);
		tick_or_reclaim();
	}
	hook->generation = 0;
	hook->slot = NULL;
	if (name)
		hook->name = NULL; /* glibc lets a mutex be destroyed twice */
}

void hook_deinit(struct peeps_hook *hook, struct self *self)
{
	deinit(hook, NULL, NULL, 0, self);
}

void hook_deinit_ends(struct peeps_hook *hook, struct peeps_entity_slot *other,
		      struct hold *const *holds, int hold_count, struct self *self)
{
	deinit(hook, other, holds, hold_count, self);
}

/* --- init and destroy of a wrapper ------------------------------------------------------------- */

void hook_open(struct peeps_hook *hook, enum peeps_kind kind, const char *name,
	       struct peeps_site *site, uint64_t traits, uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct peeps_site *const place = site_is_like_us(site) ? site : NULL;
	struct self *const self = self_enter(caller_stack);

	hook_init(hook, name, place, traits, self);
	if (self) {
		if (place)
			(void)hook_tie(hook, kind, place, self);
		self_leave(self);
	}
	errno = saved_errno;
}

void hook_close(struct peeps_hook *hook, uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);

	hook_deinit(hook, self);
	if (self)
		self_leave(self);
	errno = saved_errno;
}
