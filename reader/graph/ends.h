/* SPDX-License-Identifier: MIT */
/* Which kinds are ends of channels, and of which. */
#ifndef PEEPS_READER_ENDS_H
#define PEEPS_READER_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peeps/kinds.h>

static inline bool peeps_kind_sends(uint32_t kind)
{
	return kind == PEEPS_KIND_MPSC_TX || kind == PEEPS_KIND_ONESHOT_TX ||
	       kind == PEEPS_KIND_WATCH_TX || kind == PEEPS_KIND_BROADCAST_TX;
}

static inline bool peeps_kind_receives(uint32_t kind)
{
	return kind == PEEPS_KIND_MPSC_RX || kind == PEEPS_KIND_ONESHOT_RX ||
	       kind == PEEPS_KIND_WATCH_RX || kind == PEEPS_KIND_BROADCAST_RX;
}

static inline bool peeps_kind_is_channel_end(uint32_t kind)
{
	return peeps_kind_sends(kind) || peeps_kind_receives(kind);
}

/* What a channel is called by whoever uses it: the verb says which end is meant. NULL = it is no end of one. */
static inline const char *peeps_channel_kind(uint32_t kind)
{
	switch (kind) {
	case PEEPS_KIND_MPSC_TX:
	case PEEPS_KIND_MPSC_RX:
		return "mpsc";
	case PEEPS_KIND_ONESHOT_TX:
	case PEEPS_KIND_ONESHOT_RX:
		return "oneshot";
	case PEEPS_KIND_WATCH_TX:
	case PEEPS_KIND_WATCH_RX:
		return "watch";
	case PEEPS_KIND_BROADCAST_TX:
	case PEEPS_KIND_BROADCAST_RX:
		return "broadcast";
	default:
		return NULL;
	}
}

#endif
