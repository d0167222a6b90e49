/* SPDX-License-Identifier: MIT */
/* What the reader that is to be stopped or killed says of itself: places in its stage's threads[].rounds. */
#ifndef PEEPS_TESTS_STRESS_CUTTER_H
#define PEEPS_TESTS_STRESS_CUTTER_H

enum cutter_place { CUTTER_CUTS = 0, CUTTER_BROKEN = 1, CUTTER_FAILURES = 2, CUTTER_PASSIVE = 3 };

#endif
