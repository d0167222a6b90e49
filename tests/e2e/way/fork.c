/* SPDX-License-Identifier: MIT */
/* Children of every kind: each computes, and each leaves its parent's segment alone. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layout/segment.h"
#include "tests/e2e/way/way.h"

extern char **environ;

static struct peeps_mutex held = PEEPS_MUTEX_INIT("held by the parent");
static struct peeps_mutex ours = PEEPS_MUTEX_INIT("ours");
static struct peeps_mutex busy[3] = {
	PEEPS_MUTEX_INIT("busy 0"),
	PEEPS_MUTEX_INIT("busy 1"),
	PEEPS_MUTEX_INIT("busy 2"),
};
static long counters[3];
static uint64_t stop;

/* An errorcheck mutex tells by its results whom it belongs to. */
static void make_errorcheck(struct peeps_mutex *m, const char *name)
{
	pthread_mutexattr_t attributes;

	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	if (peeps_mutex_init(m, name, &attributes) != 0)
		way_wrong("init");
	(void)pthread_mutexattr_destroy(&attributes);
}

/* What a child does before it ends: locks old and new, its threads too. 0 if all went as it must. */
static void *child_thread(void *failures)
{
	long count[3] = { 0 };

	*(int *)failures += way_work(busy, 3, count, 300);
	return NULL;
}

static int child_work(void)
{
	struct peeps_mutex fresh;
	long count[1] = { 0 };
	int failures = 0;
	pthread_t thread;

	failures += peeps_mutex_init(&fresh, "fresh", NULL) != 0;
	failures += way_work(&fresh, 1, count, 50);
	failures += peeps_mutex_destroy(&fresh) != 0;
	failures += way_work(&ours, 1, count, 50);
	failures += count[0] != 100;
	for (int i = 0; i < 2; i++)
		failures += pthread_create(&thread, NULL, child_thread, &failures) != 0 ||
			    pthread_join(thread, NULL) != 0;
	return failures;
}

/* In the child: its segment is its own, or it has none. */
static int segment_is_mine(void)
{
	const struct peeps_segment_header *const header = way_segment();

	return !header || header->pid == (uint32_t)getpid();
}

/* A copy of the parent's slots, but for what its own threads go on to write: none, in the scenes that use this. */
static unsigned char *copy;
static size_t copy_bytes;

static void remember_segment(void)
{
	const struct peeps_segment_header *const header = way_segment();

	if (!header)
		return;
	copy_bytes = header->sections[PEEPS_SECTION_EDGES - 1].high_water *
			     sizeof(struct peeps_edge_slot) +
		     header->sections[PEEPS_SECTION_EDGES - 1].offset;
	copy = mmap(NULL, copy_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (copy == MAP_FAILED)
		way_wrong("no memory for a copy");
	else
		memcpy(copy, header, copy_bytes);
}

/* A hot slot's epoch and shadow change by our own writes after a cut, so compare what a cut shows of a slot now. */
static void compare_entities(const struct peeps_segment_header *header)
{
	const struct peeps_section_entry *const entry =
		&header->sections[PEEPS_SECTION_ENTITIES - 1];

	for (uint64_t i = 0; i < entry->high_water; i++) {
		const struct peeps_entity_slot *const now =
			(const void *)((const char *)header + entry->offset + i * entry->stride);
		const struct peeps_entity_slot *const then =
			(const void *)(copy + entry->offset + i * entry->stride);

		if (memcmp(&now->status, &then->status, sizeof(uint64_t) * PEEPS_HOT_WORDS) != 0 ||
		    memcmp(&now->kind, &then->kind, sizeof(uint64_t) * 8) != 0)
			way_wrong("the child changed entity %llu of its parent",
				  (unsigned long long)i);
	}
}

static void expect_segment_untouched(void)
{
	const struct peeps_segment_header *const header = way_segment();

	if (!header || !copy || copy == MAP_FAILED)
		return;
	if (memcmp(header, copy, PEEPS_PAGE_BYTES) != 0)
		way_wrong("the child changed its parent's header");
	compare_entities(header);
	(void)munmap(copy, copy_bytes);
	copy = NULL;
}

static void plain(void)
{
	struct peeps_mutex check;
	pid_t child;

	make_errorcheck(&check, "check");
	(void)peeps_mutex_lock(&held);
	(void)peeps_mutex_lock(&check);
	(void)peeps_mutex_lock(&ours);
	(void)peeps_mutex_unlock(&ours);
	remember_segment();
	child = fork();
	if (child == 0) {
		/* It is the copy of the thread that holds them, but not its tid. */
		WAY_SAY2("child: unlock, errorcheck unlock", peeps_mutex_unlock(&held),
			 peeps_mutex_unlock(&check));
		WAY_SAY2("child: trylock both", peeps_mutex_trylock(&held),
			 peeps_mutex_trylock(&check));
		WAY_SAY2("child: work, segment mine", child_work(), segment_is_mine());
		way_report();
		_exit(7);
	}
	way_say_child("child", child);
	expect_segment_untouched();
	if (way_slot_holder_known(&held) == 0)
		way_wrong("the child's unlock changed its parent's slot");
	WAY_SAY2("parent: unlock", peeps_mutex_unlock(&held), peeps_mutex_unlock(&check));
	if (way_slot_holder_known(&held) == 1)
		way_wrong("the parent's own unlock is not seen");
	way_say("parent: work %d", child_work());
}

/* Children that do nothing, or nothing with wrappers, make no segment. */
static void silent_child(void)
{
	remember_segment();
	for (int i = 0; i < 20; i++) {
		const pid_t child = fork();

		if (child == 0)
			_exit(way_segment() ? 1 : 0);
		way_say_child("silent child", child);
	}
	expect_segment_untouched();
}

static void *lock_in_a_loop(void *failures)
{
	while (!peeps_load_relaxed(&stop))
		*(int *)failures += way_work(busy, 3, counters, 30);
	return NULL;
}

/* fork() while other threads lock: the child may use what no other thread held. */
static void threaded(void)
{
	const int forks = way_scaled(60);
	int failures[4] = { 0 };
	int bad = 0, sum = 0;
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		(void)pthread_create(&threads[i], NULL, lock_in_a_loop, &failures[i]);
	for (int i = 0; i < forks; i++) {
		const pid_t child = fork();
		int status;

		if (child == 0) {
			struct peeps_mutex fresh;
			long count[1] = { 0 };

			bad = peeps_mutex_init(&fresh, NULL, NULL) +
			      way_work(&fresh, 1, count, 20) + way_work(&ours, 1, count, 20) +
			      peeps_mutex_destroy(&fresh);
			_exit(bad || !segment_is_mine() || count[0] != 40 ? 1 : 3);
		}
		(void)waitpid(child, &status, 0);
		sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
		(void)way_work(&ours, 1, counters, 1);
	}
	peeps_store_relaxed(&stop, 1);
	for (int i = 0; i < 4; i++)
		bad += pthread_join(threads[i], NULL) + failures[i];
	way_say("bad %d, statuses %s", bad, sum == 3 * forks ? "as they must be" : "wrong");
}

/* Handlers of the program's own that hold its locks around fork, and one registered before ours could be. */
static struct peeps_mutex guarded = PEEPS_MUTEX_INIT("guarded");
static struct peeps_mutex guarded_early = PEEPS_MUTEX_INIT("guarded early");
static int handler_failures;
static bool handlers_wanted;

static void before_early(void)
{
	if (handlers_wanted)
		handler_failures += peeps_mutex_lock(&guarded_early);
}

static void after_early(void)
{
	if (handlers_wanted)
		handler_failures += peeps_mutex_unlock(&guarded_early);
}

static void register_early(void)
{
	(void)pthread_atfork(before_early, after_early, after_early);
}

/* Before any constructor, ours too: this one's prepare handler runs after ours, when we are ready to fork. */
__attribute__((section(".preinit_array"),
	       used)) static void (*const preinit)(void) = register_early;

static void before(void)
{
	handler_failures += peeps_mutex_lock(&guarded);
	for (int i = 0; i < 3; i++)
		handler_failures += peeps_mutex_lock(&busy[i]);
}

static void after(void)
{
	for (int i = 2; i >= 0; i--)
		handler_failures += peeps_mutex_unlock(&busy[i]);
	handler_failures += peeps_mutex_unlock(&guarded);
}

static void *lock_guarded_in_a_loop(void *failures)
{
	while (!peeps_load_relaxed(&stop)) {
		*(int *)failures += way_work(&guarded_early, 1, counters, 10);
		*(int *)failures += way_work(&guarded, 1, counters, 10);
		*(int *)failures += way_work(busy, 3, counters, 10);
	}
	return NULL;
}

static void atfork(void)
{
	int failures[3] = { 0 };
	int bad = 0;
	pthread_t threads[3];

	handlers_wanted = true;
	(void)pthread_atfork(before, after, after);
	for (int round = 0; round < 2;
	     round++) { /* alone at first: the handlers' locks are first used in a fork */
		for (int i = 0; i < way_scaled(25); i++) {
			const pid_t child = fork();
			int status = -1;

			if (child == 0)
				_exit(handler_failures + child_work());
			(void)waitpid(child, &status, 0);
			bad += status != 0;
		}
		for (int i = 0; round == 0 && i < 3; i++)
			(void)pthread_create(&threads[i], NULL, lock_guarded_in_a_loop,
					     &failures[i]);
	}
	peeps_store_relaxed(&stop, 1);
	for (int i = 0; i < 3; i++)
		bad += pthread_join(threads[i], NULL) + failures[i];
	way_say("bad %d, handlers' failures %d", bad, handler_failures);
}

static void nest(int depth)
{
	struct peeps_mutex check;
	pid_t child;

	make_errorcheck(&check, "of this generation");
	(void)peeps_mutex_lock(&check);
	child = fork();
	if (child == 0) {
		if (peeps_mutex_unlock(&check) != EPERM)
			way_wrong("a child could unlock its parent's mutex");
		if (depth > 0)
			nest(depth - 1);
		else
			way_say("innermost: work %d", child_work());
		if (!segment_is_mine())
			way_wrong("a segment that is not mine, depth %d", depth);
		way_report();
		_exit(depth);
	}
	way_say_child("nested", child);
	way_say("depth %d: work %d", depth, child_work());
	WAY_SAY2("unlock and destroy", peeps_mutex_unlock(&check), peeps_mutex_destroy(&check));
}

static void nested(void)
{
	way_say("work %d", child_work());
	nest(4);
}

/* Children without fork handlers: telemetry is off in them, and that is all. */
static pid_t raw_clone(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void orphan(const char *what, pid_t child, int depth)
{
	if (child == 0) {
		const int failures = peeps_mutex_unlock(&held) + child_work();
		pid_t grandchild;

		if (depth > 0) {
			/* A proper fork in a child that never saw our handlers. */
			grandchild = fork();
			if (grandchild == 0)
				_exit(way_work(&ours, 1, counters, 10) + 40);
			way_say_child("its child", grandchild);
		}
		_exit(failures + 20);
	}
	way_say_child(what, child);
}

static void no_handlers(void)
{
	int failures[2] = { 0 };
	pthread_t threads[2];

	(void)peeps_mutex_lock(&held);
	way_say("work %d", child_work());
	remember_segment();
	orphan("_Fork", _Fork(), 1);
	orphan("raw clone", raw_clone(), 1);
	expect_segment_untouched();
	for (int i = 0; i < 2; i++)
		(void)pthread_create(&threads[i], NULL, lock_in_a_loop, &failures[i]);
	for (int i = 0; i < way_scaled(20); i++) {
		pid_t child = i % 2 ? _Fork() : raw_clone();

		if (child == 0) {
			long count[1] = { 0 };

			_exit(way_work(&ours, 1, count, 100) + (int)count[0]);
		}
		way_say_child("amid threads", child);
	}
	peeps_store_relaxed(&stop, 1);
	for (int i = 0; i < 2; i++)
		failures[i] += pthread_join(threads[i], NULL);
	way_say("failures %d, unlock %d", failures[0] + failures[1], peeps_mutex_unlock(&held));
}

/* The lock of the library may be held by another thread when a child without handlers comes to be, and stay so in it. */
static void *make_and_destroy_in_a_loop(void *failures)
{
	while (!peeps_load_relaxed(&stop)) {
		struct peeps_mutex m;

		*(int *)failures += peeps_mutex_init(&m, "made and destroyed", NULL) ||
				    peeps_mutex_lock(&m) || peeps_mutex_unlock(&m) ||
				    peeps_mutex_destroy(&m);
	}
	return NULL;
}

static void no_handlers_then_fork(void)
{
	int failures[2] = { 0 };
	pthread_t threads[2];
	int bad = 0;

	for (int i = 0; i < 2; i++)
		(void)pthread_create(&threads[i], NULL, make_and_destroy_in_a_loop, &failures[i]);
	for (int i = 0; i < way_scaled(100); i++) {
		const pid_t child = _Fork();
		int status = -1;

		if (child == 0) {
			const pid_t grandchild = fork();

			if (grandchild == 0)
				_exit(way_work(&ours, 1, counters, 10));
			(void)waitpid(grandchild, &status, 0);
			_exit(status != 0);
		}
		(void)waitpid(child, &status, 0);
		bad += status != 0;
	}
	peeps_store_relaxed(&stop, 1);
	for (int i = 0; i < 2; i++)
		bad += pthread_join(threads[i], NULL) + failures[i];
	way_say("bad %d", bad);
}

static void leaf(void)
{
	WAY_SAY2("leaf: work, segment mine", child_work(), segment_is_mine());
}

static char *leaf_arguments[] = { NULL, (char *)"leaf", NULL };

static void exec(void)
{
	posix_spawn_file_actions_t actions;
	char command[4200];
	pid_t child;
	FILE *pipe;

	leaf_arguments[0] = (char *)way_self();
	way_say("work %d", child_work());
	(void)peeps_mutex_lock(&held);
	remember_segment();
	child = fork();
	if (child == 0) {
		(void)execv(way_self(), leaf_arguments);
		_exit(127);
	}
	way_say_child("fork and exec", child);
	child = vfork(); // NOLINT
	if (child == 0) {
		(void)execv(way_self(), leaf_arguments);
		_exit(127);
	}
	way_say_child("vfork and exec", child);
	child = vfork(); // NOLINT
	if (child == 0)
		_exit(12);
	way_say_child("vfork alone", child);
	child = 0;
	way_say("posix_spawn %d",
		posix_spawn(&child, way_self(), NULL, NULL, leaf_arguments, environ));
	way_say_child("posix_spawn", child);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	way_say("posix_spawn %d",
		posix_spawnp(&child, way_self(), &actions, NULL, leaf_arguments, environ));
	way_say_child("posix_spawn, closed", child);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)snprintf(command, sizeof(command), "'%s' leaf </dev/null; exit 9", way_self());
	way_say("system %d", WEXITSTATUS(system(command))); // NOLINT
	pipe = popen(command, "r");                         // NOLINT
	way_say("popen %s", fgets(command, 30, pipe) ? command : "nothing");
	way_say("pclose %d", WEXITSTATUS(pclose(pipe)));
	expect_segment_untouched();
	child = fork();
	if (child == 0) {
		/* A segment of the child's own, and then exec. */
		(void)peeps_mutex_unlock(&held);
		(void)execv(way_self(), leaf_arguments);
		_exit(127);
	}
	way_say_child("fork, lock and exec", child);
	way_say("unlock %d", peeps_mutex_unlock(&held));
}

static void *fork_in_a_thread(void *unused)
{
	pid_t child;

	(void)peeps_mutex_lock(&held);
	child = fork();
	if (child == 0) {
		/* The main thread of the child, and so it ends it: */
		WAY_SAY2("work, unlock", child_work(), peeps_mutex_unlock(&held));
		way_report();
		exit(5);
	}
	way_say_child("child of a thread", child);
	(void)peeps_mutex_unlock(&held);
	return unused;
}

static void from_a_thread(void)
{
	pthread_t thread;

	for (int i = 0; i < 10; i++) {
		(void)pthread_create(&thread, NULL, fork_in_a_thread, NULL);
		(void)pthread_join(thread, NULL);
	}
	way_say("work %d", child_work());
}

/* Neither fork nor a lock is a cancellation point, in a child neither. */
static void *fork_while_cancelled(void *result)
{
	pid_t child;

	(void)pthread_cancel(pthread_self());
	child = fork();
	if (child == 0) {
		long count[1] = { 0 };
		const int failures = way_work(&ours, 1, count, 10);

		(void)peeps_mutex_lock(&held);
		_exit(failures + (int)count[0]);
	}
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	way_say_child("child of a cancelled thread", child);
	return result;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 3; i++) {
		result = NULL;
		(void)pthread_create(&thread, NULL, fork_while_cancelled, &stop);
		(void)pthread_join(thread, &result);
		way_say("the thread ended %s", result == &stop ? "by itself" : "cancelled");
	}
}

/* The child closes everything, changes its limits, forgets its environment; then it locks. */
static void changed_child(void)
{
	pid_t child;

	way_say("work %d", child_work());
	child = fork();
	if (child == 0) {
		(void)clearenv();
		(void)close_range(3, ~0u, 0);
		way_say("changed child: work %d", child_work());
		way_report();
		_exit(0);
	}
	way_say_child("changed child", child);
}

/* Its fork handlers ran, but the first lock of the child is that of two threads at once. */
static void *first_lock(void *failures)
{
	long count[3] = { 0 };

	*(int *)failures = way_work(busy, 3, count, 100);
	return NULL;
}

static void first_locks_at_once(void)
{
	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();
		pthread_t threads[4];
		int failures[4];
		int sum = 0;

		if (child == 0) {
			for (int t = 0; t < 4; t++)
				(void)pthread_create(&threads[t], NULL, first_lock, &failures[t]);
			for (int t = 0; t < 4; t++)
				sum += pthread_join(threads[t], NULL) + failures[t];
			_exit(sum + (segment_is_mine() ? 0 : 50));
		}
		way_say_child("child", child);
	}
}

WAY_MAIN({ "plain", plain }, { "silent_child", silent_child }, { "threaded", threaded },
	 { "atfork", atfork }, { "nested", nested }, { "no_handlers", no_handlers },
	 { "no_handlers_then_fork", no_handlers_then_fork }, { "exec", exec }, { "leaf", leaf },
	 { "from_a_thread", from_a_thread }, { "cancelled", cancelled },
	 { "changed_child", changed_child }, { "first_locks_at_once", first_locks_at_once })
