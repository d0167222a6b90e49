/* SPDX-License-Identifier: MIT */
/* The invariants of the scenarios: what must hold in every cut, whatever the threads were doing. */
#ifndef PEEPS_TESTS_STRESS_CHECK_H
#define PEEPS_TESTS_STRESS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/stress/facts.h"

#define CHECK_KEPT 8

struct check {
	uint64_t broken_cuts;
	char kept[CHECK_KEPT][200]; /* what was wrong, the first few times */
	size_t kept_count;
	uint64_t
		last_acquires[FACTS_MAX]; /* of mutexes that stay, to see that no count goes back */
	uint64_t waits_seen, holds_seen;
	bool broken; /* the cut that is being looked at */
};

/**
 * check_facts - look for contradictions; what is uncertain contradicts nothing
 *
 * Returns whether there are none.
 */
bool check_facts(struct check *check, const struct facts *facts);

/* --- for its parts -------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) void check_wrong(struct check *check, const char *format,
						       ...);

/* The one of that name; NULL: not there, or uncertain. */
const struct mutex_fact *check_mutex(const struct facts *facts, const char *name);

/* The number behind the prefix; false if the name has another one. */
bool check_numbered(const char *name, const char *prefix, uint64_t *number);

void check_channels(struct check *check, const struct facts *facts);
void check_permits(struct check *check, const struct facts *facts);
void check_shelf(struct check *check, const struct facts *facts);
void check_singles(struct check *check, const struct facts *facts);
void check_echo(struct check *check, const struct facts *facts);
void check_scopes(struct check *check, const struct facts *facts);

#endif
