/* SPDX-License-Identifier: MIT */
#include "writer/name.h"

#include <stdio.h>
#include <string.h>

#define ROOM 256

static const char *name_of(const char *name, const char *file, uint64_t line, char room[ROOM])
{
	const char *const slash = file ? strrchr(file, '/') : NULL;

	if (name && *name)
		return name;
	(void)snprintf(room, ROOM, "%s.%llu",
		       slash  ? slash + 1
		       : file ? file
			      : "unknown",
		       (unsigned long long)line);
	return room;
}

struct interned *name_get(const char *name, const char *file, uint64_t line)
{
	char room[ROOM];
	const char *const bytes = name_of(name, file, line, room);

	return intern_get(bytes, strlen(bytes));
}

struct interned *name_get_locked(const char *name, const char *file, uint64_t line)
{
	char room[ROOM];
	const char *const bytes = name_of(name, file, line, room);

	return intern_get_locked(bytes, strlen(bytes));
}
