/* SPDX-License-Identifier: MIT */
/* Scopes: what entities belong to. */
#ifndef PEEPS_WRITER_SCOPE_H
#define PEEPS_WRITER_SCOPE_H

#include <stdbool.h>

/* At the start, and in a forked child, where there are none. Process lock held. Returns false without
 * memory. */
bool scopes_init(void);

#endif
