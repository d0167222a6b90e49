/* A bounded channel: what a cut may say of its length (PROTOCOL rule 2, "a receive is both").
 *
 * Modelled: senders that take turns under a lock, SENDS items each, and one receiver without a lock, on weak memory.
 * The queue is two counters, TAIL (items published) and HEAD (places given back); it is outside the sections. A sender
 * waits for a place, reports {sent, high-water mark} in a section on the sending end's slot, and then publishes. The
 * receiver sees an item, reports {received} in a section on the receiving end's slot, and then gives its place back.
 * -DHAND_INSIDE: the item is published, and the place given back, when the section has loaded its epoch and before it
 * ends. That is enough, for the two ends are slots of their own. The senders' lock is given back after the end, for
 * they share a slot. A slot's words are packed into one: a torn copy is cut.pml's. NCUT cuts.
 *
 * Property: in every cut 0 <= sent - received <= capacity, and the length is at most the high-water mark; both counts
 * are those of the sections that loaded an epoch <= e0; no slot's epoch goes back.
 */
#ifndef SENDS
#define SENDS 1
#endif
#ifndef NCUT
#define NCUT 1
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#define SENDERS 2
#define RECEIVER SENDERS /* its number, behind the senders' */
#define TXN 0            /* + thread */
#define EPOCH 3          /* + slot: 0 the sending end, 1 the receiving one */
#define HOT 5
#define SHADOW 7
#define LOCK 9
#define TAIL 10
#define HEAD 11
#define WORDS 12
#define BUFS 3
#ifndef K
#define K 16
#endif
#include "weak.pml"

/* The sending end's word. */
#define PACKED(sent, high) ((sent) + 16 * (high))
#define SENT(word) ((word) % 16)
#define HIGH(word) ((word) / 16)

#define EPOCHS (NCUT + 2)
#define GHOST(slot, at) ghost[(slot) * EPOCHS + (at)]

byte epoch = 1;
byte ghost[2 * EPOCHS]; /* sections on this slot that loaded this epoch */

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

inline load_epoch(s) { atomic { e = epoch; GHOST(s, e) = GHOST(s, e) + 1 } }
inline end_section() { atomic { store_release(TXN + w, txn + 2); txn = txn + 2; e = 0 } }

inline hand_over(word, value) { store_release(word, value) }

inline lock() { atomic { mem[LOCK] == 0 -> mem[LOCK] = 1 } }
inline unlock() { store_release(LOCK, 0) }

proctype Sender(byte w)
{
	byte n, e, x, y, j, txn, tail, head, high;
	bit first;

	do
	:: n < SENDS ->
		lock();
		atomic {
			load(TAIL, tail);
			load(HOT, x);
			high = HIGH(x);
			x = 0
		}
#ifndef MUTATE_SENT_BEFORE_PLACE
		atomic { tail - mem[HEAD] < CAPACITY -> head = mem[HEAD] }
#endif
#ifdef MUTATE_PUBLISH_FIRST
		hand_over(TAIL, tail + 1);
#endif
		store_release(TXN + w, txn + 1);
#ifdef MUTATE_PUBLISH_BEFORE_EPOCH
		hand_over(TAIL, tail + 1);
#endif
		load_epoch(0);
#ifdef HAND_INSIDE
		hand_over(TAIL, tail + 1);
#endif
#ifdef MUTATE_UNLOCK_INSIDE
		hand_over(TAIL, tail + 1);
		unlock();
#endif
		atomic {
			if
			:: tail + 1 - head > high -> high = tail + 1 - head
			:: else
			fi
		}
		write(0, PACKED(tail + 1, high));
		end_section();
#ifdef MUTATE_SENT_BEFORE_PLACE
		atomic { tail - mem[HEAD] < CAPACITY -> head = mem[HEAD] }
#endif
#ifndef MUTATE_PUBLISH_FIRST
#ifndef MUTATE_PUBLISH_BEFORE_EPOCH
#ifndef MUTATE_UNLOCK_INSIDE
#ifndef HAND_INSIDE
		hand_over(TAIL, tail + 1);
#endif
#endif
#endif
#endif
#ifndef MUTATE_UNLOCK_INSIDE
		unlock();
#endif
		atomic { n++; tail = 0; head = 0; high = 0 }
	:: else -> break
	od
}

proctype Receiver(byte w)
{
	byte e, x, y, j, txn, head;
	bit first;

	do
	:: head < SENDERS * SENDS ->
#ifndef MUTATE_RECEIVED_BEFORE_SEEN
		mem[TAIL] > head;
#endif
#ifdef MUTATE_PLACE_FIRST
		hand_over(HEAD, head + 1);
#endif
		store_release(TXN + w, txn + 1);
#ifdef MUTATE_PLACE_BEFORE_EPOCH
		hand_over(HEAD, head + 1);
#endif
		load_epoch(1);
#ifdef HAND_INSIDE
		hand_over(HEAD, head + 1);
#endif
		write(1, head + 1);
		end_section();
#ifdef MUTATE_RECEIVED_BEFORE_SEEN
		mem[TAIL] > head;
#endif
#ifndef MUTATE_PLACE_FIRST
#ifndef MUTATE_PLACE_BEFORE_EPOCH
#ifndef HAND_INSIDE
		hand_over(HEAD, head + 1);
#endif
#endif
#endif
		head++
	:: else -> break
	od
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

inline count(s, v)
{
	d_step {
		x = 0;
		j = 0;
		do
		:: j <= e0 -> x = x + GHOST(s, j); j++
		:: else -> break
		od;
		assert(v == x);
		x = 0;
		j = 0
	}
}

proctype Reader()
{
	byte cuts, e0, x, j, sending, received;

	do
	:: cuts < NCUT ->
		atomic { cuts++; e0 = epoch; epoch = e0 + 1 }
		membarrier(0);
		membarrier(1);
		membarrier(2);
		wait_for(0);
		wait_for(1);
		wait_for(2);
		read_slot(0, sending);
		read_slot(1, received);
		assert(received <= SENT(sending));
		assert(SENT(sending) - received <= CAPACITY);
		assert(SENT(sending) - received <= HIGH(sending));
		count(0, SENT(sending));
		count(1, received);
		atomic { sending = 0; received = 0; e0 = 0 }
	:: else -> break
	od
}

init
{
	atomic {
		mem[EPOCH] = 1;
		mem[EPOCH + 1] = 1;
		run Sender(0);
		run Sender(1);
		run Receiver(RECEIVER);
		run Drain(0);
		run Drain(1);
		run Drain(2);
		run Reader()
	}
}
