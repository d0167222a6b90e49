/* SPDX-License-Identifier: MIT */
/* What an image has, looked up by tests. Those that find nothing fail the test. */
#ifndef PEEPS_TESTS_SUPPORT_IMAGE_VIEWS_H
#define PEEPS_TESTS_SUPPORT_IMAGE_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "reader/cut/image.h"

/* By the slot. */
struct peeps_entity_view *entity_of(const struct peeps_image *image, uint32_t index);
struct peeps_edge_view *edge_of(const struct peeps_image *image, uint32_t index);

/* Whether a note has that part. */
bool is_noted(const struct peeps_image *image, const char *part);

#endif
