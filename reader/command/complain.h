/* SPDX-License-Identifier: MIT */
/* An error as the user reads it: on stderr, at most three lines: what, why, and how to go on. */
#ifndef PEEPS_READER_COMPLAIN_H
#define PEEPS_READER_COMPLAIN_H

#include "reader/target/attach.h"

/**
 * peeps_complain - print a problem
 *
 * Returns its exit status.
 */
int peeps_complain(const struct peeps_problem *problem);

/**
 * peeps_complain_of - the same, also for errors (-errno) that filled in no problem
 */
int peeps_complain_of(int error, struct peeps_problem *problem);

#endif
