/* SPDX-License-Identifier: MIT */
/* Every kind of rwlock, every result: a table of standard cases, and errno as it was before. */
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

static struct timespec in_ms(long ms)
{
	struct timespec when;

	(void)clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec += ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

/* Another thread's attempts on a lock that is read, written, or free. Each that succeeds is undone. */
struct attempt {
	struct peeps_rwlock *l;
	int read[4], write[4]; /* try, timed, past, invalid */
	int unlock;            /* of all of them */
};

static int undo(struct attempt *a, int result)
{
	if (result == 0)
		a->unlock |= peeps_rwlock_unlock(a->l);
	return result;
}

static void *attempt(void *argument)
{
	struct attempt *const a = argument;
	const struct timespec soon = in_ms(20), past = { .tv_sec = 1 },
			      invalid = { .tv_nsec = 1000000000 };

	errno = ERRNO_BEFORE;
	a->read[0] = undo(a, peeps_rwlock_tryrdlock(a->l));
	a->read[1] = undo(a, peeps_rwlock_timedrdlock(a->l, &soon));
	a->read[2] = undo(a, peeps_rwlock_timedrdlock(a->l, &past));
	a->read[3] = undo(a, peeps_rwlock_timedrdlock(a->l, &invalid));
	a->write[0] = undo(a, peeps_rwlock_trywrlock(a->l));
	a->write[1] = undo(a, peeps_rwlock_timedwrlock(a->l, &soon));
	a->write[2] = undo(a, peeps_rwlock_timedwrlock(a->l, &past));
	a->write[3] = undo(a, peeps_rwlock_timedwrlock(a->l, &invalid));
	if (errno != ERRNO_BEFORE)
		way_say("errno changed");
	return NULL;
}

static void say_attempts(const char *kind, struct peeps_rwlock *l)
{
	struct attempt a = { .l = l };
	pthread_t thread;

	(void)pthread_create(&thread, NULL, attempt, &a);
	(void)pthread_join(thread, NULL);
	way_say("%s: another thread: read %d %d %d %d, write %d %d %d %d, unlock %d", kind,
		a.read[0], a.read[1], a.read[2], a.read[3], a.write[0], a.write[1], a.write[2],
		a.write[3], a.unlock);
}

static void make(const char *kind, struct peeps_rwlock *l, int preference, int shared)
{
	pthread_rwlockattr_t attributes;

	(void)pthread_rwlockattr_init(&attributes);
	(void)pthread_rwlockattr_setkind_np(&attributes, preference);
	(void)pthread_rwlockattr_setpshared(&attributes, shared);
	SAY(peeps_rwlock_init(l, kind, &attributes));
	(void)pthread_rwlockattr_destroy(&attributes);
}

/* What every kind can do. */
static void common(const char *kind, struct peeps_rwlock *l)
{
	const struct timespec soon = in_ms(30), past = { .tv_sec = 1 }, invalid = { .tv_nsec = -1 };

	for (int round = 0; round < 2; round++) { /* the second goes the fast path */
		SAY(peeps_rwlock_rdlock(l));
		say_attempts(kind, l);
		SAY(peeps_rwlock_rdlock(l)); /* once more, by its reader */
		SAY(peeps_rwlock_tryrdlock(l));
		SAY(peeps_rwlock_timedrdlock(l, &past));
		SAY(peeps_rwlock_timedrdlock(l, &invalid));
		SAY(peeps_rwlock_trywrlock(l)); /* who reads asks to write */
		SAY(peeps_rwlock_timedwrlock(l, &past));
		for (int i = 0; i < 4; i++)
			SAY(peeps_rwlock_unlock(l));
		say_attempts(kind, l);
		SAY(peeps_rwlock_wrlock(l));
		say_attempts(kind, l);
		SAY(peeps_rwlock_wrlock(l)); /* its writer, once more */
		SAY(peeps_rwlock_trywrlock(l));
		SAY(peeps_rwlock_timedwrlock(l, &soon));
		SAY(peeps_rwlock_timedwrlock(l, &invalid));
		SAY(peeps_rwlock_rdlock(l));
		SAY(peeps_rwlock_tryrdlock(l));
		SAY(peeps_rwlock_timedrdlock(l, &soon));
		SAY(peeps_rwlock_unlock(l));
		say_attempts(kind, l);
		SAY(peeps_rwlock_trywrlock(l));
		SAY(peeps_rwlock_unlock(l));
		SAY(peeps_rwlock_timedwrlock(l, &soon));
		SAY(peeps_rwlock_unlock(l));
	}
}

static void readers_first(void)
{
	const char *const kind = "readers first";
	struct peeps_rwlock l, zeroed;

	make(kind, &l, PTHREAD_RWLOCK_PREFER_READER_NP, PTHREAD_PROCESS_PRIVATE);
	common(kind, &l);
	SAY(peeps_rwlock_destroy(&l));
	SAY(peeps_rwlock_destroy(&l));
	SAY(peeps_rwlock_init(&l, NULL, NULL));
	common(kind, &l);
	SAY(peeps_rwlock_destroy(&l));

	/* Never initialized, which Linux has always let pass. */
	memset(&zeroed, 0, sizeof(zeroed));
	common(kind, &zeroed);
	SAY(peeps_rwlock_destroy(&zeroed));
}

static void writers_first(void)
{
	const char *kind = "writers first";
	struct peeps_rwlock l;

	make(kind, &l, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, PTHREAD_PROCESS_PRIVATE);
	common(kind, &l);
	SAY(peeps_rwlock_destroy(&l));
	kind = "writers first, they say";
	make(kind, &l, PTHREAD_RWLOCK_PREFER_WRITER_NP, PTHREAD_PROCESS_PRIVATE);
	common(kind, &l);
	SAY(peeps_rwlock_destroy(&l));
}

/* Who asks for what while another has it, and gets it when that is over. */
struct turn {
	struct peeps_rwlock *l;
	int write;
	int result, unlocked;
	long *cell;
	long seen;
};

static void *take_a_turn(void *argument)
{
	struct turn *const turn = argument;

	turn->result = turn->write ? peeps_rwlock_wrlock(turn->l) : peeps_rwlock_rdlock(turn->l);
	turn->seen = *turn->cell;
	if (turn->write)
		*turn->cell += 100;
	turn->unlocked = peeps_rwlock_unlock(turn->l);
	return NULL;
}

static void waits(void)
{
	struct peeps_rwlock l = PEEPS_RWLOCK_INIT("waits");
	long cell = 1;

	for (int i = 0; i < 6; i++) {
		struct turn turn = { .l = &l, .write = i % 2, .cell = &cell };
		pthread_t thread;

		(void)(i < 4 ? peeps_rwlock_wrlock(&l) : peeps_rwlock_rdlock(&l));
		(void)pthread_create(&thread, NULL, take_a_turn, &turn);
		way_sleep_ms(30);
		if (i < 4)
			cell++;
		(void)peeps_rwlock_unlock(&l);
		(void)pthread_join(thread, NULL);
		way_say("turn %d: %d %d, saw %ld", i, turn.result, turn.unlocked, turn.seen);
	}
	way_say("cell %ld, destroy %d", cell, peeps_rwlock_destroy(&l));
}

/* The lock and its hook lie where several processes see them. */
static void process_shared(void)
{
	const char *const kind = "process-shared";
	const int rounds = way_scaled(1000);
	struct shared {
		struct peeps_rwlock l;
		long count, odd;
	} *const shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[3];

	make(kind, &shared->l, PTHREAD_RWLOCK_PREFER_READER_NP, PTHREAD_PROCESS_SHARED);
	common(kind, &shared->l);
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] != 0)
			continue;
		for (int round = 0; round < rounds; round++) {
			if (peeps_rwlock_wrlock(&shared->l) != 0)
				_exit(1);
			shared->count++;
			shared->count++;
			(void)peeps_rwlock_unlock(&shared->l);
			if (peeps_rwlock_rdlock(&shared->l) != 0)
				_exit(2);
			if (shared->count % 2 != 0)
				_exit(3);
			(void)peeps_rwlock_unlock(&shared->l);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		way_say_child("child", children[i]);
	way_say("missing %ld", 6L * rounds - shared->count);
	SAY(peeps_rwlock_destroy(&shared->l));
}

/* A child has the locks that its parent had, and those that the thread which forked held. */
static void forked(void)
{
	const char *const kind = "forked";
	struct peeps_rwlock read = PEEPS_RWLOCK_INIT("read"),
			    written = PEEPS_RWLOCK_INIT("written");
	pid_t child;

	for (int round = 0; round < 2; round++) {
		SAY(peeps_rwlock_rdlock(&read));
		SAY(peeps_rwlock_wrlock(&written));
		child = fork();
		if (child == 0) {
			SAY(peeps_rwlock_trywrlock(&read));
			SAY(peeps_rwlock_unlock(&read));
			common(kind, &read);
			/* Its writer has another tid here: it is nobody's to unlock. */
			SAY(peeps_rwlock_trywrlock(&written));
			SAY(peeps_rwlock_tryrdlock(&written));
			_exit(7);
		}
		way_say_child("child", child);
		SAY(peeps_rwlock_unlock(&read));
		SAY(peeps_rwlock_unlock(&written));
		common(kind, &read);
		common(kind, &written);
	}
}

/* Through the plain symbols, as bindings and function pointers call them. */
static void plain_symbols(void)
{
	const char *const kind = "plain symbols";
	const struct timespec soon = in_ms(20);
	struct peeps_rwlock l;
#ifdef PEEPS_DISABLE
#define CALL(name) pthread_rwlock_##name
#define ON(lock)   (&(lock)->raw)
#define INIT(lock) pthread_rwlock_init(&(lock)->raw, NULL)
#else
#define CALL(name) (peeps_rwlock_##name)
#define ON(lock)   (lock)
#define INIT(lock) (peeps_rwlock_init)(lock, NULL, NULL)
#endif
	int results[13];

	results[0] = INIT(&l);
	for (int round = 0; round < 3; round++) {
		results[1] = CALL(rdlock)(ON(&l));
		results[2] = CALL(tryrdlock)(ON(&l));
		results[3] = CALL(timedrdlock)(ON(&l), &soon);
		results[4] = CALL(trywrlock)(ON(&l));
		say_attempts(kind, &l);
		results[5] = CALL(unlock)(ON(&l)) + CALL(unlock)(ON(&l)) + CALL(unlock)(ON(&l));
		results[6] = CALL(wrlock)(ON(&l));
		results[7] = CALL(trywrlock)(ON(&l));
		say_attempts(kind, &l);
		results[8] = CALL(unlock)(ON(&l));
		results[9] = CALL(timedwrlock)(ON(&l), &soon);
		results[10] = CALL(tryrdlock)(ON(&l));
		results[11] = CALL(unlock)(ON(&l));
	}
	results[12] = CALL(destroy)(ON(&l));
	for (int i = 0; i < 13; i++)
		way_say("%s: %d", kind, results[i]);
}

/* What is done to raw behind our back is not our business, nor our undoing. */
static void *unlock_raw(void *l)
{
	return (void *)(intptr_t)pthread_rwlock_unlock(&((struct peeps_rwlock *)l)->raw);
}

static void behind_our_back(void)
{
	const char *const kind = "behind our back";
	struct peeps_rwlock l;
	pthread_t thread;

	make(kind, &l, PTHREAD_RWLOCK_PREFER_READER_NP, PTHREAD_PROCESS_PRIVATE);
	for (int round = 0; round < 2; round++) {
		SAY(pthread_rwlock_rdlock(&l.raw));
		SAY(peeps_rwlock_unlock(&l));
		SAY(peeps_rwlock_rdlock(&l));
		SAY(pthread_rwlock_unlock(&l.raw));
		say_attempts(kind, &l);
		SAY(peeps_rwlock_rdlock(&l));
		(void)pthread_create(&thread, NULL, unlock_raw, &l); /* not its own, but it works */
		(void)pthread_join(thread, NULL);
		say_attempts(kind, &l);
		SAY(pthread_rwlock_wrlock(&l.raw));
		SAY(peeps_rwlock_rdlock(&l));
		SAY(peeps_rwlock_unlock(&l));
		SAY(peeps_rwlock_wrlock(&l));
		SAY(pthread_rwlock_unlock(&l.raw));
		SAY(peeps_rwlock_rdlock(&l));
		say_attempts(kind, &l);
		SAY(peeps_rwlock_unlock(&l));
	}
	SAY(peeps_rwlock_destroy(&l));
}

/* Threads that end while they read, locks that end while they are read. */
static void *read_and_exit(void *l)
{
	return (void *)(intptr_t)peeps_rwlock_rdlock((struct peeps_rwlock *)l);
}

static void left_behind(void)
{
	const char *const kind = "left behind";
	struct peeps_rwlock *const locks = calloc(100, sizeof(*locks));
	int failed = 0;

	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		void *result;

		failed += peeps_rwlock_init(&locks[i], "left behind", NULL) != 0;
		(void)pthread_create(&thread, NULL, read_and_exit, &locks[i]);
		(void)pthread_join(thread, &result);
		failed += result != NULL;
		failed += peeps_rwlock_trywrlock(&locks[i]) != EBUSY;
		failed += peeps_rwlock_tryrdlock(&locks[i]) != 0;
		if (i % 2)
			failed += peeps_rwlock_unlock(&locks[i]) != 0;
		failed += peeps_rwlock_destroy(&locks[i]) != 0;
	}
	way_say("%s: failed %d", kind, failed);
	free(locks);
}

/* Many threads on few locks of every kind; what they count must come out, and no reader sees half of it. */
#define CONTESTS 3
static struct contest {
	struct peeps_rwlock l;
	long first, second;
} contests[CONTESTS];

static void look(struct contest *c, int i)
{
	const struct timespec late = in_ms(20000);

	if ((i % 3 == 0 ? peeps_rwlock_timedrdlock(&c->l, &late) : peeps_rwlock_rdlock(&c->l)) != 0)
		way_wrong("rdlock");
	if (c->first != c->second)
		way_wrong("half a change");
	if (i % 50 == 0)
		(void)sched_yield();
	if (peeps_rwlock_unlock(&c->l) != 0)
		way_wrong("unlock");
}

static void *compete(void *unused)
{
	const struct timespec late = in_ms(20000);

	for (int i = 0; i < 2000; i++) {
		struct contest *const c = &contests[i % CONTESTS];

		if (i % 4 != 0) {
			look(c, i);
			continue;
		}
		if ((i % 8 == 0 ? peeps_rwlock_timedwrlock(&c->l, &late)
				: peeps_rwlock_wrlock(&c->l)) != 0)
			way_wrong("wrlock");
		c->first++;
		if (i % 40 == 0)
			(void)sched_yield();
		c->second++;
		if (peeps_rwlock_unlock(&c->l) != 0)
			way_wrong("unlock");
		if (peeps_rwlock_trywrlock(&c->l) == 0) {
			c->first += 1000000;
			c->second += 1000000;
			(void)peeps_rwlock_unlock(&c->l);
		}
		if (peeps_rwlock_tryrdlock(&c->l) == 0)
			(void)peeps_rwlock_unlock(&c->l);
	}
	return unused;
}

static void contention(void)
{
	static const int preferences[CONTESTS] = { PTHREAD_RWLOCK_PREFER_READER_NP,
						   PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP,
						   PTHREAD_RWLOCK_PREFER_WRITER_NP };
	const char *const kind = "contention";
	pthread_t threads[8];

	for (int i = 0; i < CONTESTS; i++)
		make(kind, &contests[i].l, preferences[i], PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < 8; i++)
		(void)pthread_create(&threads[i], NULL, compete, NULL);
	for (int i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	for (int i = 0; i < CONTESTS; i++)
		way_say("count %ld, destroy %d", contests[i].first % 1000000,
			peeps_rwlock_destroy(&contests[i].l));
}

WAY_MAIN({ "readers_first", readers_first }, { "writers_first", writers_first }, { "waits", waits },
	 { "process_shared", process_shared }, { "forked", forked },
	 { "plain_symbols", plain_symbols }, { "behind_our_back", behind_our_back },
	 { "left_behind", left_behind }, { "contention", contention })
