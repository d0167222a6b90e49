/* Exclusion around sections: grant, section, ..., section, release (PROTOCOL rule 2).
 *
 * Modelled: two threads that take one lock, once each, on weak memory. A section after the lock is granted reports
 * the hold, a section before the raw unlock reports its end. Both write two slots: the lock's (holder) and the
 * thread's own (a `holds` edge). -DOWN_ONLY: the thread's own alone, as for the readers of an rwlock or the permits
 * of a semaphore. -DUNLOCK_INSIDE: the raw unlock comes after the section has loaded its epoch, but before its end:
 * rule 2 allows it if the section writes no shared slot, so it passes with -DOWN_ONLY and fails without. NCUT cuts.
 *
 * Property: no cut shows two holds; the holder word names the thread whose hold is shown, and is what the last
 * section that loaded an epoch <= e0 wrote; no slot's epoch goes back.
 */
#ifndef NCUT
#define NCUT 1
#endif
#define TXN 0   /* + thread */
#define EPOCH 2 /* + slot: 0 and 1 the threads' own, 2 the lock's */
#define HOT 5
#define SHADOW 8
#define LOCK 11
#define WORDS 12
#define BUFS 2
#define K 24
#include "weak.pml"

byte epoch = 1;
byte holder[5]; /* ghost: after the last section that loaded this epoch or an older one */

inline save(from, to) { atomic { load(from, y); store(to, y); y = 0 } }

inline write(s, value)
{
	atomic {
		load(EPOCH + s, x);
		assert(x <= e);
		first = x != e;
		x = 0
	}
	if
	:: first ->
		save(HOT + s, SHADOW + s);
		store_release(EPOCH + s, e);
		fence_release();
		first = 0
	:: else
	fi;
	store(HOT + s, value)
}

inline lock_raw() { atomic { mem[LOCK] == 0 -> mem[LOCK] = 1 } }
inline unlock_raw() { store_release(LOCK, 0) }

inline begin(who)
{
	store_release(TXN + w, txn + 1);
#ifdef MUTATE_UNLOCK_BEFORE_EPOCH
	if
	:: who == 0 -> unlock_raw()
	:: else
	fi;
#endif
	d_step {
		e = epoch;
		j = e;
		do
		:: j < 5 -> holder[j] = who; j++
		:: else -> break
		od;
		j = 0
	}
}
inline end_section() { atomic { store_release(TXN + w, txn + 2); txn = txn + 2; e = 0 } }

proctype Thread(byte w)
{
	byte e, x, y, j, txn;
	bit first;

#ifdef MUTATE_SECTION_BEFORE_GRANT
	begin(w + 1);
	write(w, 1);
	end_section();
	lock_raw();
#else
	lock_raw();
	begin(w + 1);
	write(w, 1);
#ifndef OWN_ONLY
	write(2, w + 1);
#endif
	end_section();
#endif
	/* The program's critical section. */
#ifdef MUTATE_UNLOCK_FIRST
	unlock_raw();
#endif
	begin(0);
#ifdef UNLOCK_INSIDE
	unlock_raw();
#endif
	write(w, 0);
#ifndef OWN_ONLY
	write(2, 0);
#endif
	end_section();
#ifndef UNLOCK_INSIDE
#ifndef MUTATE_UNLOCK_FIRST
#ifndef MUTATE_UNLOCK_BEFORE_EPOCH
	unlock_raw()
#endif
#endif
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

inline read_slot(s, v)
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
	x = 0
}

proctype Reader()
{
	byte cuts, e0, x, j, own_0, own_1, shown;

	do
	:: cuts < NCUT ->
		atomic { cuts++; e0 = epoch; epoch = e0 + 1 }
		membarrier(0);
		membarrier(1);
		wait_for(0);
		wait_for(1);
		read_slot(0, own_0);
		read_slot(1, own_1);
		assert(!(own_0 && own_1));
#ifdef OWN_ONLY
		shown = ((own_0) -> 1 : ((own_1) -> 2 : 0));
		assert(shown == holder[e0]);
#else
		read_slot(2, shown);
		assert(shown == holder[e0]);
		assert(shown == ((own_0) -> 1 : ((own_1) -> 2 : 0)));
#endif
		atomic { own_0 = 0; own_1 = 0; shown = 0; e0 = 0 }
	:: else -> break
	od
}

init
{
	atomic {
		mem[EPOCH] = 1;
		mem[EPOCH + 1] = 1;
		mem[EPOCH + 2] = 1;
		run Thread(0);
		run Thread(1);
		run Drain(0);
		run Drain(1);
		run Reader()
	}
}
