/* SPDX-License-Identifier: MIT */
/* Every result of a condition, with every kind of mutex; and errno as it was before. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711

/* The call's result; and that it left errno alone. */
#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s: %s = %d%s", kind, #call, say_result,        \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec when;

	(void)clock_gettime(clock, &when);
	when.tv_nsec += ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static void make(struct peeps_mutex *m, int type, int robust, int protocol, int shared)
{
	pthread_mutexattr_t attributes;

	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, type);
	(void)pthread_mutexattr_setrobust(&attributes, robust);
	(void)pthread_mutexattr_setprotocol(&attributes, protocol);
	(void)pthread_mutexattr_setpshared(&attributes, shared);
	(void)peeps_mutex_init(m, "of a condition", &attributes);
	(void)pthread_mutexattr_destroy(&attributes);
}

/* Who waits until it is told to go. */
struct wait {
	struct peeps_cond *c;
	struct peeps_mutex *m;
	int go, gone, result, unlocked;
};

static void *wait_to_go(void *argument)
{
	struct wait *const w = argument;

	(void)peeps_mutex_lock(w->m);
	w->gone++;
	while (!w->go && w->result == 0)
		w->result = peeps_cond_wait(w->c, w->m);
	w->unlocked = peeps_mutex_unlock(w->m);
	return NULL;
}

static void let_go(const char *kind, struct peeps_cond *c, struct peeps_mutex *m, int all)
{
	struct wait w = { .c = c, .m = m };
	pthread_t thread;
	int gone = 0;

	(void)pthread_create(&thread, NULL, wait_to_go, &w);
	while (!gone) {
		(void)peeps_mutex_lock(m);
		gone = w.gone;
		(void)peeps_mutex_unlock(m);
		(void)sched_yield();
	}
	(void)peeps_mutex_lock(m);
	w.go = 1;
	SAY(all ? peeps_cond_broadcast(c) : peeps_cond_signal(c));
	(void)peeps_mutex_unlock(m);
	(void)pthread_join(thread, NULL);
	way_say("%s: went: %d, unlock %d", kind, w.result, w.unlocked);
}

static void common(const char *kind, struct peeps_mutex *m)
{
	const struct timespec past = { .tv_sec = 1 }, invalid = { .tv_nsec = 1000000000 };
	struct peeps_cond c, monotonic;
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	SAY(peeps_cond_init(&c, kind, NULL));
	SAY(peeps_cond_init(&monotonic, NULL, &attributes));
	for (int round = 0; round < 2; round++) {
		const struct timespec soon = in_ms(CLOCK_REALTIME, 15),
				      soon_too = in_ms(CLOCK_MONOTONIC, 15);

		SAY(peeps_cond_signal(&c));
		SAY(peeps_cond_broadcast(&c));
		SAY(peeps_mutex_lock(m));
		SAY(peeps_cond_timedwait(&c, m, &soon));
		SAY(peeps_cond_timedwait(&c, m, &past));
		SAY(peeps_cond_timedwait(&c, m, &invalid));
		SAY(peeps_cond_timedwait(&monotonic, m, &soon_too));
		SAY(peeps_mutex_unlock(m));
		let_go(kind, &c, m, 0);
		let_go(kind, &monotonic, m, 1);
	}
	SAY(peeps_cond_destroy(&c));
	SAY(peeps_cond_destroy(&monotonic));
}

static void kinds(void)
{
	static const struct {
		const char *kind;
		int type, robust, protocol;
	} rows[] = {
		{ "normal", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE },
		{ "recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE },
		{ "errorcheck", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED,
		  PTHREAD_PRIO_NONE },
		{ "robust", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE },
		{ "inherit", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_mutex m;

		make(&m, rows[i].type, rows[i].robust, rows[i].protocol, PTHREAD_PROCESS_PRIVATE);
		common(rows[i].kind, &m);
	}
}

static void misuse(void)
{
	const char *const kind = "misuse";
	const struct timespec past = { .tv_sec = 1 }, invalid = { .tv_nsec = -1 };
	struct peeps_cond c = PEEPS_COND_INIT("misused"), zeroed;
	struct peeps_mutex m;

	make(&m, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	for (int round = 0; round < 2; round++) {
		SAY(peeps_cond_wait(&c, &m)); /* not held */
		SAY(peeps_cond_timedwait(&c, &m, &past));
		SAY(peeps_cond_timedwait(&c, &m, &invalid));
		SAY(peeps_mutex_lock(&m));
		SAY(peeps_cond_timedwait(&c, &m, &past));
		SAY(peeps_mutex_unlock(&m));
	}
	SAY(peeps_cond_destroy(&c));
	SAY(peeps_cond_destroy(&c));
	memset(&zeroed, 0, sizeof(zeroed));
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_cond_timedwait(&zeroed, &m, &past));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_cond_signal(&zeroed));
	SAY(peeps_cond_destroy(&zeroed));
}

static struct peeps_cond changed = PEEPS_COND_INIT("changed");
static struct peeps_mutex state_lock = PEEPS_MUTEX_INIT("state");
static int turn;

static void *play(void *argument)
{
	const int me = *(int *)argument;
	int rounds = 0;

	(void)peeps_mutex_lock(&state_lock);
	for (int i = 0; i < 300; i++) {
		while (turn % 3 != me)
			(void)peeps_cond_wait(&changed, &state_lock);
		turn++;
		rounds++;
		(void)peeps_cond_broadcast(&changed);
	}
	(void)peeps_mutex_unlock(&state_lock);
	*(int *)argument = rounds;
	return NULL;
}

static void in_turns(void)
{
	int players[3] = { 0, 1, 2 };
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		(void)pthread_create(&threads[i], NULL, play, &players[i]);
	for (int i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("turns %d: %d %d %d", turn, players[0], players[1], players[2]);
}

/* A queue of one place, without a wakeup too many: each signal has to wake one who waits for it. */
static struct {
	struct peeps_mutex m;
	struct peeps_cond filled, emptied;
	int full;
	long put, taken;
} queue = {
	PEEPS_MUTEX_INIT("queue"), PEEPS_COND_INIT("filled"), PEEPS_COND_INIT("emptied"), 0, 0, 0
};

#define QUEUE_ITEMS 1000

static void *put(void *unused)
{
	for (int i = 0; i < QUEUE_ITEMS; i++) {
		(void)peeps_mutex_lock(&queue.m);
		while (queue.full)
			(void)peeps_cond_wait(&queue.emptied, &queue.m);
		queue.full = 1;
		queue.put++;
		if (i % 2) /* with the mutex held, and without */
			(void)peeps_cond_signal(&queue.filled);
		(void)peeps_mutex_unlock(&queue.m);
		if (i % 2 == 0)
			(void)peeps_cond_signal(&queue.filled);
	}
	return unused;
}

static void *take(void *unused)
{
	for (int i = 0; i < QUEUE_ITEMS; i++) {
		(void)peeps_mutex_lock(&queue.m);
		while (!queue.full)
			(void)peeps_cond_wait(&queue.filled, &queue.m);
		queue.full = 0;
		queue.taken++;
		(void)peeps_mutex_unlock(&queue.m);
		(void)peeps_cond_signal(&queue.emptied);
	}
	return unused;
}

static void one_each(void)
{
	pthread_t threads[6];

	for (int i = 0; i < 6; i++)
		(void)pthread_create(&threads[i], NULL, i % 2 ? put : take, NULL);
	for (int i = 0; i < 6; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("put %ld, taken %ld, full %d", queue.put, queue.taken, queue.full);
}

/* Destroyed, and its memory used for something else, as soon as all have been woken. */
static void destroyed_at_once(void)
{
	enum { THREADS = 4 };
	int failed = 0;

	for (int round = 0; round < way_scaled(100); round++) {
		struct peeps_cond *const c = malloc(sizeof(*c));
		struct peeps_mutex m = PEEPS_MUTEX_INIT("survives");
		struct wait waits[THREADS];
		pthread_t threads[THREADS];
		int waiting = 0;

		failed += peeps_cond_init(c, "short-lived", NULL) != 0;
		for (int i = 0; i < THREADS; i++) {
			waits[i] = (struct wait){ .c = c, .m = &m };
			(void)pthread_create(&threads[i], NULL, wait_to_go, &waits[i]);
		}
		while (waiting < THREADS) {
			(void)peeps_mutex_lock(&m);
			waiting = 0;
			for (int i = 0; i < THREADS; i++)
				waiting += waits[i].gone;
			(void)peeps_mutex_unlock(&m);
			(void)sched_yield();
		}
		(void)peeps_mutex_lock(&m);
		for (int i = 0; i < THREADS; i++)
			waits[i].go = 1;
		failed += peeps_cond_broadcast(c) != 0;
		failed += peeps_cond_destroy(c) != 0; /* nobody has come back yet */
		memset(c, 0xa5, sizeof(*c));
		free(c);
		(void)peeps_mutex_unlock(&m);
		for (int i = 0; i < THREADS; i++)
			(void)pthread_join(threads[i], NULL);
		failed += peeps_mutex_destroy(&m) != 0;
	}
	way_say("failed %d", failed);
}

/* Cancelled in a wait: the cleanup handler finds the mutex locked, as it must. */
static int unlocked_in_cleanup;

static void unlock_in_cleanup(void *unused)
{
	(void)unused;
	unlocked_in_cleanup = 10 + peeps_mutex_unlock(&state_lock);
}

static void *wait_for_ever(void *unused)
{
	(void)peeps_mutex_lock(&state_lock);
	pthread_cleanup_push(unlock_in_cleanup, NULL);
	for (;;)
		(void)peeps_cond_wait(&changed, &state_lock);
	pthread_cleanup_pop(1);
	return unused;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 6; i++) {
		unlocked_in_cleanup = 0;
		(void)pthread_create(&thread, NULL, wait_for_ever, NULL);
		way_sleep_ms(10);
		if (i % 2)
			(void)peeps_mutex_lock(&state_lock); /* it has to wait for that, first */
		(void)pthread_cancel(thread);
		if (i % 2) {
			way_sleep_ms(5);
			(void)peeps_cond_signal(&changed);
			(void)peeps_mutex_unlock(&state_lock);
		}
		(void)pthread_join(thread, &result);
		WAY_SAY2("cancelled, cleanup", result == PTHREAD_CANCELED, unlocked_in_cleanup);
		WAY_SAY2("trylock, unlock", peeps_mutex_trylock(&state_lock),
			 peeps_mutex_unlock(&state_lock));
	}
}

static void *note_the_owner(void *m)
{
	(void)peeps_mutex_lock((struct peeps_mutex *)m);
	return NULL; /* and dies with it */
}

static void owner_dies(void)
{
	const char *const kind = "owner dies";
	struct peeps_cond c = PEEPS_COND_INIT("of the robust");
	struct peeps_mutex m;
	struct wait w = { .c = &c, .m = &m };
	pthread_t thread, owner;
	int gone = 0;

	make(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	(void)pthread_create(&thread, NULL, wait_to_go, &w);
	while (!gone) {
		(void)peeps_mutex_lock(&m);
		gone = w.gone;
		(void)peeps_mutex_unlock(&m);
	}
	(void)pthread_create(&owner, NULL, note_the_owner, &m);
	(void)pthread_join(owner, NULL);
	SAY(peeps_cond_signal(&c));
	(void)pthread_join(thread, NULL);
	way_say("%s: the wait says %d, unlock %d", kind, w.result, w.unlocked);
	SAY(peeps_mutex_lock(&m));
}

/* Forked while others wait: the child has the condition to itself. */
static void forked(void)
{
	pthread_t threads[3];
	pid_t child;

	for (int i = 0; i < 3; i++)
		(void)pthread_create(&threads[i], NULL, wait_for_ever, NULL);
	way_sleep_ms(20);
	(void)peeps_mutex_lock(&state_lock);
	child = fork();
	if (child == 0) {
		const struct timespec soon = in_ms(CLOCK_REALTIME, 20);
		const char *const kind = "child";
		struct peeps_cond own = PEEPS_COND_INIT("own");

		SAY(peeps_cond_signal(&changed));
		SAY(peeps_cond_timedwait(&own, &state_lock, &soon));
		SAY(peeps_mutex_unlock(&state_lock));
		let_go(kind, &own, &state_lock, 0);
		_exit(7);
	}
	(void)peeps_mutex_unlock(&state_lock);
	way_say_child("child", child);
	for (int i = 0; i < 3; i++) {
		(void)pthread_cancel(threads[i]);
		(void)pthread_join(threads[i], NULL);
	}
	way_say("parent goes on");
}

/* The condition and its mutex lie where several processes see them. */
static void process_shared(void)
{
	struct shared {
		struct peeps_mutex m;
		struct peeps_cond c;
		int turn;
	} *const shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_condattr_t attributes;
	pid_t child;

	make(&shared->m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_SHARED);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	way_say("init %d", peeps_cond_init(&shared->c, "shared", &attributes));
	child = fork();
	for (int i = 0; i < 100; i++) {
		(void)peeps_mutex_lock(&shared->m);
		while (shared->turn % 2 != (child == 0))
			(void)peeps_cond_wait(&shared->c, &shared->m);
		shared->turn++;
		(void)peeps_cond_signal(&shared->c);
		(void)peeps_mutex_unlock(&shared->m);
	}
	if (child == 0)
		_exit(3);
	way_say_child("child", child);
	way_say("turns %d, destroy %d", shared->turn, peeps_cond_destroy(&shared->c));
}

/* Through the plain symbols, as bindings and function pointers call them. */
static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	const struct timespec past = { .tv_sec = 1 };
	struct peeps_mutex m = PEEPS_MUTEX_INIT("plain");
	struct peeps_cond c;
#ifdef PEEPS_DISABLE
#define CALL(name) pthread_cond_##name
#define ON(what)   (&(what)->raw)
#define INIT(cond) pthread_cond_init(&(cond)->raw, NULL)
#else
#define CALL(name) (peeps_cond_##name)
#define ON(what)   (what)
#define INIT(cond) (peeps_cond_init)(cond, NULL, NULL)
#endif
	int results[5];

	results[0] = INIT(&c);
	(void)peeps_mutex_lock(&m);
	results[1] = CALL(timedwait)(ON(&c), ON(&m), &past);
	(void)peeps_mutex_unlock(&m);
	results[2] = CALL(signal)(ON(&c));
	results[3] = CALL(broadcast)(ON(&c));
	let_go(kind, &c, &m, 0);
	results[4] = CALL(destroy)(ON(&c));
	for (int i = 0; i < 5; i++)
		way_say("%s: %d", kind, results[i]);
}

WAY_MAIN({ "kinds", kinds }, { "misuse", misuse }, { "in_turns", in_turns },
	 { "one_each", one_each }, { "destroyed_at_once", destroyed_at_once },
	 { "cancelled", cancelled }, { "owner_dies", owner_dies }, { "forked", forked },
	 { "process_shared", process_shared }, { "plain_symbols", plain_symbols })
