/* SPDX-License-Identifier: MIT */
/* `doctor`: what is wrong with this set-up, or with a process, and how to mend it. */
#ifndef PEEPS_READER_VERB_DOCTOR_H
#define PEEPS_READER_VERB_DOCTOR_H

struct peeps_options;

/**
 * peeps_doctor - examine this machine, or each of the options' targets, and print what was found
 *
 * Returns an exit status, having complained: 1 if anything is bad.
 */
int peeps_doctor(const struct peeps_options *options);

#endif
