/* SPDX-License-Identifier: MIT */
/* All of peeps. */
#ifndef PEEPS_PEEPS_H
#define PEEPS_PEEPS_H

#include <peeps/mutex.h>
#include <peeps/thread.h>

#endif
