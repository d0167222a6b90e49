/* SPDX-License-Identifier: MIT */
/* What holds of every semaphore, and of those of permits.c. */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/stress/scenes.h"

static const char *holder_name(const struct facts *facts, const struct permit_fact *permit)
{
	return permit->actor < 0 ? "a thread that is not there"
				 : facts->threads[permit->actor].name;
}

static void check_sum(struct check *check, const struct semaphore_fact *semaphore)
{
	const int64_t out = (int64_t)semaphore->held + semaphore->unattributed;

	if (out < 0 || out > (int64_t)semaphore->max ||
	    semaphore->available != (int64_t)semaphore->max - out)
		check_wrong(check,
			    "%s: %" PRIu64 " held, %" PRId64 " not attributed, %" PRId64
			    " of %" PRIu64 " available",
			    semaphore->name, semaphore->held, semaphore->unattributed,
			    semaphore->available, semaphore->max);
}

/* Who holds permits of the gate holds the mutex of its own. */
static void check_gate(struct check *check, const struct facts *facts,
		       const struct permit_fact *permit)
{
	const struct semaphore_fact *gate = &facts->semaphores[permit->semaphore];
	const struct mutex_fact *own;
	uint64_t number;
	char name[32];

	if (permit->count > (uint64_t)2 * GATE_AT_ONCE)
		check_wrong(check, "%s holds %" PRIu64, holder_name(facts, permit), permit->count);
	if (gate->unattributed < 0)
		check_wrong(check, "gate: %" PRId64 " not attributed", gate->unattributed);
	if (permit->actor < 0 || !check_numbered(holder_name(facts, permit), "take-", &number)) {
		check_wrong(check, "gate is held by %s", holder_name(facts, permit));
		return;
	}
	(void)snprintf(name, sizeof(name), GATE_TAKING_NAME "%" PRIu64, number);
	own = check_mutex(facts, name);
	if (own && own->holder != permit->actor)
		check_wrong(check, "take-%" PRIu64 " holds %" PRIu64 " of gate without %s", number,
			    permit->count, name);
}

/* The borrower's hold is one loan or, after the lender gave that back, up to two. Where the hold found no room, what the
 * borrower gives back itself has nobody's name either. */
static void check_loan(struct check *check, const struct semaphore_fact *loan)
{
	uint64_t number = 0, count, given;

	(void)check_numbered(loan->name, LOAN_NAME, &number);
	count = 1 + number % LOAN_MAX;
	given = loan->anonymous_releases;
	if (loan->max != LOAN_MAX || loan->held > 2 * count ||
	    (given != 0 && given != count && (loan->held > 0 || given != 2 * count)) ||
	    loan->unattributed < -(int64_t)given)
		check_wrong(check,
			    "%s: %" PRIu64 " held, %" PRId64 " not attributed, %" PRIu64
			    " given back by others",
			    loan->name, loan->held, loan->unattributed, given);
}

static void check_kept(struct check *check, const struct facts *facts,
		       const struct permit_fact *permit)
{
	if (permit->count != 1 || strcmp(holder_name(facts, permit), "keep") != 0)
		check_wrong(check, "kept: %" PRIu64 " held by %s", permit->count,
			    holder_name(facts, permit));
}

void check_permits(struct check *check, const struct facts *facts)
{
	const struct semaphore_fact *loan = NULL;
	uint64_t number;

	for (size_t i = 0; i < facts->semaphore_count; i++) {
		const struct semaphore_fact *semaphore = &facts->semaphores[i];

		if (semaphore->uncertain)
			continue;
		check_sum(check, semaphore);
		if (strcmp(semaphore->name, KEPT_NAME) == 0 && semaphore->held != 1)
			check_wrong(check, "kept is held %" PRIu64 " times", semaphore->held);
		if (!check_numbered(semaphore->name, LOAN_NAME, &number))
			continue;
		if (loan)
			check_wrong(check, "both %s and %s are there", loan->name, semaphore->name);
		loan = semaphore;
		check_loan(check, loan);
	}
	for (size_t i = 0; i < facts->permit_count; i++) {
		const struct permit_fact *permit = &facts->permits[i];
		const struct semaphore_fact *semaphore = &facts->semaphores[permit->semaphore];

		if (permit->uncertain || semaphore->uncertain)
			continue;
		check->holds_seen++;
		if (strcmp(semaphore->name, GATE_NAME) == 0)
			check_gate(check, facts, permit);
		if (strcmp(semaphore->name, KEPT_NAME) == 0)
			check_kept(check, facts, permit);
	}
}
