/* A semaphore: what a cut may say of the permits that are out (PROTOCOL rule 2).
 *
 * Modelled: MAX permits behind a lock, on weak memory. Two actors acquire a number of permits each, at once, report
 * the hold in a section on a slot of their own, report its end, and give the permits back; once each. A section
 * comes after the permits were had, and before they are given back, under the lock or not: only the own slot is
 * written. -DANONYMOUS: a third thread, that holds none, gives actor 0's permits back for it. It reports so in a
 * section on the semaphore's slot (`returned`: permits that a hold still shows and that are back), which whoever
 * writes it does under the lock; the hold stays. NCUT cuts.
 *
 * Property: in every cut the holds less what was returned add up to 0..MAX; and they are those of the sections that
 * loaded an epoch <= e0.
 */
#ifndef NCUT
#define NCUT 1
#endif
#ifndef WANTED_0
#define WANTED_0 1
#endif
#ifndef WANTED_1
#define WANTED_1 1
#endif
#ifndef MAX
#define MAX 1
#endif
#ifdef ANONYMOUS
#define THREADS 3
#else
#define THREADS 2
#endif
#define TXN 0   /* + thread */
#define EPOCH 3 /* + slot: 0 and 1 the actors' own, 2 the semaphore's */
#define HOT 6
#define SHADOW 9
#define LOCK 12
#define FREE 13 /* permits; written under the lock */
#define WORDS 14
#define BUFS THREADS
#define K 20
#include "weak.pml"

#define EPOCHS (NCUT + 2)
#define GHOST(slot, at) ghost[(slot) * EPOCHS + (at)]

byte epoch = 1;
byte ghost[3 * EPOCHS]; /* what the slot's word is after the last section that loaded this epoch or an older one */

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

inline lock() { atomic { mem[LOCK] == 0 -> mem[LOCK] = 1 } }
inline unlock() { store_release(LOCK, 0) }

inline take(n)
{
	lock();
	/* Waits with the lock let go of, as a condition variable does: so do not enter before there is enough. */
	if
	:: mem[FREE] >= n -> atomic { load(FREE, x); store(FREE, x - n); x = 0; unlock(); had = 1 }
	:: mem[FREE] < n -> unlock()
	fi
}
inline take_patiently(n)
{
	do
	:: had -> break
	:: !had && mem[FREE] >= n -> take(n)
	od;
	had = 0
}
inline give(n)
{
	lock();
	atomic { load(FREE, x); store(FREE, x + n); x = 0; unlock() }
}

inline begin(s, value)
{
	store_release(TXN + w, txn + 1);
	d_step {
		e = epoch;
		j = e;
		do
		:: j < EPOCHS -> GHOST(s, j) = value; j++
		:: else -> break
		od;
		j = 0
	}
}
inline end_section() { atomic { store_release(TXN + w, txn + 2); txn = txn + 2; e = 0 } }

inline report(s, value)
{
	begin(s, value);
	write(s, value);
	end_section()
}

byte handed; /* actor 0 has asked the third thread to give its permits back */

proctype Actor(byte w; byte wanted)
{
	byte e, x, y, j, txn;
	bit first, had;

#ifdef MUTATE_HOLD_BEFORE_PERMIT
	report(w, wanted);
	take_patiently(wanted);
#else
	take_patiently(wanted);
	report(w, wanted);
#endif
#ifdef ANONYMOUS
	if
	:: w == 0 -> handed = 1
	:: else ->
#endif
#ifdef MUTATE_GIVE_FIRST
	give(wanted);
#endif
#ifdef MUTATE_GIVE_BEFORE_EPOCH
	store_release(TXN + w, txn + 1);
	give(wanted);
	begin(w, 0);
	write(w, 0);
	end_section();
#else
	report(w, 0);
#endif
#ifndef MUTATE_GIVE_FIRST
#ifndef MUTATE_GIVE_BEFORE_EPOCH
	give(wanted)
#endif
#endif
#ifdef ANONYMOUS
	fi
#endif
}

#ifdef ANONYMOUS
proctype Giver(byte w)
{
	byte e, x, y, j, txn;
	bit first;

end:	handed;
	lock();
#ifdef MUTATE_GIVE_FIRST_ANONYMOUS
	atomic { load(FREE, x); store(FREE, x + WANTED_0); x = 0; unlock() }
	report(2, WANTED_0);
#else
	report(2, WANTED_0);
	atomic { load(FREE, x); store(FREE, x + WANTED_0); x = 0; unlock() }
#endif
}
#endif

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
	assert(v == GHOST(s, e0));
	x = 0
}

proctype Reader()
{
	byte cuts, e0, x, j, hold_0, hold_1, returned;

	do
	:: cuts < NCUT ->
		atomic { cuts++; e0 = epoch; epoch = e0 + 1 }
		membarrier(0);
		membarrier(1);
#ifdef ANONYMOUS
		membarrier(2);
#endif
		wait_for(0);
		wait_for(1);
#ifdef ANONYMOUS
		wait_for(2);
#endif
		read_slot(0, hold_0);
		read_slot(1, hold_1);
#ifdef ANONYMOUS
		read_slot(2, returned);
#endif
		assert(hold_0 + hold_1 >= returned);
		assert(hold_0 + hold_1 - returned <= MAX);
		atomic { hold_0 = 0; hold_1 = 0; returned = 0; e0 = 0 }
	:: else -> break
	od
}

init
{
	atomic {
		mem[EPOCH] = 1;
		mem[EPOCH + 1] = 1;
		mem[EPOCH + 2] = 1;
		mem[FREE] = MAX;
		run Actor(0, WANTED_0);
		run Actor(1, WANTED_1);
		run Drain(0);
		run Drain(1);
#ifdef ANONYMOUS
		run Giver(2);
		run Drain(2);
#endif
		run Reader()
	}
}
