/* SPDX-License-Identifier: MIT */
/* A segment as a writer of a later minor version would lay it out: what docs/segment.md lets it do, all at once. */
#ifndef PEEPS_TESTS_LATER_SEGMENT_H
#define PEEPS_TESTS_LATER_SEGMENT_H

#include <stddef.h>

/**
 * segment_memfd - a sealed memfd with these bytes
 *
 * Aborts the test program on failure.
 */
int segment_memfd(const void *bytes, size_t count);

/**
 * later_segment_memfd - the same segment with longer rows, sections in another order, one that nobody knows, another
 * hash, unknown compatible features, and the minor version after ours
 *
 * What is new is filled with ones. The segment has to be sound, with no thread inside a section.
 */
int later_segment_memfd(const void *bytes);

#endif
