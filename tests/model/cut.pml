/* The section, the touch and the cut, on weak memory (PROTOCOL "The words").
 *
 * Modelled: two writers of NSEC sections each, over two slots that a lock protects (a section takes slot 0, slot 1
 * or both, by chance); NCUT cuts in a row, by readers of which any may die right after the flip, so that its epoch
 * is left behind and the next reader meets it. Slot 0 has two hot words, so that a torn copy shows; slot 1 has one.
 * -DFENCE_MODE: membarrier is refused: fence(seq_cst) in the writer for A, and in the reader after the flip.
 *
 * Abstracted: a section's write is "add one to each word of the slot". The write set, `cut`, the deadline and the
 * last look at the epoch change nothing here (nobody steals, nothing is retired): partial.pml, retire.pml and
 * lost.pml have them. The high-water marks are mark.pml's. A section of more than two slots is not modelled.
 *
 * Property, for the cut that turned epoch e0 into e0 + 1: each word equals the number of sections that loaded an
 * epoch <= e0 and wrote its slot. The count is a ghost, taken where the epoch is loaded: so this checks the grace
 * period, the copy and tearing at once. And a slot's epoch never goes back.
 */
#ifndef NSEC
#define NSEC 1
#endif
#ifndef NSEC1
#define NSEC1 NSEC /* sections of the second writer */
#endif
#ifndef NCUT
#define NCUT 2
#endif

#define TXN 0   /* + writer */
#define EPOCH 2 /* + slot */
#define HOT 4   /* + slot */
#define HOT_B 6 /* second word of slot 0 */
#define SHADOW 7 /* + slot */
#define SHADOW_B 9
#define LOCK 10 /* + slot */
#define WORDS 12
#define BUFS 2
#ifndef K
#define K 22
#endif
#include "weak.pml"

#define EPOCHS (NCUT + 2)
#define GHOST(slot, at) ghost[(slot) * EPOCHS + (at)]

byte epoch = 1;
byte flip; /* fence mode: the reader's own store buffer, one entry: the new epoch; 0 = empty */
byte ghost[2 * EPOCHS];

inline bump(a) { atomic { load(a, y); store(a, y + 1); y = 0 } }
inline save(from, to) { atomic { load(from, y); store(to, y); y = 0 } }

/* First write of a slot in a section, and the write. */
inline touch(s)
{
	atomic {
		load(EPOCH + s, x);
		assert(x <= e);
		first = x != e;
		x = 0
	}
	if
	:: first ->
		/* F has no reader to warn in this model. */
		save(HOT + s, SHADOW + s);
		if
		:: s == 0 -> save(HOT_B, SHADOW_B)
		:: else
		fi;
#ifdef MUTATE_NO_B
		store(EPOCH + s, e);
#else
		store_release(EPOCH + s, e); /* B */
#endif
#ifndef MUTATE_NO_D
		fence_release(); /* D */
#endif
		first = 0
	:: else
	fi;
	bump(HOT + s);
	if
	:: s == 0 -> bump(HOT_B)
	:: else
	fi
}

inline lock(s) { atomic { mem[LOCK + s] == 0 -> mem[LOCK + s] = 1 } }
inline unlock(s) { store_release(LOCK + s, 0) }

inline lock_all()
{
	if
	:: set & 1 -> lock(0)
	:: else
	fi;
	if
	:: set & 2 -> lock(1)
	:: else
	fi
}

inline load_epoch()
{
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
}

proctype Writer(byte w)
{
	byte n, e, x, y, j, txn, set;
	bit first;

	do
	:: n < ((w == 0) -> NSEC : NSEC1) ->
		atomic {
			if
			:: set = 1
			:: set = 2
			:: set = 3
			fi
		}
#ifdef MUTATE_EPOCH_BEFORE_LOCK /* rule 2 */
		store_release(TXN + w, txn + 1);
		load_epoch();
		lock_all();
#else
		lock_all();
#ifdef MUTATE_NO_A /* the compiler moves the load of the epoch up */
		load_epoch();
		store_release(TXN + w, txn + 1);
#else
		store_release(TXN + w, txn + 1);
#ifdef FENCE_MODE
#ifndef MUTATE_NO_WRITER_FENCE
		fence_full(); /* A */
#endif
#endif
		load_epoch();
#endif
#endif
		if
		:: set & 1 -> touch(0)
		:: else
		fi;
		if
		:: set & 2 -> touch(1)
		:: else
		fi;
#ifdef MUTATE_END_RELAXED
		store(TXN + w, txn + 2);
#else
		store_release(TXN + w, txn + 2);
#endif
		atomic {
			if
			:: set & 1 -> unlock(0)
			:: else
			fi;
			if
			:: set & 2 -> unlock(1)
			:: else
			fi;
			txn = txn + 2;
			n++;
			e = 0;
			set = 0
		}
	:: else -> break
	od
}

#ifdef FENCE_MODE
proctype Drain_reader()
{
end:	do
	:: atomic { flip != 0 -> epoch = flip; flip = 0 }
	od
}
#endif

/* Odd: wait until it has changed. The next section of that writer may have begun by then: it loads the new epoch. */
inline wait_for(b)
{
	x = mem[TXN + b];
	if
	:: x & 1 -> mem[TXN + b] != x
	:: else
	fi;
	x = 0
}

/* The words of one copy are relaxed loads: any order. */
inline copy(s, a, b)
{
	if
	:: s == 0 ->
		if
		:: v = mem[a]; v_b = mem[b]
		:: v_b = mem[b]; v = mem[a]
		fi
	:: else -> atomic { v = mem[a]; v_b = v }
	fi
}

inline read_slot(s)
{
#ifdef MUTATE_NO_C_FIRST /* the shadow's loads overtake the first load of the slot's epoch */
	copy(s, SHADOW + s, SHADOW_B);
	x = mem[EPOCH + s];
	if
	:: x <= e0 ->
		copy(s, HOT + s, HOT_B);
		x = mem[EPOCH + s];
		if
		:: x > e0 -> copy(s, SHADOW + s, SHADOW_B)
		:: else
		fi
	:: else
	fi;
#else
	x = mem[EPOCH + s]; /* C */
	if
	:: x <= e0 ->
#ifdef MUTATE_NO_E /* the second load of the slot's epoch overtakes the copy */
		x = mem[EPOCH + s];
		copy(s, HOT + s, HOT_B);
#else
#ifdef MUTATE_TXN_RELAXED
		v = early; v_b = early_b;
#else
		copy(s, HOT + s, HOT_B);
#endif
#ifdef MUTATE_NO_C_AGAIN /* the shadow's loads overtake the second load of the slot's epoch */
		early = mem[SHADOW + s];
		early_b = ((s == 0) -> mem[SHADOW_B] : early);
#endif
		/* E */
#ifndef MUTATE_NO_RECHECK
		x = mem[EPOCH + s]; /* C */
#endif
#endif
		if
		:: x > e0 ->
#ifdef MUTATE_NO_C_AGAIN
			v = early; v_b = early_b
#else
			copy(s, SHADOW + s, SHADOW_B)
#endif
		:: else
		fi
	:: else -> copy(s, SHADOW + s, SHADOW_B)
	fi;
#endif
	assert(x <= e0 + 1);
	d_step {
		x = 0;
		j = 0;
		do
		:: j <= e0 -> x = x + GHOST(s, j); j++
		:: else -> break
		od;
		assert(v == x && v_b == x);
		x = 0;
		j = 0;
		v = 0;
		v_b = 0;
		early = 0;
		early_b = 0
	}
}

proctype Reader()
{
	byte cuts, e0, x, j, v, v_b, early, early_b;

	do
	:: cuts < NCUT ->
		atomic {
			flip == 0; /* what a dead reader stored arrives before its lock is free */
			cuts++;
			e0 = epoch
		}
#ifdef FENCE_MODE
		flip = e0 + 1;
#else
		epoch = e0 + 1;
#endif
		if
		:: goto dead
		:: skip
		fi;
#ifdef FENCE_MODE
#ifndef MUTATE_NO_READER_FENCE
		flip == 0;
#endif
#else
#ifndef MUTATE_NO_MEMBARRIER
		membarrier(0);
		membarrier(1);
#endif
#endif
#ifdef MUTATE_TXN_RELAXED /* the hot words' loads overtake the load of txn */
		early = mem[HOT];
		early_b = mem[HOT_B];
#endif
#ifndef MUTATE_NO_WAIT
		wait_for(0);
		wait_for(1);
#endif
		read_slot(0);
#ifndef MUTATE_TXN_RELAXED
		read_slot(1);
#endif
		assert(epoch == e0 + 1 || flip == e0 + 1);
dead:		e0 = 0
	:: else -> break
	od
}

init
{
	atomic {
		mem[EPOCH] = 1;
		mem[EPOCH + 1] = 1;
		run Writer(0);
		run Writer(1);
		run Drain(0);
		run Drain(1);
#ifdef FENCE_MODE
		run Drain_reader();
#endif
		run Reader()
	}
}
