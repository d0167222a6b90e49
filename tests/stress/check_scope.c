/* SPDX-License-Identifier: MIT */
/* What holds of scope.c: that memberships have both their ends is seen where they are read. */
#include "tests/stress/check.h"

#include <inttypes.h>
#include <string.h>

#include "tests/stress/scenes.h"

void check_scopes(struct check *check, const struct facts *facts)
{
	uint64_t scope, number;

	if (facts->scope_count > 1)
		check_wrong(check, "both %s and %s are there", facts->scopes[0], facts->scopes[1]);
	if (facts->membership_count > 2)
		check_wrong(check, "%zu memberships", facts->membership_count);
	for (size_t i = 0; i < facts->scope_count; i++)
		if (!check_numbered(facts->scopes[i], SCOPE_NAME, &scope))
			check_wrong(check, "there is no scope of the name %s", facts->scopes[i]);
	for (size_t i = 0; i < facts->membership_count; i++) {
		const struct membership_fact *membership = &facts->memberships[i];

		if (strcmp(membership->member, STAYS_NAME) != 0 &&
		    (!check_numbered(membership->member, MEMBER_NAME, &number) ||
		     !check_numbered(membership->scope, SCOPE_NAME, &scope) || number != scope))
			check_wrong(check, "%s is in %s", membership->member, membership->scope);
	}
}
