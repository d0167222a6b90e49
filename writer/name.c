/* SPDX-License-Identifier: MIT */
#include "writer/name.h"

#include <stdio.h>
#include <string.h>

static struct interned *name_after(const char *file, uint64_t line)
{
	const char *const slash = file ? strrchr(file, '/') : NULL;
	char name[256];

	(void)snprintf(name, sizeof(name), "%s.%llu",
		       slash  ? slash + 1
		       : file ? file
			      : "unknown",
		       (unsigned long long)line);
	return intern_get(name, strlen(name));
}

struct interned *name_get(const char *name, const char *file, uint64_t line)
{
	return name && *name ? intern_get(name, strlen(name)) : name_after(file, line);
}
