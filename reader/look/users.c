/* SPDX-License-Identifier: MIT */
#include "reader/look/users.h"

#include <pwd.h>
#include <stdio.h>

const char *peeps_user_name(char name[static PEEPS_USER_BYTES], uid_t uid)
{
	FILE *const users = fopen("/etc/passwd", "re");
	struct passwd entry, *found = NULL;
	char buffer[4096];

	(void)snprintf(name, PEEPS_USER_BYTES, "%u", (unsigned int)uid);
	if (!users)
		return name;
	while (fgetpwent_r(users, &entry, buffer, sizeof(buffer), &found) == 0) {
		if (found->pw_uid != uid)
			continue;
		(void)snprintf(name, PEEPS_USER_BYTES, "%.*s", PEEPS_USER_BYTES - 1,
			       found->pw_name);
		break;
	}
	(void)fclose(users);
	return name;
}
