/* SPDX-License-Identifier: MIT */
/* Locks before main() and after it: what each of them came to. */
#ifndef PEEPS_TESTS_EARLY_H
#define PEEPS_TESTS_EARLY_H

#include "tests/e2e/way/way.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Locks, tries and unlocks; remembered, to be said when the scene runs. */
void early_try(const char *when, struct peeps_mutex *m);

/* The same, said at once. */
void late_try(const char *when, struct peeps_mutex *m);

/* The C++ part, and what it counts in its thread_local's destructors. */
void early_cxx_run(void);

/* The library that may come to its constructors before libpeeps: it is not linked with it. */
int early_library_work(void);
int early_library_constructed(void);

#ifdef __cplusplus
}
#endif

#endif
