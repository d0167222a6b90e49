/* SPDX-License-Identifier: MIT */
#include "writer/scope.h"

#include <errno.h>
#include <signal.h>

#include <peeps/scope.h>
#include "writer/entity.h"
#include "writer/intern.h"
#include "writer/membership.h"
#include "writer/memory.h"
#include "writer/name.h"
#include "writer/pool.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/thread.h"
#include "writer/tick.h"
#include "writer/update.h"

#define GENERATION_MASK (PEEPS_REF_GENERATION_MASK << PEEPS_REF_GENERATION_SHIFT)

/* Under the process lock. */
static struct pool scopes;
static struct interned **names; /* of each row's present life */

bool scopes_init(void)
{
	if (!names)
		names = memory_reserve(segment_section(PEEPS_SECTION_SCOPES)->capacity *
				       sizeof(struct interned *));
	return names && pool_init(&scopes, PEEPS_SECTION_SCOPES);
}

static struct peeps_scope_row *row_at(uint32_t index)
{
	return segment_row(PEEPS_SECTION_SCOPES, index);
}

static uint64_t next_identity(const struct peeps_scope_row *row, uint32_t index)
{
	const uint64_t generation = (peeps_load_relaxed(&row->identity) & GENERATION_MASK) >>
				    PEEPS_REF_GENERATION_SHIFT;

	return (uint64_t)PEEPS_SPACE_SCOPE << PEEPS_REF_SPACE_SHIFT |
	       segment_next_generation(generation) << PEEPS_REF_GENERATION_SHIFT | index;
}

/* The row that is this scope; NULL if it ended, or is another process's. Process lock held. */
static struct peeps_scope_row *find(uint64_t ref)
{
	const uint64_t index = ref & PEEPS_REF_INDEX_MASK;
	struct peeps_scope_row *row;

	if (ref >> PEEPS_REF_SPACE_SHIFT != PEEPS_SPACE_SCOPE ||
	    index >= peeps_load_relaxed(&segment_section(PEEPS_SECTION_SCOPES)->high_water))
		return NULL;
	row = row_at((uint32_t)index);
	return peeps_load_relaxed(&row->identity) == ref && peeps_load_relaxed(&row->born) != 0 &&
			       peeps_load_relaxed(&row->died) == 0
		       ? row
		       : NULL;
}

static bool write_row(struct peeps_scope_row *row, uint32_t index, struct self *self, uint32_t kind,
		      struct interned *name)
{
	const uint64_t ordinal = name ? intern_next_ordinal(name) : 0;
	const uint64_t created_ns = segment_ptime_ns();
	struct update update;

	/* As a membership's row (writer/membership.c). */
	peeps_store_relaxed(&row->born, 0);
	peeps_fence_release();
	peeps_store_relaxed(&row->died, 0);
	peeps_store_relaxed(&row->identity, next_identity(row, index));
	peeps_store_relaxed(&row->kind, kind | ordinal << 32);
	peeps_store_relaxed(&row->name, name ? name->text : 0);
	peeps_store_relaxed(&row->created_ns, created_ns);
	if (!update_begin(&update, self, NULL, 0))
		return false;
	peeps_store_release(&row->born, update.epoch);
	update_end(&update);
	return true;
}

/* Process lock held. */
static uint64_t make(struct self *self, uint32_t kind, struct interned *name)
{
	const uint32_t index = pool_take(&scopes);

	if (index == POOL_NONE) {
		segment_count(PEEPS_COUNTER_DROPPED_SCOPES);
		return 0;
	}
	if (!write_row(row_at(index), index, self, kind, name)) {
		pool_give(&scopes, index, (struct rest){ .over = true });
		return 0;
	}
	names[index] = name;
	if (name) {
		intern_share(name);
		name->lives++;
	}
	return peeps_load_relaxed(&row_at(index)->identity);
}

static void end(struct self *self, struct peeps_scope_row *row, uint32_t index)
{
	struct update update;
	struct rest rest;

	if (!update_begin(&update, self, NULL, 0))
		return;
	rest = rest_begin(update.epoch);
	peeps_store_relaxed(&row->died, update.epoch);
	memberships_write_end(MEMBERSHIP_OF_SCOPE, index, update.epoch);
	update_end(&update);
	memberships_give(MEMBERSHIP_OF_SCOPE, index, rest);
	pool_give(&scopes, index, rest);
	if (names[index]) {
		names[index]->lives--;
		intern_put(names[index], rest);
		names[index] = NULL;
	}
}

static uint64_t scope_new(struct self *self, uint32_t kind, const char *name)
{
	struct interned *string;
	sigset_t mask;
	uint64_t ref;

	process_lock(&mask);
	string = name_get_locked(name, NULL, 0);
	ref = make(self, kind, string);
	if (string)
		intern_put(string, (struct rest){ .over = true });
	process_unlock(&mask);
	return ref;
}

struct peeps_scope peeps_scope_new(uint32_t kind, const char *name)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_scope scope = { 0 };

	if (self) {
		scope.bits = scope_new(self, kind, name);
		self_leave(self);
	}
	errno = saved_errno;
	return scope;
}

void peeps_scope_add(struct peeps_scope scope, struct peeps_ref member)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	sigset_t mask;

	if (self) {
		process_lock(&mask);
		if (find(scope.bits) && entity_find(member.bits))
			membership_make(self, scope.bits, member.bits);
		process_unlock(&mask);
		self_leave(self);
	}
	errno = saved_errno;
}

void peeps_scope_end(struct peeps_scope scope)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_scope_row *row;
	sigset_t mask;

	if (self) {
		process_lock(&mask);
		row = find(scope.bits);
		if (row)
			end(self, row, (uint32_t)(scope.bits & PEEPS_REF_INDEX_MASK));
		process_unlock(&mask);
		tick_or_reclaim();
		self_leave(self);
	}
	errno = saved_errno;
}
