/* High-water marks: nobody who loaded an old epoch is overlooked (PROTOCOL rule 6, and the cut's second step).
 *
 * Modelled: two new threads at once, each takes its thread record and an entity slot (0 and 1: thread w has record w
 * and slot w), raises both marks by CAS-max, and only then does its first section, which writes its slot; weak
 * memory. One reader: flip, membarrier, read the marks, wait for the threads below the one, copy the slots below the
 * other, never a byte beyond.
 *
 * Property: a slot not looked at was written by no section that loaded an epoch <= e0; a slot looked at shows what
 * those sections wrote.
 *
 * A locked instruction on a mark happens in memory at once, also before older stores still in the buffer (relaxed).
 */
#define TXN 0 /* + thread */
#define EPOCH 2 /* + slot */
#define HOT 4 /* + slot */
#define SHADOW 6 /* + slot */
#define WORDS 8
#define BUFS 2
#define K 10
#include "weak.pml"

byte epoch = 1;
byte thread_mark, slot_mark;
byte ghost[6]; /* thread * 3 + epoch */

inline raise(mark)
{
#ifdef MUTATE_MARK_STORED
	mark = w + 1; /* no CAS-max: the later of two may lower it */
#else
	atomic { mark = ((mark > w + 1) -> mark : w + 1) }
#endif
}

proctype Writer(byte w)
{
	byte e, j;

#ifndef MUTATE_THREAD_MARK_LATE
	raise(thread_mark);
#endif
#ifndef MUTATE_SLOT_MARK_LATE
	raise(slot_mark);
#endif
	store_release(TXN + w, 1);
	atomic { e = epoch; ghost[w * 3 + e] = 1 }
#ifdef MUTATE_THREAD_MARK_LATE
	raise(thread_mark);
#endif
#ifdef MUTATE_SLOT_MARK_LATE
	raise(slot_mark);
#endif
	/* A fresh slot is all zeroes, and so is its epoch: always a first write. */
	store(SHADOW + w, 0);
	store_release(EPOCH + w, e);
	fence_release();
	store(HOT + w, 1);
	store_release(TXN + w, 2)
}

inline wait_for(b)
{
	if
	:: b < threads ->
		x = mem[TXN + b];
		if
		:: x & 1 -> mem[TXN + b] != x
		:: else
		fi;
		x = 0
	:: else
	fi
}

inline read_slot(s)
{
	if
	:: s < slots ->
		x = mem[EPOCH + s];
		if
		:: x <= e0 ->
			v = mem[HOT + s];
			x = mem[EPOCH + s];
			if
			:: x > e0 -> v = mem[SHADOW + s]
			:: else
			fi
		:: else -> v = mem[SHADOW + s]
		fi
	:: else -> v = 0
	fi;
	d_step { assert(v == ghost[s * 3 + 1]); x = 0; v = 0 }
}

proctype Reader()
{
	byte e0, x, v, j, threads, slots;

#ifdef MUTATE_MARKS_BEFORE_FLIP
	threads = thread_mark;
	slots = slot_mark;
#endif
	e0 = epoch;
	epoch = e0 + 1;
	membarrier(0);
	membarrier(1);
#ifndef MUTATE_MARKS_BEFORE_FLIP
	threads = thread_mark;
	slots = slot_mark;
#endif
	wait_for(0);
	wait_for(1);
	read_slot(0);
	read_slot(1)
}

init { atomic { run Writer(0); run Writer(1); run Drain(0); run Drain(1); run Reader() } }
