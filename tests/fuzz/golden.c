/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/golden.h"

#include <stdio.h>
#include <stdlib.h>

void need(bool fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	abort();
}

struct bytes golden_read(const char *name)
{
	struct bytes golden;
	char path[512];
	FILE *stream;

	(void)snprintf(path, sizeof(path), "%s/%s.peeps", PEEPS_GOLDEN_FOLDER, name);
	stream = fopen(path, "r");
	need(stream && fseek(stream, 0, SEEK_END) == 0, path);
	golden.count = (size_t)ftell(stream);
	golden.start = malloc(golden.count);
	rewind(stream);
	need(golden.start && fread(golden.start, 1, golden.count, stream) == golden.count, path);
	(void)fclose(stream);
	return golden;
}
