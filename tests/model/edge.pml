/* Passive mode, one edge at a time: which wait may be called proved though the process runs on (PROTOCOL rule 12).
 *
 * Modelled: one edge slot on weak memory: sequence of the wait and whether it is pending, in one word, and its owner
 * in another. Thread 0 begins wait 1 in it; it may end it itself and begin wait 2, or hand its task over: then thread
 * 1 ends wait 1 and begins wait 2 in the same slot. A reader scans txn, copies, membarrier, scans again, copies
 * again, and takes the edge as proved if it is pending, its owner's txn was even and equal, and both copies agree on
 * {sequence, pending}. -DBOUND: no hand-over (a thread's own edges). -DTWO_WORDS: sequence and pending are two words.
 *
 * Property: at one instant, the same for every edge (here: right before the membarrier), the wait with this sequence
 * was going on: from the start of the section that reports its begin to the end of the one that reports its end.
 * So waits proved one by one were all going on at once, which is what a deadlock needs.
 */
#define TXN 0 /* + thread */
#define STATE 2 /* sequence * 2 + pending; with TWO_WORDS the sequence alone */
#define PENDING 3
#define OWNER 4
#define HANDED 5
#define WORDS 6
#define BUFS 2
#define K 14
#include "weak.pml"

byte waiting; /* sequence of the wait that goes on, 0 = none */

inline begin_wait(number)
{
	store_release(TXN + w, txn + 1);
	waiting = number;
	store(OWNER, w);
#ifdef TWO_WORDS
	store(STATE, number);
	store(PENDING, 1);
#else
	store(STATE, number * 2 + 1);
#endif
	atomic { store_release(TXN + w, txn + 2); txn = txn + 2 }
}

inline end_wait(number)
{
	store_release(TXN + w, txn + 1);
#ifdef TWO_WORDS
	store(PENDING, 0);
#else
	store(STATE, number * 2);
#endif
	atomic { store_release(TXN + w, txn + 2); txn = txn + 2; waiting = 0 }
}

proctype Thread_0(byte w)
{
	byte txn, j;

	begin_wait(1);
	if
#ifndef BOUND
	:: store_release(HANDED, 1)
#endif
	:: end_wait(1); begin_wait(2)
	fi
}

proctype Thread_1(byte w)
{
	byte txn, j;

end:	mem[HANDED] == 1;
	end_wait(1);
	begin_wait(2)
}

proctype Reader()
{
	byte a0, a1, b0, b1, sequence, pending, owner, truth, j;
	bit proved;

	a0 = mem[TXN];
	a1 = mem[TXN + 1];
#ifdef TWO_WORDS
	sequence = mem[STATE];
	pending = mem[PENDING];
#else
	atomic { sequence = mem[STATE] / 2; pending = mem[STATE] % 2 }
#endif
	owner = mem[OWNER];
	truth = waiting;
#ifndef MUTATE_NO_MEMBARRIER
	membarrier(0);
	membarrier(1);
#endif
	b0 = mem[TXN];
	b1 = mem[TXN + 1];
	proved = pending;
#ifndef MUTATE_TXN_IGNORED
	if
	:: owner == 0 -> proved = proved && a0 == b0 && !(a0 & 1)
	:: else -> proved = proved && a1 == b1 && !(a1 & 1)
	fi;
#endif
#ifndef MUTATE_ONE_COPY
#ifdef TWO_WORDS
	proved = proved && mem[STATE] == sequence;
	proved = proved && mem[PENDING] == 1;
#else
#ifdef MUTATE_PENDING_NOT_COMPARED
	proved = proved && mem[STATE] / 2 == sequence;
#else
	proved = proved && mem[STATE] == sequence * 2 + 1;
#endif
#endif
#endif
	assert(!proved || truth == sequence)
}

init { atomic { run Thread_0(0); run Thread_1(1); run Drain(0); run Drain(1); run Reader() } }
