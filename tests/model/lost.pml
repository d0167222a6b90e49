/* A cut that was lost must be noticed (fence F, the reader's last look).
 *
 * Modelled: one writer of NSEC sections over one slot of two hot words, on weak memory; a reader that cuts once; a
 * thief that flips the epoch again, at any moment, although the reader is not done (a lock file replaced, a lock
 * broken, a reader that ignores the lock). The writer then saves newer words into the shadow that the reader is
 * still copying.
 *
 * Only a machine that is not multi-copy atomic (C11 on paper, POWER) can show a missing F: the thief's epoch may
 * reach the writer before it reaches the reader. So here it reaches the reader (SEEN) at a moment of its own, and a
 * release fence carries along what its thread had seen: nothing younger reaches the reader before that.
 *
 * Property: either both words equal the sections that loaded an epoch <= e0, or the reader's last look found the
 * epoch moved on.
 */
#ifndef NSEC
#define NSEC 3
#endif
#define TXN 0
#define EPOCH 1
#define HOT 2
#define HOT_B 3
#define SHADOW 4
#define SHADOW_B 5
#define SEEN 6 /* the epoch as the reader sees it */
#define WORDS 7
#define BUFS 1
#define K 28
#include "weak.pml"

byte epoch = 1;
byte ghost[5];

inline bump(a) { atomic { load(a, y); store(a, y + 1); y = 0 } }
inline save(from, to) { atomic { load(from, y); store(to, y); y = 0 } }

proctype Writer(byte w)
{
	byte n, e, x, y, j;

	do
	:: n < NSEC ->
		store_release(TXN, 2 * n + 1);
		atomic { e = epoch; ghost[e] = ghost[e] + 1 }
		load(EPOCH, x);
		if
		:: x != e ->
#ifndef MUTATE_NO_F
			store_release(SEEN, e);
			fence_release(); /* F */
#endif
			save(HOT, SHADOW);
			save(HOT_B, SHADOW_B);
			store_release(EPOCH, e); /* B */
			fence_release() /* D */
		:: else
		fi;
		bump(HOT);
		bump(HOT_B);
		atomic { store_release(TXN, 2 * n + 2); n++; e = 0; x = 0 }
	:: else -> break
	od
}

proctype Reader()
{
	byte e0, x, v, v_b, j;
	bit lost;

	atomic { e0 = epoch; epoch = e0 + 1; mem[SEEN] = epoch }
	membarrier(0);
	x = mem[TXN];
	if
	:: x & 1 -> mem[TXN] != x
	:: else
	fi;
	x = mem[EPOCH];
	if
	:: x <= e0 ->
		v = mem[HOT];
		v_b = mem[HOT_B];
		x = mem[EPOCH]
	:: else
	fi;
#ifdef MUTATE_LAST_LOOK_EARLY /* the fence(acquire) before the last look is gone: it overtakes the shadow's loads */
	lost = mem[SEEN] != e0 + 1;
#endif
	if
	:: x > e0 -> v = mem[SHADOW]; v_b = mem[SHADOW_B]
	:: else
	fi;
#ifdef MUTATE_SLOT_EPOCH_ONLY /* looks at the slot's epoch instead: a shadow half overwritten has still the old one */
	lost = mem[EPOCH] > e0 + 1;
#else
#ifndef MUTATE_NO_LAST_LOOK
#ifndef MUTATE_LAST_LOOK_EARLY
	lost = mem[SEEN] != e0 + 1; /* pairs with F */
#endif
#endif
#endif
	d_step {
		x = 0;
		j = 0;
		do
		:: j <= e0 -> x = x + ghost[j]; j++
		:: else -> break
		od;
		assert(lost || (v == x && v_b == x))
	}
}

proctype Thief()
{
	epoch = epoch + 1;
	mem[SEEN] = epoch
}

init { atomic { mem[EPOCH] = 1; run Writer(0); run Drain(0); run Reader(); run Thief() } }
