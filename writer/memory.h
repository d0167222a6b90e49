/* SPDX-License-Identifier: MIT */
/*
 * Memory of the writer's own, straight from the kernel: a wrapper may run inside the program's
 * allocator, or with one of its locks held, so malloc is out of the question.
 */
#ifndef PEEPS_WRITER_MEMORY_H
#define PEEPS_WRITER_MEMORY_H

#include <stddef.h>

/**
 * memory_reserve - zeroed address space, which takes memory only where it is touched
 *
 * Returns NULL without any. Never given back.
 */
void *memory_reserve(size_t bytes);

/**
 * memory_take - a small zeroed block; memory_give() hands it back for blocks of its size
 *
 * Returns NULL without memory. Context: process lock held.
 */
void *memory_take(size_t bytes);
void memory_give(void *block, size_t bytes);

#endif
