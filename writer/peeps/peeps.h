/* SPDX-License-Identifier: MIT */
/* All of peeps. */
#ifndef PEEPS_PEEPS_H
#define PEEPS_PEEPS_H

#include <peeps/broadcast.h>
#include <peeps/cond.h>
#include <peeps/join.h>
#include <peeps/kind.h>
#include <peeps/mpsc.h>
#include <peeps/mutex.h>
#include <peeps/notify.h>
#include <peeps/oneshot.h>
#include <peeps/once_cell.h>
#include <peeps/registry.h>
#include <peeps/rwlock.h>
#include <peeps/scope.h>
#include <peeps/sem.h>
#include <peeps/task.h>
#include <peeps/thread.h>
#include <peeps/watch.h>

#endif
