/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_TESTS_STRESS_MESSENGER_H
#define PEEPS_TESTS_STRESS_MESSENGER_H

#include "tests/stress/stage.h"

#define MESSENGERS 3

#endif
