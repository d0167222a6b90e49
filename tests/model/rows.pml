/* Rows without a shadow, and their reuse (PROTOCOL rule 7): scopes and memberships.
 *
 * Modelled: a row of three words on weak memory: `born` and `died`, the epochs of the sections in which it came and
 * went, 0 = not (yet), and what it says, which is the number of its life and never changes during it. Owner ends life
 * 1 in a section of epoch r, keeps the row until cut == 0 or cut > r, and hands it to Creator, which makes life 2 of
 * it: outside a section, born = 0, a release fence, died = 0 and what it says; then born = epoch in a section. A
 * reader looks at `born`, at the rest, fence(acquire), and again at `born`: a row whose `born` changed meanwhile is
 * not in the cut, nor is its next life. NCUT cuts, and their readers live (that a dead one's cut is lost, and when,
 * is retire.pml's).
 *
 * Property: each cut shows the life that was born in a section that loaded an epoch <= e0, and did not die in one;
 * or none, if there was none.
 */
#ifndef NCUT
#define NCUT 2
#endif
#define TXN 0 /* + writer */
#define BORN 2
#define DIED 3
#define SAYS 4
#define FREE 5 /* the row is on the free list */
#define WORDS 6
#define BUFS 2
#define K 12
#include "weak.pml"

byte epoch = 1;
byte cut;
byte died_1, born_2; /* epochs; 0 = not yet */

#define NO_CUT_BEFORE(seen, r) ((seen) == 0 || (seen) > (r))

proctype Owner(byte w)
{
	byte e, j, seen;

	store_release(TXN + w, 1);
	atomic { e = epoch; died_1 = e }
	seen = cut;
	store(DIED, e);
	store_release(TXN + w, 2);
#ifndef MUTATE_NO_REST
	do
	:: NO_CUT_BEFORE(seen, e) -> break
	:: !NO_CUT_BEFORE(seen, e) && cut != seen -> seen = cut
	od;
#endif
	store_release(FREE, 1)
}

proctype Creator(byte w)
{
	byte e, j;

	mem[FREE] == 1;
#ifndef MUTATE_BORN_KEPT
	store(BORN, 0);
#ifndef MUTATE_NO_FENCE
	fence_release();
#endif
#endif
	store(DIED, 0);
	store(SAYS, 2);
#ifdef MUTATE_BORN_OUTSIDE
	atomic { e = epoch; born_2 = e }
	store(BORN, e);
#else
	store_release(TXN + w, 1);
	atomic { e = epoch; born_2 = e }
	store(BORN, e);
	store_release(TXN + w, 2)
#endif
}

inline wait_for(b)
{
	x = mem[TXN + b];
	if
	:: x & 1 -> mem[TXN + b] != x
	:: else
	fi;
	x = 0
}

inline look()
{
	x = mem[BORN];
	/* Relaxed loads: any order. */
	if
	:: died = mem[DIED]; says = mem[SAYS]
	:: says = mem[SAYS]; died = mem[DIED]
	fi;
#ifndef MUTATE_NO_SECOND_LOOK
	/* fence(acquire) */
	changed = mem[BORN] != x;
#endif
	atomic {
		if
		:: x == 0 || x > e0 || changed || (died != 0 && died <= e0) -> says = 0
		:: else
		fi
	}
}

proctype Reader()
{
	byte cuts, e0, x, j, died, says;
	bit changed;

	do
	:: cuts < NCUT ->
		atomic { cuts++; e0 = epoch }
		cut = e0 + 1;
		epoch = e0 + 1;
		membarrier(0);
		membarrier(1);
		wait_for(0);
		wait_for(1);
		look();
		if
		:: born_2 != 0 && born_2 <= e0 -> assert(says == 2)
		:: (born_2 == 0 || born_2 > e0) && died_1 != 0 && died_1 <= e0 -> assert(says == 0)
		:: (born_2 == 0 || born_2 > e0) && (died_1 == 0 || died_1 > e0) -> assert(says == 1)
		fi;
		cut = 0;
		atomic { e0 = 0; x = 0; died = 0; says = 0; changed = 0 }
	:: else -> break
	od
}

init
{
	atomic {
		mem[BORN] = 1;
		mem[SAYS] = 1;
		run Owner(0);
		run Creator(1);
		run Drain(0);
		run Drain(1);
		run Reader()
	}
}
