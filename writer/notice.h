/* SPDX-License-Identifier: MIT */
/*
 * What is recorded of a notify: how often and by whom it was notified, whether a permit is stored, and who waits. With
 * PEEPS_DISABLE nothing, and every call below is empty.
 *
 * Order (docs/protocol.md, rule 2): all under the notify's lock, so that whoever is let go on by what is recorded here, goes
 * on after it.
 */
#ifndef PEEPS_WRITER_NOTICE_H
#define PEEPS_WRITER_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef PEEPS_DISABLE

struct notice {
};

struct notice_call {
};

static inline void notice_prepare(struct notice *notice, const struct notice_call *call)
{
	(void)notice;
	(void)call;
}

static inline void notice_given(struct notice *notice, const struct notice_call *call, bool to_all,
				bool wakes, bool is_stored)
{
	(void)notice;
	(void)call;
	(void)to_all;
	(void)wakes;
	(void)is_stored;
}

static inline void notice_stored(struct notice *notice, const struct notice_call *call,
				 bool is_stored)
{
	(void)notice;
	(void)call;
	(void)is_stored;
}

static inline void notice_wait_begin(struct notice *notice, struct notice_call *call,
				     const uint64_t *timeout_ns)
{
	(void)notice;
	(void)call;
	(void)timeout_ns;
}

static inline void notice_wait_over(struct notice *notice, struct notice_call *call)
{
	(void)notice;
	(void)call;
}

static inline void notice_wait_timed_out(struct notice_call *call)
{
	(void)call;
}

static inline void notice_wait_cancelled(struct notice_call *call)
{
	(void)call;
}

#else

#include <peeps/hook.h>
#include "writer/operation.h"

/* In each notify. */
struct notice {
	struct peeps_hook hook;
};

/**
 * struct notice_call - what is known of one call
 * @site:  NULL where a notify is not waited for
 * @stack: CALLER_STACK() of the exported function
 */
struct notice_call {
	struct peeps_site *site;
	uint64_t stack;
	struct operation operation;
};

void notice_init(struct notice *notice, const char *name, struct peeps_site *site, uint64_t stack);
void notice_deinit(struct notice *notice, uint64_t stack);

void notice_tie(struct notice *notice, const struct notice_call *call);

/* Tie it, in a forked child. Context: the notify's lock not held. */
static inline void notice_prepare(struct notice *notice, const struct notice_call *call)
{
	if (peeps_unlikely(!peeps_hook_ready(&notice->hook)))
		notice_tie(notice, call);
}

/* One notification more: of the first, or of all; with it, whether a permit is stored now. Context: the notify's lock
 * held; before anybody can see it. */
void notice_given(struct notice *notice, const struct notice_call *call, bool to_all, bool wakes,
		  bool is_stored);

/* A permit is stored now, or not, without another notification. Context: the notify's lock held. */
void notice_stored(struct notice *notice, const struct notice_call *call, bool is_stored);

/* @timeout_ns NULL: it waits for as long as it takes. Context, here and below: the notify's lock not held, or held. */
void notice_wait_begin(struct notice *notice, struct notice_call *call, const uint64_t *timeout_ns);
void notice_wait_over(struct notice *notice, struct notice_call *call);
void notice_wait_timed_out(struct notice_call *call);
void notice_wait_cancelled(struct notice_call *call);

#endif
#endif
