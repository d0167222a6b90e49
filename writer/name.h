/* SPDX-License-Identifier: MIT */
/* What things of the program's are called: what they were given, or the place where they were made. */
#ifndef PEEPS_WRITER_NAME_H
#define PEEPS_WRITER_NAME_H

#include <stdint.h>

#include "writer/intern.h"

/**
 * name_get - a name, interned
 * @name: NULL or "": "{last part of @file}.{@line}"
 * @file: NULL = not known
 *
 * Returns NULL without memory; else the caller owes an intern_put(). Context: process lock not held.
 */
struct interned *name_get(const char *name, const char *file, uint64_t line);

/* The same. Context: process lock held. */
struct interned *name_get_locked(const char *name, const char *file, uint64_t line);

#endif
