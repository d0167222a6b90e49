/* SPDX-License-Identifier: MIT */
/* What libpeeps exports: this much and no more, so that no name of ours meets one of the program's. */
#ifndef PEEPS_API_H
#define PEEPS_API_H

#define PEEPS_API __attribute__((visibility("default")))

#endif
