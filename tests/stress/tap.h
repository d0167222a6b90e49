/* SPDX-License-Identifier: MIT */
/* Just enough of the Test Anything Protocol for tests whose results are numbers. */
#ifndef PEEPS_TESTS_STRESS_TAP_H
#define PEEPS_TESTS_STRESS_TAP_H

#include <stdbool.h>

__attribute__((format(printf, 1, 2))) void tap_diag(const char *format, ...);

/* One test; the name is a sentence. Returns holds. */
__attribute__((format(printf, 2, 3))) bool tap_ok(bool holds, const char *format, ...);

/* The plan. Returns main's exit status. */
int tap_done(void);

#endif
