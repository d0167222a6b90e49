/* SPDX-License-Identifier: MIT */
/* Links of the program's own: relations that are no operation. */
#include <peeps/registry.h>

#include <errno.h>
#include <signal.h>

#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/hold.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/thread.h"
#include "writer/update.h"

static uint32_t kind_of(const struct peeps_edge_slot *slot)
{
	return (uint32_t)(peeps_load_relaxed(&slot->status) >> PEEPS_EDGE_KIND_SHIFT &
			  PEEPS_EDGE_BYTE_MASK);
}

static uint64_t hold(struct self *self, uint64_t resource, uint64_t actor, uint64_t site)
{
	const struct hold_new new = {
		.resource = resource,
		.actor = actor,
		.role = PEEPS_HOLD_ROLE_LOCK,
		.count = 1,
		.site = site,
	};
	struct hold hold;

	return hold_make(&hold, self, &new) ? edge_ref(hold.slot) : 0;
}

static void write_link(struct peeps_edge_slot *slot, const struct self *self, uint32_t kind,
		       uint64_t src, uint64_t dst, uint64_t site, uint64_t now_ns)
{
	peeps_store_relaxed(&slot->status,
			    edge_next_life(slot) | (uint64_t)kind << PEEPS_EDGE_KIND_SHIFT);
	peeps_store_relaxed(&slot->src, src);
	peeps_store_relaxed(&slot->dst, dst);
	peeps_store_relaxed(&slot->wait,
			    peeps_load_relaxed(&slot->wait) & ~PEEPS_EDGE_POLL_COUNT_MASK);
	peeps_store_relaxed(&slot->pending_since_ns, 0);
	peeps_store_relaxed(&slot->last_change_ns, now_ns);
	peeps_store_relaxed(&slot->origin,
			    (site & PEEPS_EDGE_SITE_MASK) | (uint64_t)self->record_index
								    << PEEPS_EDGE_THREAD_SHIFT);
	for (int i = 0; i < PEEPS_DETAIL_WORDS; i++)
		peeps_store_relaxed(&slot->details[i], 0);
}

static uint64_t tie(struct self *self, uint32_t kind, uint64_t src, uint64_t dst, uint64_t site)
{
	struct peeps_edge_slot *const slot = edge_take();
	const void *const slots[1] = { slot };
	const uint64_t now_ns = segment_ptime_ns();
	struct update update;

	if (!slot) {
		segment_count(PEEPS_COUNTER_DROPPED_EDGES);
		return 0;
	}
	if (!update_begin(&update, self, slots, 1)) {
		edge_give(slot, (struct rest){ .over = true });
		return 0;
	}
	peeps_edge_touch(slot, update.epoch, update.record);
	write_link(slot, self, kind, src, dst, site, now_ns);
	update_end(&update);
	return edge_ref(slot);
}

static uint64_t link_new(struct self *self, uint32_t kind, uint64_t src, uint64_t dst,
			 struct peeps_site *site)
{
	if (!site_is_like_us(site) || !entity_find(src) || !entity_find(dst))
		return 0;
	switch (kind) {
	case PEEPS_EDGE_HOLDS:
		return hold(self, src, dst, site_id(site));
	case PEEPS_EDGE_CHANNEL_LINK:
	case PEEPS_EDGE_RPC_LINK:
		return tie(self, kind, src, dst, site_id(site));
	default:
		return 0;
	}
}

struct peeps_ref peeps_link_at(uint32_t edge_kind, struct peeps_ref src, struct peeps_ref dst,
			       struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_ref link = { 0 };

	if (self) {
		link.bits = link_new(self, edge_kind, src.bits, dst.bits, site);
		self_leave(self);
	}
	errno = saved_errno;
	return link;
}

static bool is_link(const struct peeps_edge_slot *slot)
{
	const uint32_t kind = kind_of(slot);

	return kind == PEEPS_EDGE_HOLDS || kind == PEEPS_EDGE_CHANNEL_LINK ||
	       kind == PEEPS_EDGE_RPC_LINK;
}

void peeps_unlink(struct peeps_ref link)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_edge_slot *slot;
	sigset_t mask;

	if (self) {
		/* Under the lock, so that of two that end it one does. */
		process_lock(&mask);
		slot = edge_find(link.bits);
		if (slot && is_link(slot))
			(void)edge_retire(slot, self);
		process_unlock(&mask);
		self_leave(self);
	}
	errno = saved_errno;
}

/* The plain symbols know no site. */
#undef peeps_link

struct peeps_ref peeps_link(uint32_t edge_kind, struct peeps_ref src, struct peeps_ref dst)
{
	return peeps_link_at(edge_kind, src, dst, &peeps_site_unknown);
}
