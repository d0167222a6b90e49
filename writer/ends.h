/* SPDX-License-Identifier: MIT */
/*
 * What a reader sees of a channel whose sending end says it all: two ends, tied together, whose words whoever has
 * the channel's lock writes. oneshot and watch are such. With PEEPS_DISABLE nothing is here.
 *
 * docs/protocol.md, rule 2: everything below is called with the channel's lock held, before the other side can
 * know, unless it says otherwise.
 */
#ifndef PEEPS_WRITER_ENDS_H
#define PEEPS_WRITER_ENDS_H

#include "writer/endpoint.h"

#ifdef PEEPS_DISABLE

struct ends {
};

#else

/**
 * struct ends_kind - what two ends are
 * @peer_word: of the sending end's body: names the receiving end
 */
struct ends_kind {
	enum peeps_kind tx, rx;
	int peer_word;
};

/* @hook is tied to the sending end; @rx is the receiving one, valid while that is. */
struct ends {
	const struct ends_kind *kind;
	struct peeps_hook hook;
	struct peeps_entity_slot *rx;
};

/* A handle that a call uses: whose it is, and PEEPS_HOLD_ROLE_SENDER or _RECEIVER. */
struct ends_handle {
	struct endpoint_owner *owner;
	uint64_t role;
};

/**
 * struct ends_news - what has happened
 * @body:   the sending end's words from now on; the peer is left alone
 * @handle: that was used
 * @leaves: and is used up by this
 * @wait:   that has ended with it; NULL = there was none
 */
struct ends_news {
	const uint64_t *body;
	struct ends_handle handle;
	bool leaves;
	struct endpoint_wait *wait;
};

/* Both ends, with the owners of the first handles. Before anybody else knows them; no lock needed. */
void ends_new(struct ends *ends, const struct ends_kind *kind, const char *name,
	      const uint64_t *body, struct endpoint_owner *tx, struct endpoint_owner *rx,
	      const struct endpoint_call *call);

/* One more handle, which the calling actor has made. */
void ends_joined(struct ends *ends, const uint64_t *body, struct ends_handle handle,
		 const struct endpoint_call *call);

void ends_changed(struct ends *ends, const struct ends_news *news,
		  const struct endpoint_call *call);

/* A handle was used, and that is all. */
void ends_used_slow(struct ends *ends, const uint64_t *body, struct ends_handle handle,
		    struct endpoint_wait *wait, const struct endpoint_call *call);

static inline void ends_used(struct ends *ends, const uint64_t *body, struct ends_handle handle,
			     struct endpoint_wait *wait, const struct endpoint_call *call)
{
	if (wait || !endpoint_is_quick(&ends->hook, handle.owner))
		ends_used_slow(ends, body, handle, wait, call);
}

/* The calling actor owns the handle from now on. */
void ends_moved(struct ends *ends, const uint64_t *body, struct ends_handle handle,
		const struct endpoint_call *call);

/* It is about to wait at the receiving end: the details and @deadline_ns as in endpoint_pend(). */
void ends_pend(struct ends *ends, const uint64_t *body, struct ends_handle handle,
	       struct endpoint_wait *wait, uint64_t occupancy, uint64_t capacity,
	       uint64_t deadline_ns, const struct endpoint_call *call);

/* All handles are gone; @owners: of those whose holds are left to be ended, shown as nothing. No lock needed. */
void ends_freed(struct ends *ends, struct endpoint_owner *const *owners, int owner_count,
		const struct endpoint_call *call);

#endif
#endif
