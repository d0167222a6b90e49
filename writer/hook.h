/* SPDX-License-Identifier: MIT */
/* Tying a wrapper to an entity, and letting go of it. */
#ifndef PEEPS_WRITER_HOOK_H
#define PEEPS_WRITER_HOOK_H

#include <stdbool.h>

#include <peeps/hook.h>
#include "writer/thread.h"

struct entity_new;
struct hold;

/**
 * hook_init - an untied hook with a name of its own
 * @name: copied; NULL or "": named after @site
 * @site: copied; NULL = where it is first used
 *
 * hook_deinit() gives the name back. With telemetry off the name is NULL.
 */
void hook_init(struct peeps_hook *hook, const char *name, struct peeps_site *site, uint64_t traits,
	       struct self *self);

/**
 * hook_open, hook_close - all that an exported init and destroy do with the hook of what they made or destroyed
 * @site:         as the caller has it; of a program of another layout nothing is recorded until it is used
 * @caller_stack: CALLER_STACK() of the exported function
 *
 * errno is as it was.
 */
void hook_open(struct peeps_hook *hook, enum peeps_kind kind, const char *name,
	       struct peeps_site *site, uint64_t traits, uint64_t caller_stack);
void hook_close(struct peeps_hook *hook, uint64_t caller_stack);

/**
 * hook_tie - make sure that the hook has an entity in this process's segment
 * @first_use: where it is used, for hooks that do not know where they were made
 *
 * Returns false if there is no room; that is remembered, so that asking again is cheap.
 * Context: process lock not held. Safe against other threads that tie the same hook.
 */
bool hook_tie(struct peeps_hook *hook, enum peeps_kind kind, struct peeps_site *first_use,
	      struct self *self);

/* The same with an entity that begins with these body words. */
bool hook_tie_as(struct peeps_hook *hook, enum peeps_kind kind, const uint64_t *body,
		 struct peeps_site *first_use, struct self *self);

/**
 * hook_tie_ends - the same for two ends of one thing; the second is the hook's own slot
 * @other:       gets the slot of the first, valid as long as the hook is tied
 * @ends:        two: kind and body; the rest comes from the hook
 * @names_other: word of the second one's body that takes the first one's ref
 */
bool hook_tie_ends(struct peeps_hook *hook, struct peeps_entity_slot **other,
		   struct entity_new *ends, int names_other, struct peeps_site *first_use,
		   struct self *self);

/* What hook_make_ends() makes; @edges: two slots for edges, each NULL without room, and not given back. */
struct made_ends {
	struct peeps_entity_slot *other;
	struct peeps_edge_slot *edges[2];
};

/**
 * hook_make_ends - hook_init() and hook_tie_ends(), and slots for two edges, all under the process lock at once
 *
 * For what is made often. Returns false if the ends found no room; then no slots are taken.
 */
bool hook_make_ends(struct peeps_hook *hook, const char *name, struct peeps_site *site,
		    struct entity_new *ends, int names_other, struct made_ends *made,
		    struct self *self);

/* In traits, which have no other use for it: never tied, because other processes use the same hook
 * through shared memory. */
#define HOOK_SHARED (UINT64_C(1) << 63)

/* Likewise: tied, but never ready for the inline paths. */
#define HOOK_SLOW (UINT64_C(1) << 62)

/* Tied, in this process, to a live entity. */
bool hook_is_tied(const struct peeps_hook *hook);

/* End its entity, if it has one. Nobody may use the hook any more. @self NULL: only let go of the
 * name. */
void hook_deinit(struct peeps_hook *hook, struct self *self);

/* The same of two ends, and first of what holds them. */
void hook_deinit_ends(struct peeps_hook *hook, struct peeps_entity_slot *other,
		      struct hold *const *holds, int hold_count, struct self *self);

#endif
