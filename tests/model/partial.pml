/* A cut given up on is partial: exact outside the write sets of the threads not waited for (PROTOCOL rule 10).
 *
 * Modelled: one writer of NSEC sections over slot 0, slot 1 or both, on weak memory, its write set in words of its
 * own; one cut, by a reader that may lose patience at any moment while it sees the writer inside a section. The
 * writer need not be stuck for ever: it may stand still, or go on just then, finish, and begin other sections: then
 * the write set it reads may be that of the section, of the next one, or a mixture. That is harmless if the reader
 * issues a second membarrier before it copies: whoever has stored the next write set has ended the section, and
 * everything stored before arrives; the next section has the new epoch. Without it the next write set may be
 * visible while the end of the section, and what it wrote, are not. -DFENCE_MODE: no membarrier; the writer has a
 * release fence between txn++ and its write set instead.
 * The reader then looks at txn again: changed = the section is over, nothing need be marked. -DONE_LOOK leaves that
 * out and still passes: the second look only makes fewer cuts partial.
 *
 * Property: every slot not marked equals the number of sections that loaded an epoch <= e0 and wrote it.
 */
#ifndef NSEC
#define NSEC 2
#endif
#define TXN 0
#define COUNT 1
#define SET 2 /* + i; slot + 1, which is also the slot's bit in `marks` */
#define EPOCH 4
#define HOT 6
#define SHADOW 8
#define WORDS 10
#define BUFS 1
#define K 36
#include "weak.pml"

#define GHOST(slot, at) ghost[(slot) * 3 + (at)]

byte epoch = 1;
byte ghost[6];

inline bump(a) { atomic { load(a, y); store(a, y + 1); y = 0 } }
inline save(from, to) { atomic { load(from, y); store(to, y); y = 0 } }

inline touch(s)
{
	load(EPOCH + s, x);
	if
	:: x != e ->
		save(HOT + s, SHADOW + s);
		store_release(EPOCH + s, e);
		fence_release()
	:: else
	fi;
	x = 0;
	bump(HOT + s)
}

inline store_set()
{
	store(COUNT, ((set == 3) -> 2 : 1));
	store(SET, ((set & 1) -> 1 : 2));
	if
	:: set == 3 -> store(SET + 1, 2)
	:: else
	fi
}

proctype Writer(byte w)
{
	byte n, e, x, y, j, set;

	do
	:: n < NSEC ->
		atomic {
			if
			:: set = 1
			:: set = 2
			:: set = 3
			fi
		}
		store_release(TXN, 2 * n + 1);
#ifdef FENCE_MODE
#ifndef MUTATE_NO_FENCE_AFTER_BEGIN
		fence_release();
#endif
#endif
#ifndef MUTATE_SET_LATE
		store_set();
#endif
#ifdef FENCE_MODE
		fence_full();
#endif
		atomic {
			e = epoch;
			if
			:: set & 1 -> GHOST(0, e) = GHOST(0, e) + 1
			:: else
			fi;
			if
			:: set & 2 -> GHOST(1, e) = GHOST(1, e) + 1
			:: else
			fi
		}
#ifdef MUTATE_SET_LATE
		store_set();
#endif
		if
		:: set & 1 -> touch(0)
		:: else
		fi;
		if
		:: set & 2 -> touch(1)
		:: else
		fi;
		atomic { store_release(TXN, 2 * n + 2); n++; e = 0; set = 0 }
	:: else -> break
	od
}

inline read_slot(s)
{
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
	fi;
	d_step {
		x = GHOST(s, 1);
		assert((marks & (1 << s)) || v == x);
		x = 0;
		v = 0
	}
}

proctype Reader()
{
	byte e0, x, j, v, marks, c;

	e0 = epoch;
	epoch = e0 + 1;
#ifndef FENCE_MODE
	membarrier(0);
#endif
	x = mem[TXN];
	if
	:: x & 1 ->
		if
		:: mem[TXN] != x
		:: skip; /* gives up */
#ifndef MUTATE_NOT_MARKED
			c = mem[COUNT];
			do
			:: j < c -> atomic { marks = marks | mem[SET + j]; j++ }
			:: else -> break
			od;
			atomic { c = 0; j = 0 }
#endif
#ifndef FENCE_MODE
#ifndef MUTATE_NO_SECOND_MEMBARRIER
			membarrier(0);
#endif
#endif
#ifndef ONE_LOOK
			if
			:: mem[TXN] != x -> marks = 0
			:: else
			fi
#endif
		fi
	:: else
	fi;
	x = 0;
	read_slot(0);
	read_slot(1)
}

init { atomic { mem[EPOCH] = 1; mem[EPOCH + 1] = 1; run Writer(0); run Drain(0); run Reader() } }
