/* SPDX-License-Identifier: MIT */
/*
 * Scopes that live briefly, one after the other: scope-N has two members, `stays`, which is in each of them, and member-N,
 * which ends before its scope, or after it. Rows of scopes and memberships have no shadow, and are used again at once.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <stdio.h>
#include <unistd.h>

#include <peeps/registry.h>
#include <peeps/scope.h>

static struct peeps_ref stays;

static void live(uint64_t number)
{
	struct peeps_scope scope;
	struct peeps_ref member;
	char name[32];

	(void)snprintf(name, sizeof(name), SCOPE_NAME "%llu", (unsigned long long)number);
	scope = peeps_scope_new(PEEPS_SCOPE_KIND_USER, name);
	peeps_scope_add(scope, stays);
	(void)snprintf(name, sizeof(name), MEMBER_NAME "%llu", (unsigned long long)number);
	member = peeps_entity_new(PEEPS_KIND_NOTIFY, name);
	peeps_scope_add(scope, member);
	if (number % 2)
		peeps_entity_end(member);
	peeps_scope_end(scope);
	if (number % 2 == 0)
		peeps_entity_end(member);
}

static void run(void *unused)
{
	(void)unused;
	target_ready();
	for (uint64_t number = 0; !target_stops(); number++) {
		live(number);
		target_round();
		if (number % 16 == 0)
			(void)usleep(60); /* what is retired has to rest somewhere */
	}
}

void scope_start(void)
{
	stays = peeps_entity_new(PEEPS_KIND_NOTIFY, STAYS_NAME);
	(void)target_thread("scope", run, NULL);
}
