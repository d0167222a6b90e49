/* SPDX-License-Identifier: MIT */
/* What the rest of the writer asks of tasks. */
#ifndef PEEPS_WRITER_TASK_H
#define PEEPS_WRITER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "writer/thread.h"

/* The ref of the calling thread's own entity, whatever task it runs as. */
uint64_t task_thread_of(const struct self *self);

/* @actor is the calling thread itself, or a task that runs here, or ran here last. */
bool task_is_here(const struct self *self, uint64_t actor);

#endif
