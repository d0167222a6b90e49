/* Passive mode: nothing is written, so nothing is flipped; quiescent or not is all it can say (PROTOCOL rule 12).
 *
 * Modelled: two writers on weak memory, NSEC sections each, all of one slot of two words that a lock protects; the
 * n-th section, whoever's it is, sets both words to n. Writer 1 is a new thread that raises the high-water mark
 * before its first section. A reader with no write permission reads the mark, scans txn, copies the words,
 * membarrier, scans again.
 *
 * Property: if the reader says "quiescent" (same marks, every txn even and equal), the words are those of whole
 * sections, and of the last one that had ended when the first scan was over (-DTORN_ONLY asks for the
 * first half alone).
 */
#ifndef NSEC
#define NSEC 2
#endif
#define TXN 0 /* + writer */
#define A 2
#define B 3
#define LOCK 4
#define WORDS 5
#define BUFS 2
#define K 12
#include "weak.pml"

byte mark = 1;
byte done; /* sections ended, in program order */

proctype Writer(byte w)
{
	byte n, x, j;

	if
	:: w == 1 -> atomic { DRAINED(w); mark = 2 }
	:: else
	fi;
	do
	:: n < NSEC ->
		atomic { mem[LOCK] == 0 -> mem[LOCK] = 1; x = done + 1 }
#ifdef MUTATE_TXN_BACK /* txn starts again: a record reused, or txn++ in two instructions with a handler between */
		store_release(TXN + w, 1);
#else
		store_release(TXN + w, 2 * n + 1);
#endif
		store(A, x);
		store(B, x);
		atomic {
#ifdef MUTATE_TXN_BACK
			store_release(TXN + w, 2);
#else
			store_release(TXN + w, 2 * n + 2);
#endif
			n++;
			done = x;
			x = 0
		}
		store_release(LOCK, 0)
	:: else -> break
	od
}

/* Nothing beyond the mark is read; 0 stands for it. */
inline scan(m, x, y)
{
	m = mark;
	x = mem[TXN];
	if
	:: m > 1 -> y = mem[TXN + 1]
	:: else
	fi
}

proctype Reader()
{
	byte m1, m2, x1, x2, y1, y2, a, b, truth, j;

	scan(m1, x1, y1);
	truth = done;
#ifdef MUTATE_NO_FENCE /* the second scan overtakes the copy */
	membarrier(0);
	membarrier(1);
	scan(m2, x2, y2);
#endif
	if
	:: a = mem[A]; b = mem[B]
	:: b = mem[B]; a = mem[A]
	fi;
#ifdef MUTATE_NO_SECOND_SCAN
	m2 = m1;
	x2 = x1;
	y2 = y1;
#else
#ifndef MUTATE_NO_FENCE
#ifndef MUTATE_NO_MEMBARRIER
	membarrier(0);
	membarrier(1);
#endif
	scan(m2, x2, y2);
#endif
#endif
#ifdef MUTATE_MARKS_NOT_COMPARED
	if
	:: m1 == 1 -> y2 = y1
	:: else
	fi;
	m2 = m1;
#endif
#ifdef MUTATE_ODD_ACCEPTED
	x1 = x1 & 254;
	y1 = y1 & 254;
	x2 = x2 & 254;
	y2 = y2 & 254;
#endif
	if
	:: m1 == m2 && x1 == x2 && y1 == y2 && !(x1 & 1) && !(y1 & 1) ->
		assert(a == b);
#ifndef TORN_ONLY
		assert(a == truth)
#endif
	:: else
	fi
}

init { atomic { run Writer(0); run Writer(1); run Drain(0); run Drain(1); run Reader() } }
