/* SPDX-License-Identifier: MIT */
#include "tests/support/image_views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct peeps_entity_view *entity_of(const struct peeps_image *image, uint32_t index)
{
	for (size_t i = 0; i < image->entity_count; i++) {
		if (image->entities[i].index == index)
			return &image->entities[i];
	}
	fail_msg("the image has no entity %u", index);
	abort();
}

struct peeps_edge_view *edge_of(const struct peeps_image *image, uint32_t index)
{
	for (size_t i = 0; i < image->edge_count; i++) {
		if (image->edges[i].index == index)
			return &image->edges[i];
	}
	fail_msg("the image has no edge %u", index);
	abort();
}

bool is_noted(const struct peeps_image *image, const char *part)
{
	for (size_t i = 0; i < image->note_count; i++) {
		if (strstr(image->notes[i], part))
			return true;
	}
	return false;
}
