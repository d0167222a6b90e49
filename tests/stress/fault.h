/* SPDX-License-Identifier: MIT */
/* Builds with PEEPS_FAULT_STEPS: a signal to oneself at a numbered step of a section or of a cut. */
#ifndef PEEPS_TESTS_STRESS_FAULT_H
#define PEEPS_TESTS_STRESS_FAULT_H

#include <stdbool.h>

#include "tests/stress/stage.h"

/* From now on, steps are looked up here. NULL: nothing happens at any of them. */
void fault_use(struct stage_fault *fault);

/* Only threads that said true are taken. */
void fault_volunteer(bool yes);

#endif
