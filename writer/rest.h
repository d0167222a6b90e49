/* SPDX-License-Identifier: MIT */
/*
 * Resting: what was retired may be in the middle of somebody's cut, and is used again only when no
 * cut can still look at it (docs/protocol.md, writers' rule 7). A dead or stopped reader costs this
 * memory until its deadline, no longer.
 */
#ifndef PEEPS_WRITER_REST_H
#define PEEPS_WRITER_REST_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct rest - when a retired thing may be used again
 * @epoch: of the section that retired it
 * @over:  `cut`, loaded inside that section, already said that no cut looks at it
 */
struct rest {
	uint64_t epoch;
	bool over;
};

/* Inside the retiring section, after its epoch was loaded: does a cut look at what is retired here? */
struct rest rest_begin(uint64_t epoch);

/* At any later time. */
bool rest_is_over(uint64_t epoch);

#endif
