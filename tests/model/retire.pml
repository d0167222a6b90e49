/* Retiring a slot, its quarantine and its reuse (PROTOCOL rule 7), deadline and stopped readers included.
 *
 * Modelled: a slot with one hot word, which is 0 (free) or the number of the entity that lives there, its shadow,
 * and its identity, which has no shadow and must stay as it is while a cut may still show the entity. Owner retires
 * entity 1 in a section of epoch r, keeps the slot until cut == 0, or cut > r, or the deadline and a margin have
 * passed, and hands it to Creator, which makes entity 2 there. NCUT readers, one after the other: each stores the
 * deadline and `cut`, flips, waits, copies hot word and identity, looks once more at epoch, `cut` and the clock,
 * clears `cut`. A reader dies wherever it likes (its lock falls, `cut` stays), and is slow or stopped for any time:
 * the clock moves on at any moment. -DTHIEF: another reader ignores the lock and cuts once, at any moment.
 * The clock has LAST + 1 ticks; a deadline is 1 tick ahead; readers may see the clock one tick late (clocks of two
 * CPUs), which is what the margin is for. The flip is a CAS.
 * Weak memory for the writers; the readers store in order, mutations swap two of their stores.
 *
 * Property: a cut that its reader believes shows no entity, or entity and identity belong together. And no wait in
 * quarantine lasts for ever: an Owner that never gets out would be an invalid end state.
 */
#ifndef NCUT
#define NCUT 2
#endif
#ifndef LAST
#define LAST 4
#endif
#define TXN 0 /* + writer */
#define EPOCH 2
#define HOT 3
#define SHADOW 4
#define IDENTITY 5
#define FREE 6 /* the slot is on the free list */
#define WORDS 7
#define BUFS 2
#define K 12
#include "weak.pml"

#ifdef MUTATE_NO_MARGIN
#define MARGIN 0
#else
#define MARGIN 1
#endif

byte epoch = 1;
byte cut, deadline;
byte now;
byte lock; /* readers at work: 1, or 2 with a thief. */
byte cuts;

inline save(from, to) { atomic { load(from, y); store(to, y); y = 0 } }

inline begin()
{
	store_release(TXN + w, 1);
	e = epoch
}
inline end_section() { store_release(TXN + w, 2) }

inline write(value)
{
	atomic { load(EPOCH, x); assert(x <= e) }
	if
	:: x != e ->
		fence_release();
		save(HOT, SHADOW);
		store_release(EPOCH, e);
		fence_release()
	:: else
	fi;
	x = 0;
	store(HOT, value)
}

/* The slot may be used again; `seen` is a value of `cut` loaded by who retires. */
#define NO_CUT_BEFORE(seen, r) ((seen) == 0 || (seen) > (r))

proctype Owner(byte w)
{
	byte e, x, y, j, seen;

#ifdef MUTATE_TEST_OUTSIDE
	seen = cut;
	begin();
#else
	begin();
	seen = cut;
#endif
	write(0);
	end_section();
#ifndef MUTATE_NO_QUARANTINE
	do
	:: NO_CUT_BEFORE(seen, e) -> break
#ifndef MUTATE_FOREVER
	:: now >= deadline + MARGIN -> break
#endif
	:: !NO_CUT_BEFORE(seen, e) && cut != seen -> seen = cut
	od;
#endif
	store_release(FREE, 1)
}

proctype Creator(byte w)
{
	byte e, x, y, j;

	mem[FREE] == 1;
	begin();
	store(IDENTITY, 2);
	write(2);
	end_section()
}

proctype Clock()
{
end:	do
	:: now < LAST -> now++
	od
}

#define die_here \
	if \
	:: goto dead \
	:: skip \
	fi

inline wait_for(b)
{
	x = mem[TXN + b];
	if
	:: x & 1 -> mem[TXN + b] != x
	:: else
	fi;
	x = 0
}

proctype Reader(bit thief)
{
	byte e0, x, v, id, mine, tick, j;
	bit lost;
	bit turn = 1;

	do
	:: atomic {
		cuts < NCUT && now + 1 + MARGIN < LAST && turn && (lock == 0 || thief) ->
		turn = !thief;
		cuts++;
		lock++;
		e0 = epoch;
		mine = now + 1
	}
		deadline = mine;
		die_here;
#ifdef MUTATE_FLIP_RELAXED /* the store of the epoch overtakes that of `cut` */
		epoch = e0 + 1;
		die_here;
		cut = e0 + 1;
#else
		cut = e0 + 1;
		die_here;
#ifdef MUTATE_FLIP_STORE /* whatever the epoch is by now (max, so that it does not go back) */
		atomic { epoch = ((epoch > e0 + 1) -> epoch : e0 + 1) };
#else
		/* CAS: of two readers that loaded the same epoch one flips it. With the lock it always succeeds. */
		atomic {
			if
			:: epoch == e0 -> epoch = e0 + 1
			:: else -> goto dead
			fi
		}
#endif
#endif
		die_here;
		membarrier(0);
		membarrier(1);
		wait_for(0);
		wait_for(1);
		x = mem[EPOCH];
		if
		:: x <= e0 ->
			v = mem[HOT];
			x = mem[EPOCH];
			if
			:: x > e0 -> v = mem[SHADOW]
			:: else
			fi
		:: else -> v = mem[SHADOW]
		fi;
		die_here;
#ifdef MUTATE_CLEARED_EARLY /* the clearing of `cut` overtakes the copy */
		if
		:: cut == e0 + 1 -> cut = 0
		:: else -> lost = 1
		fi;
#endif
		id = mem[IDENTITY];
		/* The last look. */
		if
		:: epoch != e0 + 1 -> lost = 1
		:: else
		fi;
#ifndef MUTATE_CLEARED_EARLY
#ifndef MUTATE_NO_CUT_CHECK
		if
		:: cut != e0 + 1 -> lost = 1
		:: else
		fi;
#endif
#ifndef MUTATE_NO_DEADLINE_WORD_CHECK
		if
		:: deadline != mine -> lost = 1
		:: else
		fi;
#endif
#endif
#ifndef MUTATE_NO_DEADLINE_CHECK
		atomic {
			if
			:: tick = now
			:: now > 0 -> tick = now - 1
			fi;
			if
			:: tick >= mine -> lost = 1
			:: else
			fi;
			tick = 0
		}
#endif
		assert(lost || v == 0 || v == id);
		if
		:: !lost -> cut = 0
		:: else
		fi;
dead:		atomic { lock--; e0 = 0; v = 0; id = 0; x = 0; mine = 0; lost = 0; tick = 0 }
	:: cuts == NCUT || now + 1 + MARGIN >= LAST || !turn -> break
	od
}

init
{
	atomic {
		mem[EPOCH] = 1;
		mem[HOT] = 1;
		mem[IDENTITY] = 1;
		run Owner(0);
		run Creator(1);
		run Drain(0);
		run Drain(1);
		run Clock();
		run Reader(0);
#ifdef THIEF
		run Reader(1)
#endif
	}
}
