/* SPDX-License-Identifier: MIT */
/* What a condition needs of a mutex: that it is left in the very section in which the wait begins. */
#ifndef PEEPS_WRITER_MUTEX_H
#define PEEPS_WRITER_MUTEX_H

#include <peeps/mutex.h>
#include "writer/thread.h"

/* The slot that says that the calling thread holds the mutex; NULL if none does. */
struct peeps_entity_slot *mutex_held_slot(const struct peeps_mutex *m, const struct self *self);

#endif
