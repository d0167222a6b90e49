/* SPDX-License-Identifier: MIT */
#include "writer/membership.h"

#include <string.h>

#include "writer/memory.h"
#include "writer/pool.h"
#include "writer/segment.h"
#include "writer/update.h"

#define ENDS 2

/**
 * struct membership - a row's place in the chain of its scope, and in that of its entity
 * @owner:      index of the scope, and of the entity
 * @next, prev: rows plus one; 0 = none
 */
struct membership {
	uint32_t owner[ENDS];
	uint32_t next[ENDS], prev[ENDS];
};

/* Under the process lock. */
static struct pool rows;
static struct membership *memberships; /* by row */
static uint32_t *heads[ENDS];          /* by scope, by entity: the first row plus one */

static uint32_t *reserve_heads(enum peeps_section_id section)
{
	return memory_reserve(segment_section(section)->capacity * sizeof(uint32_t));
}

bool memberships_init(void)
{
	if (!memberships)
		memberships = memory_reserve(segment_section(PEEPS_SECTION_MEMBERSHIPS)->capacity *
					     sizeof(*memberships));
	if (!heads[MEMBERSHIP_OF_SCOPE])
		heads[MEMBERSHIP_OF_SCOPE] = reserve_heads(PEEPS_SECTION_SCOPES);
	if (!heads[MEMBERSHIP_OF_ENTITY])
		heads[MEMBERSHIP_OF_ENTITY] = reserve_heads(PEEPS_SECTION_ENTITIES);
	if (!memberships || !heads[MEMBERSHIP_OF_SCOPE] || !heads[MEMBERSHIP_OF_ENTITY])
		return false;
	/* A forked child has its parent's. */
	for (uint64_t row = 0; row < rows.used; row++)
		for (int end = 0; end < ENDS; end++)
			heads[end][memberships[row].owner[end]] = 0;
	return pool_init(&rows, PEEPS_SECTION_MEMBERSHIPS);
}

static uint32_t index_of(uint64_t ref)
{
	return (uint32_t)(ref & PEEPS_REF_INDEX_MASK);
}

static struct peeps_membership_row *row_at(uint32_t row)
{
	return segment_row(PEEPS_SECTION_MEMBERSHIPS, row);
}

static bool exists(const uint32_t owner[ENDS])
{
	const enum membership_end end = MEMBERSHIP_OF_ENTITY; /* in few scopes: a short chain */

	for (uint32_t row = heads[end][owner[end]]; row; row = memberships[row - 1].next[end])
		if (memberships[row - 1].owner[MEMBERSHIP_OF_SCOPE] == owner[MEMBERSHIP_OF_SCOPE])
			return true;
	return false;
}

static void chain(uint32_t row, int end)
{
	struct membership *const membership = &memberships[row];
	uint32_t *const head = &heads[end][membership->owner[end]];

	membership->prev[end] = 0;
	membership->next[end] = *head;
	if (*head)
		memberships[*head - 1].prev[end] = row + 1;
	*head = row + 1;
}

static void unchain(uint32_t row, int end)
{
	const struct membership *const membership = &memberships[row];

	if (membership->prev[end])
		memberships[membership->prev[end] - 1].next[end] = membership->next[end];
	else
		heads[end][membership->owner[end]] = membership->next[end];
	if (membership->next[end])
		memberships[membership->next[end] - 1].prev[end] = membership->prev[end];
}

static bool write_row(struct peeps_membership_row *row, struct self *self, uint64_t scope,
		      uint64_t member)
{
	struct update update;

	/* A reader that meets the row meanwhile, which no cut shows, finds that it is no row before it finds
	 * anything else new. Pairs with its second look at born. */
	peeps_store_relaxed(&row->born, 0);
	peeps_fence_release();
	peeps_store_relaxed(&row->died, 0);
	peeps_store_relaxed(&row->scope, scope);
	peeps_store_relaxed(&row->member, member);
	if (!update_begin(&update, self, NULL, 0))
		return false;
	/* Release: the row before the word that says it is one. Pairs with the reader's first look. */
	peeps_store_release(&row->born, update.epoch);
	update_end(&update);
	return true;
}

void membership_make(struct self *self, uint64_t scope, uint64_t member)
{
	const uint32_t owner[ENDS] = { index_of(scope), index_of(member) };
	uint32_t row;

	if (exists(owner))
		return;
	row = pool_take(&rows);
	if (row == POOL_NONE) {
		segment_count(PEEPS_COUNTER_DROPPED_MEMBERSHIPS);
		return;
	}
	if (!write_row(row_at(row), self, scope, member)) {
		pool_give(&rows, row, (struct rest){ .over = true });
		return;
	}
	memcpy(memberships[row].owner, owner, sizeof(owner));
	chain(row, MEMBERSHIP_OF_SCOPE);
	chain(row, MEMBERSHIP_OF_ENTITY);
}

void memberships_write_end(enum membership_end end, uint32_t index, uint64_t epoch)
{
	for (uint32_t row = heads[end][index]; row; row = memberships[row - 1].next[end])
		peeps_store_relaxed(&row_at(row - 1)->died, epoch);
}

void memberships_give(enum membership_end end, uint32_t index, struct rest rest)
{
	while (heads[end][index]) {
		const uint32_t row = heads[end][index] - 1;

		unchain(row, MEMBERSHIP_OF_SCOPE);
		unchain(row, MEMBERSHIP_OF_ENTITY);
		pool_give(&rows, row, rest);
	}
}
