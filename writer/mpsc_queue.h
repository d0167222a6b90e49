/* SPDX-License-Identifier: MIT */
/*
 * Where a channel's items lie: a ring of a fixed number, or a chain of blocks that grows. Who may put or
 * take when is the channel's business (writer/mpsc.c); the two sides share nothing here but the items,
 * which the channel orders, and the spare block.
 */
#ifndef PEEPS_WRITER_MPSC_QUEUE_H
#define PEEPS_WRITER_MPSC_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <peeps/atomic.h>

/* A ring is one block that follows itself. */
struct mpsc_block {
	struct mpsc_block *next;
	unsigned char items[];
};

/**
 * struct mpsc_side - where one side has come to; each is that side's alone
 * @at, @end: the next item's place, and where the block is over
 */
struct mpsc_side {
	unsigned char *at, *end;
	struct mpsc_block *block;
};

/**
 * struct mpsc_queue - what both sides know
 * @block_bytes: of the items of one block
 * @spare:       a block that the receiver is done with, for the senders; exchanged
 */
struct mpsc_queue {
	size_t item_size;
	size_t block_bytes;
	bool is_ring;
	struct mpsc_block *spare;
};

/* @capacity 0: a chain. Returns 0; -ENOMEM. */
int mpsc_queue_init(struct mpsc_queue *queue, struct mpsc_side *put, struct mpsc_side *take,
		    size_t item_size, size_t capacity);

/* With the items that are still in it. */
void mpsc_queue_deinit(struct mpsc_queue *queue, const struct mpsc_side *take);

/* The block is over. Returns false without memory (only a chain's). */
bool mpsc_queue_grow(struct mpsc_queue *queue, struct mpsc_side *put);

/* The block is over, and another item was put. */
void mpsc_queue_follow(struct mpsc_queue *queue, struct mpsc_side *take);

/* Most items are a word or two: those need no call. */
static inline void mpsc_copy(void *to, const void *from, size_t size)
{
	if (size == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (size == 2 * sizeof(uint64_t))
		memcpy(to, from, 2 * sizeof(uint64_t));
	else
		memcpy(to, from, size);
}

/* Returns false without memory: then nothing was put. */
static inline bool mpsc_queue_put(struct mpsc_queue *queue, struct mpsc_side *put, const void *item)
{
	if (peeps_unlikely(put->at == put->end) && !mpsc_queue_grow(queue, put))
		return false;
	mpsc_copy(put->at, item, queue->item_size);
	put->at += queue->item_size;
	return true;
}

/* There must be an item. */
static inline void mpsc_queue_take(struct mpsc_queue *queue, struct mpsc_side *take, void *item)
{
	if (peeps_unlikely(take->at == take->end))
		mpsc_queue_follow(queue, take);
	mpsc_copy(item, take->at, queue->item_size);
	take->at += queue->item_size;
}

#endif
