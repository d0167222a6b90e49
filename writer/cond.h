/* SPDX-License-Identifier: MIT */
#ifndef PEEPS_WRITER_COND_H
#define PEEPS_WRITER_COND_H

/* In a forked child: nobody of those who waited, or held a gate, is there. */
void cond_forked(void);

#endif
