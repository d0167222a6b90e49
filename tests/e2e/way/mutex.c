/* SPDX-License-Identifier: MIT */
/* Every kind of mutex, every result: a table of standard cases, and errno as it was before. */
#include <errno.h>
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

static struct timespec in_ms(long ms)
{
	struct timespec when;

	(void)clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec += ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

/* Another thread's attempts on a mutex that is held, or not. */
struct attempt {
	struct peeps_mutex *m;
	int trylock, timedlock, past, invalid, unlock;
};

static void *attempt(void *argument)
{
	struct attempt *const a = argument;
	const struct timespec soon = in_ms(20), past = { .tv_sec = 1 },
			      invalid = { .tv_nsec = 1000000000 };

	errno = ERRNO_BEFORE;
	a->trylock = peeps_mutex_trylock(a->m);
	if (a->trylock == 0)
		a->unlock = peeps_mutex_unlock(a->m);
	a->timedlock = peeps_mutex_timedlock(a->m, &soon);
	if (a->timedlock == 0)
		a->unlock = peeps_mutex_unlock(a->m);
	a->past = peeps_mutex_timedlock(a->m, &past);
	if (a->past == 0)
		a->unlock = peeps_mutex_unlock(a->m);
	a->invalid = peeps_mutex_timedlock(a->m, &invalid);
	if (a->invalid == 0)
		a->unlock = peeps_mutex_unlock(a->m);
	if (errno != ERRNO_BEFORE)
		way_say("errno changed");
	return NULL;
}

static void say_attempts(const char *kind, struct peeps_mutex *m)
{
	struct attempt a = { .m = m, .unlock = -1 };
	pthread_t thread;

	(void)pthread_create(&thread, NULL, attempt, &a);
	(void)pthread_join(thread, NULL);
	way_say("%s: another thread: trylock %d, timedlock %d, past %d, invalid %d, unlock %d",
		kind, a.trylock, a.timedlock, a.past, a.invalid, a.unlock);
}

static void *unlock_as_another(void *m)
{
	return (void *)(intptr_t)peeps_mutex_unlock((struct peeps_mutex *)m);
}

static void say_unlock_as_another(const char *kind, struct peeps_mutex *m)
{
	pthread_t thread;
	void *result;

	(void)pthread_create(&thread, NULL, unlock_as_another, m);
	(void)pthread_join(thread, &result);
	way_say("%s: another thread: unlock %d", kind, (int)(intptr_t)result);
}

static void make(const char *kind, struct peeps_mutex *m, int type, int robust, int protocol,
		 int shared)
{
	pthread_mutexattr_t attributes;

	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, type);
	(void)pthread_mutexattr_setrobust(&attributes, robust);
	(void)pthread_mutexattr_setprotocol(&attributes, protocol);
	(void)pthread_mutexattr_setpshared(&attributes, shared);
	SAY(peeps_mutex_init(m, kind, &attributes));
	(void)pthread_mutexattr_destroy(&attributes);
}

/* What every kind can do. */
static void common(const char *kind, struct peeps_mutex *m, bool robust)
{
	for (int round = 0; round < 2; round++) { /* the second goes the fast path */
		SAY(peeps_mutex_lock(m));
		say_attempts(kind, m);
		/* Of a robust one glibc does not ask whether it is held, and destroys it. */
		if (!robust)
			SAY(peeps_mutex_destroy(m));
		SAY(peeps_mutex_unlock(m));
		SAY(peeps_mutex_trylock(m));
		SAY(peeps_mutex_unlock(m));
		say_attempts(kind, m);
	}
}

static void normal(void)
{
	const char *const kind = "normal";
	const struct timespec soon = in_ms(30), invalid = { .tv_nsec = -1 };
	struct peeps_mutex m, zeroed;

	make(kind, &m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, false);
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_trylock(&m));
	SAY(peeps_mutex_timedlock(&m, &soon)); /* a deadlock with itself */
	SAY(peeps_mutex_timedlock(&m, &invalid));
	say_unlock_as_another(kind, &m); /* not forbidden to this kind, in fact */
	SAY(peeps_mutex_trylock(&m));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_unlock(&m)); /* not held at all: nothing happens */
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_destroy(&m));
	SAY(peeps_mutex_destroy(&m));
	make(kind, &m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_destroy(&m));

	/* Never initialized, which Linux has always let pass for a plain mutex. */
	memset(&zeroed, 0, sizeof(zeroed));
	SAY(peeps_mutex_lock(&zeroed));
	SAY(peeps_mutex_trylock(&zeroed));
	SAY(peeps_mutex_unlock(&zeroed));
	SAY(peeps_mutex_destroy(&zeroed));
}

static void recursive(void)
{
	const char *const kind = "recursive";
	const struct timespec soon = in_ms(30);
	struct peeps_mutex m;

	make(kind, &m, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, false);
	SAY(peeps_mutex_unlock(&m));
	for (int depth = 0; depth < 5; depth++) {
		SAY(peeps_mutex_lock(&m));
		SAY(peeps_mutex_trylock(&m));
		SAY(peeps_mutex_timedlock(&m, &soon));
	}
	say_attempts(kind, &m);
	for (int depth = 0; depth < 14; depth++)
		SAY(peeps_mutex_unlock(&m));
	say_attempts(kind, &m);
	say_unlock_as_another(kind, &m);
	SAY(peeps_mutex_unlock(&m));
	say_attempts(kind, &m);
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_destroy(&m));
}

static void errorcheck(void)
{
	const char *const kind = "errorcheck";
	const struct timespec soon = in_ms(30);
	struct peeps_mutex m;

	make(kind, &m, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, false);
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_trylock(&m));
	SAY(peeps_mutex_timedlock(&m, &soon));
	say_unlock_as_another(kind, &m);
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_destroy(&m));
}

static void *lock_and_die(void *m)
{
	return (void *)(intptr_t)peeps_mutex_lock((struct peeps_mutex *)m);
}

static void say_owner_dies(const char *kind, struct peeps_mutex *m)
{
	pthread_t thread;
	void *result;

	(void)pthread_create(&thread, NULL, lock_and_die, m);
	(void)pthread_join(thread, &result);
	way_say("%s: another thread locks it and dies: %d", kind, (int)(intptr_t)result);
}

/* The owner dies while we wait. */
static pthread_barrier_t locked;

static void *lock_and_die_later(void *m)
{
	(void)peeps_mutex_lock((struct peeps_mutex *)m);
	(void)pthread_barrier_wait(&locked);
	way_sleep_ms(20);
	return NULL;
}

static void robust_kind(const char *kind, int type, int protocol)
{
	const struct timespec soon = in_ms(2000);
	struct peeps_mutex m;
	pthread_t thread;

	make(kind, &m, type, PTHREAD_MUTEX_ROBUST, protocol, PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, true);
	say_owner_dies(kind, &m);
	SAY(peeps_mutex_lock(&m));
	SAY(pthread_mutex_consistent(&m.raw));
	SAY(peeps_mutex_unlock(&m));
	say_owner_dies(kind, &m);
	SAY(peeps_mutex_trylock(&m));
	SAY(pthread_mutex_consistent(&m.raw));
	SAY(peeps_mutex_unlock(&m));
	say_owner_dies(kind, &m);
	SAY(peeps_mutex_timedlock(&m, &soon));
	SAY(pthread_mutex_consistent(&m.raw));
	SAY(peeps_mutex_unlock(&m));

	(void)pthread_barrier_init(&locked, NULL, 2);
	(void)pthread_create(&thread, NULL, lock_and_die_later, &m);
	(void)pthread_barrier_wait(&locked);
	SAY(peeps_mutex_lock(&m));
	(void)pthread_join(thread, NULL);
	SAY(pthread_mutex_consistent(&m.raw));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_unlock(&m));

	say_owner_dies(kind, &m);
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_unlock(&m)); /* not made consistent: lost for good */
	for (int i = 0; i < 3; i++) {
		SAY(peeps_mutex_lock(&m));
		SAY(peeps_mutex_timedlock(&m, &soon));
	}
	/* glibc's trylock keeps the mutex: the last thing to be done with it. */
	SAY(peeps_mutex_trylock(&m));
}

static void robust(void)
{
	robust_kind("robust", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE);
	robust_kind("robust errorcheck", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE);
	robust_kind("robust recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE);
}

static void priority(void)
{
	const char *kind = "priority-inherit";
	struct peeps_mutex m;

	make(kind, &m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT,
	     PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, false);
	SAY(peeps_mutex_destroy(&m));
	kind = "priority-inherit errorcheck";
	make(kind, &m, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT,
	     PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, false);
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_lock(&m));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_destroy(&m));
	kind = "priority-inherit recursive";
	make(kind, &m, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT,
	     PTHREAD_PROCESS_PRIVATE);
	common(kind, &m, false);
	SAY(peeps_mutex_destroy(&m));
	robust_kind("priority-inherit robust", PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT);
}

/* The mutex and its hook lie where several processes see them: forked ones, and one that maps them elsewhere. */
struct shared {
	struct peeps_mutex m;
	struct peeps_mutex robust;
	long count, robust_count;
};

static int count_in(struct shared *shared, int rounds)
{
	int failures = 0;

	for (int i = 0; i < rounds; i++) {
		int r;

		failures += peeps_mutex_lock(&shared->m) != 0;
		shared->count++;
		failures += peeps_mutex_unlock(&shared->m) != 0;
		r = peeps_mutex_lock(&shared->robust);
		if (r == EOWNERDEAD)
			r = pthread_mutex_consistent(&shared->robust.raw);
		failures += r != 0;
		shared->robust_count++;
		failures += peeps_mutex_unlock(&shared->robust) != 0;
	}
	return failures;
}

static struct shared *map_shared(int fd)
{
	struct shared *const shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (shared == MAP_FAILED)
		exit(95);
	return shared;
}

static void process_shared(void)
{
	const char *const kind = "process-shared";
	const int rounds = way_scaled(2000);
	char number[16];
	char *const arguments[] = { (char *)way_self(), (char *)"process_shared_elsewhere", NULL };
	const int fd = memfd_create("shared", 0);
	struct shared *shared;
	pid_t children[4];

	(void)ftruncate(fd, 4096);
	shared = map_shared(fd);
	make(kind, &shared->m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_SHARED);
	make(kind, &shared->robust, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_SHARED);
	common(kind, &shared->m, false);
	common(kind, &shared->robust, true);
	(void)snprintf(number, sizeof(number), "%d", fd);
	(void)setenv("WAY_SHARED_FD", number, 1);
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			if (i % 2 == 0)
				(void)execv(way_self(), arguments);
			if (count_in(shared, rounds) != 0)
				_exit(1);
			(void)peeps_mutex_lock(&shared->robust); /* its owner dies */
			_exit(0);
		}
	}
	way_say("parent: failures %d", count_in(shared, rounds));
	for (int i = 0; i < 4; i++)
		way_say_child("child", children[i]);
	way_say("missing %ld, under the robust one %ld", 5 * rounds - shared->count,
		5 * rounds - shared->robust_count);
	SAY(peeps_mutex_destroy(&shared->m));
}

static void process_shared_elsewhere(void)
{
	struct shared *const shared = map_shared(atoi(getenv("WAY_SHARED_FD")));

	if (count_in(shared, way_scaled(2000)) != 0)
		_exit(1);
	_exit(0);
}

/* Through the plain symbols, as bindings and function pointers call them. */
static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	const struct timespec soon = in_ms(20);
	struct peeps_mutex m;
#ifdef PEEPS_DISABLE
#define CALL(name)  pthread_mutex_##name
#define ON(mutex)   (&(mutex)->raw)
#define INIT(mutex) pthread_mutex_init(&(mutex)->raw, NULL)
#else
#define CALL(name)  (peeps_mutex_##name)
#define ON(mutex)   (mutex)
#define INIT(mutex) (peeps_mutex_init)(mutex, NULL, NULL)
#endif
	int results[10];

	results[0] = INIT(&m);
	for (int round = 0; round < 3; round++) {
		results[1] = CALL(lock)(ON(&m));
		results[2] = CALL(trylock)(ON(&m));
		results[3] = CALL(timedlock)(ON(&m), &soon);
		results[4] = CALL(unlock)(ON(&m));
		results[5] = CALL(trylock)(ON(&m));
		results[6] = CALL(unlock)(ON(&m));
		results[7] = CALL(timedlock)(ON(&m), &soon);
		say_attempts(kind, &m);
		results[8] = CALL(unlock)(ON(&m));
	}
	results[9] = CALL(destroy)(ON(&m));
	for (int i = 0; i < 10; i++)
		way_say("%s: %d", kind, results[i]);
}

/* The condition variable works on the field raw, as the header says. */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct peeps_mutex state_lock = PEEPS_MUTEX_INIT("state");
static int turn;

static void *play(void *argument)
{
	const int me = *(int *)argument;
	int rounds = 0;

	(void)peeps_mutex_lock(&state_lock);
	for (int i = 0; i < 300; i++) {
		while (turn % 3 != me)
			(void)pthread_cond_wait(&changed, &state_lock.raw);
		turn++;
		rounds++;
		(void)pthread_cond_broadcast(&changed);
	}
	(void)peeps_mutex_unlock(&state_lock);
	*(int *)argument = rounds;
	return NULL;
}

static void condition(void)
{
	int players[3] = { 0, 1, 2 };
	struct timespec soon = in_ms(20);
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		(void)pthread_create(&threads[i], NULL, play, &players[i]);
	for (int i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("turns %d: %d %d %d", turn, players[0], players[1], players[2]);
	(void)peeps_mutex_lock(&state_lock);
	way_say("timedwait %d", pthread_cond_timedwait(&changed, &state_lock.raw, &soon));
	way_say("trylock %d", peeps_mutex_trylock(&state_lock));
	way_say("unlock %d", peeps_mutex_unlock(&state_lock));
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
		(void)pthread_cond_wait(&changed, &state_lock.raw);
	pthread_cleanup_pop(1);
	return unused;
}

static void condition_cancelled(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 5; i++) {
		unlocked_in_cleanup = 0;
		(void)pthread_create(&thread, NULL, wait_for_ever, NULL);
		way_sleep_ms(10);
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, &result);
		WAY_SAY2("cancelled, cleanup", result == PTHREAD_CANCELED, unlocked_in_cleanup);
		WAY_SAY2("trylock, unlock", peeps_mutex_trylock(&state_lock),
			 peeps_mutex_unlock(&state_lock));
	}
}

/* What is done to raw behind our back is not our business, nor our undoing. */
static void behind_our_back(void)
{
	const char *const kind = "behind our back";
	struct peeps_mutex m;

	make(kind, &m, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     PTHREAD_PROCESS_PRIVATE);
	SAY(pthread_mutex_lock(&m.raw));
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_lock(&m));
	SAY(pthread_mutex_unlock(&m.raw));
	say_attempts(kind, &m);
	SAY(pthread_mutex_lock(&m.raw));
	SAY(peeps_mutex_lock(&m));
	say_attempts(kind, &m);
	SAY(peeps_mutex_unlock(&m));
	SAY(peeps_mutex_unlock(&m));
	say_attempts(kind, &m);
	SAY(peeps_mutex_destroy(&m));
}

/* Many threads on few locks of every kind; what they count must come out. */
struct contest {
	struct peeps_mutex m;
	long count;
};

static struct contest contests[4];

static void *compete(void *unused)
{
	const struct timespec late = in_ms(20000);

	for (int i = 0; i < 2000; i++) {
		struct contest *const c = &contests[i % 4];

		if ((i % 3 == 0 ? peeps_mutex_timedlock(&c->m, &late) : peeps_mutex_lock(&c->m)) !=
		    0)
			way_wrong("lock");
		c->count++;
		if (i % 50 == 0)
			(void)sched_yield();
		if (peeps_mutex_unlock(&c->m) != 0)
			way_wrong("unlock");
		if (peeps_mutex_trylock(&c->m) == 0) {
			c->count += 1000000;
			(void)peeps_mutex_unlock(&c->m);
		}
	}
	return unused;
}

static void contention(void)
{
	const char *const kind = "contention";
	pthread_t threads[8];

	make(kind, &contests[0].m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
	     0);
	make(kind, &contests[1].m, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED,
	     PTHREAD_PRIO_NONE, 0);
	make(kind, &contests[2].m, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST,
	     PTHREAD_PRIO_NONE, 0);
	make(kind, &contests[3].m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED,
	     PTHREAD_PRIO_INHERIT, 0);
	for (int i = 0; i < 8; i++)
		(void)pthread_create(&threads[i], NULL, compete, NULL);
	for (int i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		way_say("count %ld, destroy %d", contests[i].count % 1000000,
			peeps_mutex_destroy(&contests[i].m));
}

WAY_MAIN({ "normal", normal }, { "recursive", recursive }, { "errorcheck", errorcheck },
	 { "robust", robust }, { "priority", priority }, { "process_shared", process_shared },
	 { "process_shared_elsewhere", process_shared_elsewhere },
	 { "plain_symbols", plain_symbols }, { "condition", condition },
	 { "condition_cancelled", condition_cancelled }, { "behind_our_back", behind_our_back },
	 { "contention", contention })
