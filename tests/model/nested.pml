/* Sections nested in a signal handler (PROTOCOL rule 5, as built).
 *
 * A handler that interrupts its own thread inside a section does not toggle txn. It loads the epoch itself; a slot
 * that is in the write set it finds is dropped and counted, so is one that the write set has no room for; else it
 * adds the slot to the write set, touches and writes it as any section would, and takes the slot out again.
 *
 * Modelled: one thread of NSEC sections over slot 0, slot 1 or both; handlers, nested up to LEVELS deep, FIRES in
 * all, that may fire between any two stores or loads of what they interrupt, also outside a section (then it is an
 * ordinary section) and between txn++, each store of the write set, and the load of the epoch; weak memory; NCUT
 * cuts by readers of which any may die after the flip. Each slot has one hot word, with -DTWO_WORDS two.
 * -DPARTIAL: the reader may give up waiting, marks the write set it finds, and answers for the rest.
 * -DOTHER_THREAD: slot 1 belongs to who holds its lock; a second thread writes it too; the handler writes it if its
 * thread has the lock, or gets it without waiting.
 * -DFENCE_MODE: fence(seq_cst) for A, in the handler too (not together with PARTIAL or OTHER_THREAD).
 * -DTHIRD_SLOT: the handler may also want a slot 2 that nobody else writes: only its entry in the write set counts.
 *
 * Abstracted: a handler that leaves by siglongjmp. txn++ is one step, as it is one instruction
 * (passive.pml shows what happens otherwise).
 *
 * Property: each word equals the number of sections, nested or not, that themselves loaded an epoch <= e0 and wrote
 * the slot; no slot's epoch goes back.
 */
#ifndef NSEC
#define NSEC 2
#endif
#ifndef NCUT
#define NCUT 2
#endif
#ifndef FIRES
#define FIRES 1
#endif
#ifndef LEVELS
#define LEVELS 1
#endif
#ifndef SET_MAX
#define SET_MAX 3
#endif

#define TXN 0 /* + thread */
#define COUNT 2
#define SET 3 /* + i; slot + 1 */
#define EPOCH 6
#define HOT 8
#define HOT_B 10
#define SHADOW 12
#define SHADOW_B 14
#define LOCK 16
#define WORDS 17
#ifdef OTHER_THREAD
#define BUFS 2
#else
#define BUFS 1
#endif
#ifndef K
#define K 40
#endif
#include "weak.pml"

#define GHOST(slot, at) ghost[(slot) * 5 + (at)]

byte epoch = 1;
byte ghost[10];
byte level; /* 0: the thread's own code runs; n: the n-th nested handler does, what it interrupted stands still */
byte fires;
#ifdef MUTATE_OUTER_EPOCH
byte last_epoch = 1;
#endif

inline bump(a) { atomic { load(a, y); store(a, y + 1); y = 0 } }
inline save(from, to) { atomic { load(from, y); store(to, y); y = 0 } }

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
		save(HOT + s, SHADOW + s);
#ifdef TWO_WORDS
		save(HOT_B + s, SHADOW_B + s);
#endif
		store_release(EPOCH + s, e);
		fence_release();
		first = 0
	:: else
	fi;
	bump(HOT + s);
#ifdef TWO_WORDS
	bump(HOT_B + s);
#endif
}

inline fence_a()
{
#ifdef FENCE_MODE
	fence_full()
#else
	skip
#endif
}

inline load_epoch(set)
{
	atomic {
		e = epoch;
#ifdef MUTATE_OUTER_EPOCH
		last_epoch = e;
#endif
		if
		:: (set) & 1 -> GHOST(0, e) = GHOST(0, e) + 1
		:: else
		fi;
		if
		:: (set) & 2 -> GHOST(1, e) = GHOST(1, e) + 1
		:: else
		fi
	}
}

/* Only a reader that gives up ever looks at the write set: without one its stores need no buffer. */
#ifdef PARTIAL
#define store_own(a, v) store(a, v)
#else
#define store_own(a, v) mem[a] = v
#endif

/* The count goes first. Were it last, a handler in between would add its slot over an entry already stored. */
inline store_set(set)
{
#ifdef MUTATE_COUNT_LAST
	store_own(SET, (((set) & 1) -> 1 : 2));
	if
	:: (set) == 3 -> store_own(SET + 1, 2)
	:: else
	fi;
	store_own(COUNT, (((set) == 3) -> 2 : 1));
#else
	store_own(COUNT, (((set) == 3) -> 2 : 1));
	store_own(SET, (((set) & 1) -> 1 : 2));
	if
	:: (set) == 3 -> store_own(SET + 1, 2)
	:: else
	fi;
#endif
}

inline begin() { atomic { load(TXN + w, x); store_release(TXN + w, x + 1); x = 0 } }
inline end_section() { atomic { load(TXN + w, x); store_release(TXN + w, x + 1); x = 0; e = 0 } }

inline touch_all(set)
{
	if
	:: (set) & 1 -> touch(0)
	:: else
	fi;
	if
	:: (set) & 2 -> touch(1)
	:: else
	fi
}

proctype Outer(byte w) provided (level == 0)
{
	byte n, e, x, y, j, set;
	bit first;

	do
	:: n < NSEC ->
		atomic {
			if
			:: set = 1
			:: set = 2
			:: set = 3
			fi
		}
#ifdef OTHER_THREAD
		atomic {
			if
			:: set & 2 -> mem[LOCK] == 0; mem[LOCK] = 1
			:: else
			fi
		}
#endif
		begin();
#ifndef MUTATE_SET_LATE
#ifndef MUTATE_SET_AFTER_EPOCH
		store_set(set);
#endif
#endif
		fence_a();
		load_epoch(set);
#ifdef MUTATE_SET_AFTER_EPOCH
		store_set(set);
#endif
		touch_all(set);
#ifdef MUTATE_SET_LATE
		store_set(set);
#endif
		end_section();
#ifdef OTHER_THREAD
		if
		:: set & 2 -> store_release(LOCK, 0)
		:: else
		fi;
#endif
		atomic { n++; set = 0 }
	:: else -> break
	od
}

#ifdef OTHER_THREAD
proctype Other(byte w)
{
	byte e, x, y, j;
	bit first;

	atomic { mem[LOCK] == 0 -> mem[LOCK] = 2 }
	begin();
	fence_a();
	load_epoch(2);
	touch(1);
	end_section();
	store_release(LOCK, 0)
}
#endif

/* The handler's choice of slot, s, is 0 or 1: a constant in touch(). */
inline nested(s)
{
	load(COUNT, c);
#ifndef MUTATE_SET_IGNORED
	i = 0;
	do
	:: i < c && !drop -> atomic { load(SET + i, x); drop = x == s + 1; x = 0; i++ }
	:: else -> break
	od;
	i = 0;
#endif
	if
	:: !drop && c < SET_MAX ->
		store_own(COUNT, c + 1); /* first, as in store_set(): another handler may come in between */
		store_own(SET + c, s + 1);
#ifdef MUTATE_HANDLER_TOGGLES
		begin();
#endif
#ifdef MUTATE_OUTER_EPOCH
		/* not its own load, but the epoch the thread's last section loaded */
		atomic { e = last_epoch; GHOST(s, e) = GHOST(s, e) + 1 };
#else
#ifndef MUTATE_NO_HANDLER_FENCE
		fence_a();
#endif
		load_epoch(1 << s);
#endif
		if
		:: s < 2 -> touch(s)
		:: else
		fi;
#ifdef MUTATE_HANDLER_TOGGLES
		end_section();
#endif
		/* Relaxed: a reader that has given up issues a membarrier before it copies. */
		store_own(COUNT, c);
	:: else
	fi;
	atomic { c = 0; drop = 0; e = 0 }
}

inline handle(s)
{
	load(TXN, x);
	if
	:: x & 1 -> x = 0; nested(s)
	:: x % 2 == 0 && s < 2 -> x = 0; begin(); store_set(1 << s); fence_a(); load_epoch(1 << s); touch(s); end_section()
	:: x % 2 == 0 && s == 2 -> x = 0
	fi
}

inline handler(mine)
{
	atomic { level < mine && fires < FIRES -> fires++; below = level; level = mine }
	if
	:: handle(0)
#ifdef THIRD_SLOT
	:: skip; handle(2)
#endif
	:: skip;
#ifdef OTHER_THREAD
		atomic {
			load(LOCK, x);
			if
			:: x == 1 -> x = 0; got = 0
			:: x != 1 && mem[LOCK] == 0 -> x = 0; mem[LOCK] = 1; got = 1
			:: x != 1 && mem[LOCK] != 0 -> x = 0; goto out
			fi
		}
#endif
		handle(1);
#ifdef OTHER_THREAD
		if
		:: got -> store_release(LOCK, 0)
		:: else
		fi;
out:		got = 0
#endif
	fi;
	atomic { level = below; below = 0 }
}

proctype Handler(byte w) provided (level <= 1)
{
	byte e, x, y, j, i, c, below;
	bit first, drop, got;

end:	do
	:: handler(1)
	od
}

#if LEVELS > 1
proctype Handler_2(byte w) provided (level <= 2)
{
	byte e, x, y, j, i, c, below;
	bit first, drop, got;

end:	do
	:: handler(2)
	od
}
#endif

inline copy(s, a, b)
{
#ifdef TWO_WORDS
	if
	:: v = mem[a + s]; v_b = mem[b + s]
	:: v_b = mem[b + s]; v = mem[a + s]
	fi
#else
	atomic { v = mem[a + s]; v_b = v }
#endif
}

inline read_slot(s)
{
	x = mem[EPOCH + s];
	if
	:: x <= e0 ->
		copy(s, HOT, HOT_B);
		x = mem[EPOCH + s];
		if
		:: x > e0 -> copy(s, SHADOW, SHADOW_B)
		:: else
		fi
	:: else -> copy(s, SHADOW, SHADOW_B)
	fi;
	d_step {
		assert(x <= e0 + 1);
		x = 0;
		j = 0;
		do
		:: j <= e0 -> x = x + GHOST(s, j); j++
		:: else -> break
		od;
		assert((marks & (1 << s)) || (v == x && v_b == x));
		x = 0;
		j = 0;
		v = 0;
		v_b = 0
	}
}

proctype Reader()
{
	byte cuts, e0, x, j, v, v_b, marks, c;

	do
	:: cuts < NCUT ->
		atomic { cuts++; e0 = epoch; epoch = e0 + 1 }
		if
		:: goto dead
		:: skip
		fi;
#ifndef FENCE_MODE
		membarrier(0);
#endif
#ifdef OTHER_THREAD
		membarrier(1);
#endif
		x = mem[TXN];
		if
		:: x & 1 ->
			if
			:: mem[TXN] != x
#ifdef PARTIAL
			:: skip; /* in time it has not changed */
				c = mem[COUNT];
				j = 0;
				do
				:: j < c -> atomic { marks = marks | mem[SET + j]; j++ } /* slot + 1 is the slot's bit here */
				:: else -> break
				od;
				atomic { c = 0; j = 0 }
				membarrier(0);
				if
				:: mem[TXN] != x -> marks = 0
				:: else
				fi
#endif
			fi
		:: else
		fi;
#ifdef OTHER_THREAD
		x = mem[TXN + 1];
		if
		:: x & 1 -> mem[TXN + 1] != x
		:: else
		fi;
#endif
		x = 0;
		read_slot(0);
		read_slot(1);
dead:		atomic { e0 = 0; marks = 0 }
	:: else -> break
	od
}

init
{
	atomic {
		mem[EPOCH] = 1;
		mem[EPOCH + 1] = 1;
		run Outer(0);
		run Handler(0);
#if LEVELS > 1
		run Handler_2(0);
#endif
		run Drain(0);
#ifdef OTHER_THREAD
		run Other(1);
		run Drain(1);
#endif
		run Reader()
	}
}
