/* SPDX-License-Identifier: MIT */
#include "reader/command/nearest.h"

#include <string.h>

#define LETTERS_MAX 31

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to change, insert, leave out or swap (with their neighbour): optimal string alignment. */
static size_t distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t cost[LETTERS_MAX + 1][LETTERS_MAX + 1];

	for (size_t i = 0; i <= a_length; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= b_length; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			const size_t other = a[i - 1] != b[j - 1];

			cost[i][j] = least(least(cost[i - 1][j], cost[i][j - 1]) + 1,
					   cost[i - 1][j - 1] + other);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[a_length][b_length];
}

void peeps_nearest_offer(struct peeps_nearest *nearest, const char *name)
{
	const size_t length = strlen(name);
	size_t distance;

	if (length > LETTERS_MAX || nearest->length > LETTERS_MAX || nearest->length == 0)
		return;
	distance = distance_of(nearest->word, nearest->length, name, length);
	if (nearest->length >= 3 && nearest->length < length &&
	    strncmp(nearest->word, name, nearest->length) == 0)
		distance = 1; /* abbreviated */
	if (distance > (length < nearest->length ? length : nearest->length) / 3)
		return;
	if (!nearest->name || distance < nearest->distance) {
		nearest->name = name;
		nearest->distance = distance;
	}
}
