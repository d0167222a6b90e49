/* SPDX-License-Identifier: MIT */
/*
 * The section, for the library's own use: of up to three slots, and in the cases that the inline
 * one leaves to us: fence mode, threads that share a record, signal handlers that broke into a
 * section, sections whose frame is gone.
 */
#ifndef PEEPS_WRITER_UPDATE_H
#define PEEPS_WRITER_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/section.h>
#include "writer/thread.h"

enum update_kind { UPDATE_PLAIN, UPDATE_NESTED };

struct update {
	struct self *self;
	struct peeps_thread *record;
	uint64_t epoch;
	uint64_t outer_set; /* first word of the write set that a nested section found */
	enum update_kind kind;
};

/**
 * update_begin - enter a section that writes these slots
 * @slots: entity or edge slots, at most PEEPS_WRITE_SET_MAX of them; none for a section that writes only
 *         rows without a shadow
 *
 * Returns false, with nothing begun, if the section broke into by this signal handler writes one of
 * them itself, or leaves no room to declare them; counted. Else end with update_end(), and touch
 * before writing. Context: process lock held or not; never inside a plain update.
 */
bool update_begin(struct update *update, struct self *self, const void *const *slots,
		  unsigned int count);
void update_end(struct update *update);

/* End the section that siglongjmp left open, if it began in a frame that is known to be gone, or below. */
void update_left(const struct self *self, uint64_t frame);

/* In a forked child: nobody holds the shared record. */
void update_reset_locks(void);

#endif
