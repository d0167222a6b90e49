/* SPDX-License-Identifier: MIT */
/* Command lines: words with NULs between them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reader/command/options.h"
#include "reader/problem.h"

#define WORDS_MAX 100 /* more than there is room for */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);
	char *words[WORDS_MAX + 1] = { NULL };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_options options;
	int count = 0;

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	for (size_t at = 0; at < size && count < WORDS_MAX; at += strlen(bytes + at) + 1)
		words[count++] = bytes + at;
	if (peeps_options_parse(&options, count, words, &problem) != 0) {
		if (problem.status != PEEPS_PROBLEM_USAGE || problem.why[0] == '\0')
			abort();
	} else if (options.target_count > PEEPS_WORDS_MAX) {
		abort();
	}
	free(bytes);
	return 0;
}
