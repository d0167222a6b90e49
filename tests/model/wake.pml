/* Who sleeps at a channel is woken (writer/mpsc_lock.h, writer/mpsc.c): the senders' lock in the tail word, the flags
 * by which each side says in the other's word that it sleeps, the lock for sleeping, closing.
 *
 * Modelled: SENDERS senders with a handle each, SENDS items each, MORE of them one more; a receiver; a channel of
 * CAPACITY. A futex and two conditions, which wake one of those asleep, whichever; up to SPURIOUS wake-ups. A send
 * waits for ever, or times out, signalled or not, or is cancelled; a receive waits for ever or times out. A sender goes
 * at once when it has sent, or when all that was accepted is received: else the close would wake whoever was forgotten
 * before; or, the first one, it closes the channel. The receiver closes it at any moment and drains it, or
 * frees it. -DLOCK_GRANTED: the senders' lock is had when it is free, without its futex.
 *
 * What is shared is changed by atomic instructions that release and acquire, or under a lock: stores need no buffers.
 * A step is such an instruction and what follows that nobody else can tell; the lock for sleeping is taken with the
 * first one in it and let go of with the last. Spinning is not modelled: who looks again might have come later.
 *
 * Properties: one sender at a time; a place is written when it is empty and read when it is full; nothing is accepted
 * after a close, and what was accepted before is received or discarded; and all come to their end: nobody sleeps for
 * ever, and who waits for what is there does not need others to go on.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef SENDS
#define SENDS 1
#endif
#ifndef MORE
#define MORE 1
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef SPURIOUS
#define SPURIOUS 1
#endif
#define RECEIVER SENDERS /* its number, behind the senders' */

/* In tail; above them the count. */
#define RECEIVER_SLEEPS 1
#define CLOSED 2
#define LOCKED 4
#define AWAITED 8
#define SENT(word) ((word) >> 4)
/* In head. */
#define SENDERS_SLEEP 1
#define RECEIVED(word) ((word) >> 1)

/* What somebody sleeps at. */
#define AWAKE 0
#define LOCK 1
#define SPACE 2
#define ITEMS 3

/* How a call waits; what has ended its sleep. */
#define FOR_EVER 0
#define TIMED 1
#define CANCELLED 2

#define DONE 0
#define NOT_NOW 1 /* full, empty */
#define OVER 2

byte tail, head;
byte asleep[SENDERS + 1];
bit sleep_lock;
byte sleepers; /* sleep.senders */
bit cause;     /* send.close_cause is not NONE */
byte handles = SENDERS;
bit place[CAPACITY];

/* Ghosts. */
bit inside, gone;
byte sent, received, discarded, ended;

/* A step if the lock comes with it. */
#ifdef LOCK_GRANTED
#define WHOLE atomic
#else
#define WHOLE
#endif

#define SIGNALLED (asleep[me] == AWAKE)

/* One of them; nobody, if nobody is there. */
inline signal(what)
{
	if
	:: asleep[0] == what -> asleep[0] = AWAKE
	:: asleep[1] == what -> asleep[1] = AWAKE
	:: asleep[2] == what -> asleep[2] = AWAKE
#if SENDERS > 2
	:: asleep[3] == what -> asleep[3] = AWAKE
#endif
	:: else
	fi
}

/* --- the senders' lock */

inline got_it()
{
	assert(!inside);
	inside = 1
}

inline take_lock_slowly()
{
	do
	:: atomic {
		true ->
		was = tail;
		tail = was | LOCKED | AWAITED;
		if
		:: was & LOCKED -> was = was | LOCKED | AWAITED
		:: else ->
#ifdef MUTATE_LOCK_WITHOUT_AWAITED
			tail = was | LOCKED;
#endif
			got_it();
			was = 0;
			break
		fi
	}
	atomic {
#ifdef MUTATE_SLEEP_UNCHECKED
		was = tail;
#endif
		if
		:: tail == was -> asleep[me] = LOCK
		:: else
		fi;
		was = 0
	}
	SIGNALLED
	od
}

inline lock_senders()
{
#ifdef LOCK_GRANTED
	skip
#else
#ifdef MUTATE_LOCK_IN_TWO_STEPS
	was = tail & LOCKED;
	atomic {
#else
	atomic {
		was = tail & LOCKED;
#endif
		if
		:: was
		:: else -> tail = tail | LOCKED; got_it()
		fi
	}
	if
	:: was -> take_lock_slowly()
	:: else
	fi
#endif
}

/* In one step with what was done last. Leaves in `was` what tail was. */
inline unlock_with(value)
{
	was = tail;
	tail = value;
	assert(!(tail & AWAITED)); /* or unlocks to come have a call each, to wake nobody */
	inside = 0
}

#ifdef MUTATE_AWAITED_KEPT
#define UNLOCKED (tail & ~LOCKED)
#else
#define UNLOCKED (tail & ~(LOCKED | AWAITED))
#endif

inline unlocked()
{
#ifndef MUTATE_NO_LOCK_WAKE
	if
	:: was & AWAITED -> atomic { signal(LOCK); was = was & ~AWAITED }
	:: else
	fi;
#endif
	skip
}

/* --- sleeping and waking */

/* The lock is taken and let go of: nothing is done in between. */
inline wake(what)
{
#ifndef MUTATE_WAKE_WITHOUT_LOCK
	!sleep_lock;
#endif
	atomic { signal(what) }
}

inline wake_both()
{
#ifndef MUTATE_CLOSE_WAKES_RECEIVER
	wake(SPACE);
#endif
#ifndef MUTATE_CLOSE_WAKES_SENDERS
	wake(ITEMS);
#endif
	skip
}

#define REASON_TO_SEND ((tail & CLOSED) || SENT(tail) - was < CAPACITY)
#define REASON_TO_RECEIVE ((tail & CLOSED) || SENT(tail) != received)

/* Lock for sleeping held, and first told. Leaves in `was` what is received. */
inline say_senders_sleep()
{
	was = RECEIVED(head);
	head = head | SENDERS_SLEEP
}

/* A sender that slept has come to its end. */
inline pass_on()
{
	atomic {
		!sleep_lock ->
		sleepers--;
		others = sleepers > 0;
		if
		:: others ->
			sleep_lock = 1;
#ifdef MUTATE_PASS_ON_UNSAID
			was = RECEIVED(head)
#else
			say_senders_sleep()
#endif
		:: else
		fi
	}
	if
	:: others ->
		atomic {
			if
			:: REASON_TO_SEND -> signal(SPACE)
			:: else
			fi;
			sleep_lock = 0;
			others = 0;
			was = 0
		}
	:: else
	fi
}

/* --- sending */

inline put()
{
	lock_senders();
#ifdef MUTATE_WAKE_FIRST
	if
	:: tail & RECEIVER_SLEEPS -> wake(ITEMS)
	:: else
	fi;
#endif
	WHOLE {
		atomic {
			if
			:: cause -> result = OVER
			:: !cause && sent - RECEIVED(head) >= CAPACITY -> result = NOT_NOW
			:: !cause && sent - RECEIVED(head) < CAPACITY ->
				assert(!place[sent % CAPACITY] && !gone);
				place[sent % CAPACITY] = 1;
				result = DONE
			fi
		}
		atomic {
			if
			:: result == DONE ->
				assert(!(tail & CLOSED));
				sent++;
				unlock_with(sent << 4)
			:: else ->
				unlock_with(UNLOCKED);
				was = was & AWAITED
			fi
		}
	}
	unlocked();
#ifndef MUTATE_WAKE_FIRST
	if
	:: was & RECEIVER_SLEEPS -> wake(ITEMS)
	:: else
	fi;
#endif
	was = 0
}

inline say_and_decide()
{
#ifdef MUTATE_SENDER_CHECKS_FIRST
	atomic { !sleep_lock -> sleep_lock = 1; count_me(); was = RECEIVED(head) }
	atomic {
		sleep_lock = 0;
		head = head | SENDERS_SLEEP;
#else
	atomic { !sleep_lock -> sleep_lock = 1; count_me(); say_senders_sleep() }
	atomic {
		sleep_lock = 0;
#endif
		if
		:: REASON_TO_SEND -> was = 0; break
		:: else -> asleep[me] = SPACE; was = 0
		fi
	}
}

inline count_me()
{
	if
	:: !counted -> counted = 1; sleepers++
	:: else
	fi
}

inline sleep_for_space()
{
	do
	:: true ->
		say_and_decide();
		if
		:: SIGNALLED
		:: atomic { waits != FOR_EVER -> asleep[me] = AWAKE; slept = waits; break }
		fi
	od
}

#ifdef MUTATE_SENT_KEEPS
#define PASSES_ON (slept != 0)
#else
#ifdef MUTATE_TIMED_OUT_KEEPS
#define PASSES_ON (slept != TIMED)
#else
#ifdef MUTATE_CANCELLED_KEEPS
#define PASSES_ON (slept != CANCELLED)
#else
#define PASSES_ON true
#endif
#endif
#endif

inline put_asleep()
{
	if
	:: waits = FOR_EVER
	:: waits = TIMED
	:: waits = CANCELLED
	fi;
	do
	:: result == NOT_NOW && slept == 0 ->
		sleep_for_space();
		if
		:: slept == CANCELLED -> break
		:: else -> put()
		fi
	:: else -> break
	od;
	atomic { waits = 0; counted = 0 }
	if
	:: PASSES_ON -> pass_on()
	:: else -> sleepers--
	fi
}

inline close_it()
{
	cause = 1;
	tail = tail | CLOSED
}

inline unlock_senders()
{
	atomic { unlock_with(UNLOCKED) }
	unlocked();
	was = 0
}

inline close_as_sender()
{
#ifdef MUTATE_CLOSE_UNLOCKED
	atomic { close_it() }
#else
	lock_senders();
	WHOLE {
		atomic { close_it() }
		unlock_senders()
	}
#endif
	wake_both()
}

inline free_sender()
{
	lock_senders();
	WHOLE {
		atomic {
			handles--;
			last = handles == 0;
			if
			:: last -> close_it()
			:: else
			fi
		}
		unlock_senders()
	}
	if
	:: last -> wake_both()
	:: else
	fi
}

proctype Sender(byte me)
{
	byte n, was, result, waits, slept;
	bit counted, others, last;

	n = SENDS + (me < MORE);
	do
	:: n > 0 && result != OVER && slept != CANCELLED ->
		atomic { n--; slept = 0 }
		put();
		if
		:: result == NOT_NOW -> put_asleep()
		:: else
		fi
	:: else -> break
	od;
	atomic { n = 0; result = 0; slept = 0 }
	if
	:: true
	:: sent == received || (tail & CLOSED)
	:: me == 0 -> close_as_sender()
	fi;
	free_sender();
	ended++
}

/* --- receiving */

inline read_place(at)
{
	assert(place[(at) % CAPACITY]);
	place[(at) % CAPACITY] = 0
}

inline give_back_place()
{
	atomic { was = head & SENDERS_SLEEP; head = received << 1 }
	if
	:: was -> wake(SPACE)
	:: else
	fi;
	was = 0
}

inline take()
{
	atomic {
		if
		:: SENT(tail) != received ->
			result = DONE;
#ifndef MUTATE_PLACE_FIRST
			read_place(received);
#endif
			received++
		:: SENT(tail) == received && (tail & CLOSED) -> result = OVER
		:: else -> result = NOT_NOW
		fi
	}
	if
	:: result == DONE ->
		give_back_place();
#ifdef MUTATE_PLACE_FIRST
		atomic { read_place(received - 1) }
#endif
	:: else
	fi
}

inline sleep_for_item()
{
	do
	:: true ->
#ifdef MUTATE_RECEIVER_CHECKS_FIRST
		atomic { !sleep_lock -> sleep_lock = 1; was = REASON_TO_RECEIVE }
		atomic {
			sleep_lock = 0;
#else
		atomic {
			!sleep_lock ->
			was = REASON_TO_RECEIVE;
#endif
			tail = tail | RECEIVER_SLEEPS;
			if
			:: was -> was = 0; break
			:: else -> asleep[me] = ITEMS
			fi
		}
		if
		:: SIGNALLED
		:: atomic { waits == TIMED -> asleep[me] = AWAKE; slept = TIMED; break }
		fi
	od
}

inline take_asleep()
{
	if
	:: waits = FOR_EVER
	:: waits = TIMED
	fi;
	do
	:: result == NOT_NOW && slept == 0 ->
		sleep_for_item();
		take()
	:: else -> break
	od;
	atomic { waits = 0; slept = 0 }
}

inline close_as_receiver()
{
	lock_senders();
	WHOLE {
		atomic { close_it(); last_count = sent }
		unlock_senders()
	}
	wake_both()
}

proctype Receiver(byte me)
{
	byte was, result, waits, slept, last_count;
	bit closed;

	do
	:: result != OVER ->
		take();
		if
		:: result == NOT_NOW -> take_asleep()
		:: else
		fi
	:: !closed -> close_as_receiver(); closed = 1
	:: break
	od;
	close_as_receiver();
	atomic { discarded = last_count - received; gone = 1; ended++ }
}

/* From sleep, for no reason. */
proctype Spurious()
{
	atomic {
		if
		:: asleep[0] -> asleep[0] = AWAKE
		:: asleep[1] -> asleep[1] = AWAKE
		:: asleep[2] -> asleep[2] = AWAKE
#if SENDERS > 2
		:: asleep[3] -> asleep[3] = AWAKE
#endif
		:: true
		fi
	}
}

init
{
	atomic {
		run Sender(0);
		run Sender(1);
#if SENDERS > 2
		run Sender(2);
#endif
		run Receiver(RECEIVER);
#if SPURIOUS
		run Spurious()
#endif
	}
	ended == SENDERS + 1;
	assert(sent == received + discarded && sleepers == 0);
	assert((tail & CLOSED) && !(tail & (LOCKED | AWAITED)))
}
