/* SPDX-License-Identifier: MIT */
/*
 * PEEPS_DIR, sound or not, and what may become of it: whatever there is, the program does not notice. It is read when a
 * program starts, so each scene runs this program once more, with a directory of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ROOM_BYTES 64

static struct peeps_mutex locks[3] = {
	PEEPS_MUTEX_INIT("lock 0"),
	PEEPS_MUTEX_INIT("lock 1"),
	PEEPS_MUTEX_INIT("lock 2"),
};
static long counters[3];
static struct peeps_mutex many[3000];

static void *work(void *failures)
{
	peeps_thread_name("of the work");
	*(int *)failures += way_work(locks, 3, counters, 300);
	return NULL;
}

static int work_in_threads(void)
{
	int failures[3] = { 0 };
	pthread_t threads[3];
	int sum = 0;

	for (int i = 0; i < 3; i++)
		sum += pthread_create(&threads[i], NULL, work, &failures[i]);
	for (int i = 0; i < 3; i++)
		sum += pthread_join(threads[i], NULL) + failures[i];
	return sum;
}

/* More entities than the pages that are there already have room for. */
static int many_mutexes(void)
{
	const int count = way_scaled(3000);
	int sum = 0;

	for (int i = 0; i < count; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "one of many, %d", i);
		sum += peeps_mutex_init(&many[i], name, NULL) || peeps_mutex_lock(&many[i]) ||
		       peeps_mutex_unlock(&many[i]);
	}
	for (int i = 0; i < count; i++)
		sum += peeps_mutex_destroy(&many[i]);
	return sum;
}

static void work_in_a_child(const char *what)
{
	const pid_t child = fork();

	if (child == 0) {
		way_say("%s: a child's threads %d", what, work_in_threads());
		exit(3);
	}
	way_say_child(what, child);
}

/* --- directories -------------------------------------------------------------------------------------------------- */

static void make_room(char room[static ROOM_BYTES])
{
	(void)snprintf(room, ROOM_BYTES, "/dev/shm/way-kept-XXXXXX");
	if (!mkdtemp(room))
		way_wrong("no directory, errno %d", errno);
}

static void remove_room(const char *room)
{
	char command[ROOM_BYTES + 16];

	(void)snprintf(command, sizeof(command), "rm -rf %s", room);
	if (system(command) != 0)
		way_wrong("%s", command);
}

/* This program once more, with that directory. */
static void run_with(const char *directory, const char *scene, const char *what)
{
	char *const arguments[] = { (char *)way_self(), (char *)scene, NULL };
	const pid_t child = fork();

	if (child == 0) {
		(void)setenv("PEEPS_DIR", directory, 1);
		(void)execv(way_self(), arguments);
		_exit(127);
	}
	way_say_child(what, child);
}

static void work_inside(void)
{
	way_say("threads %d, mutexes %d", work_in_threads(), many_mutexes());
	work_in_a_child("inside");
	way_say("again %d", work_in_threads());
}

static void run_in_room(const char *scene)
{
	char room[ROOM_BYTES];

	make_room(room);
	(void)setenv("WAY_ROOM", room, 1);
	run_with(room, scene, scene);
	remove_room(room);
}

static void sound(void)
{
	run_in_room("work_inside");
	way_say("threads %d", work_in_threads());
}

static void unsound(void)
{
	static const struct {
		const char *what;
		const char *command; /* makes it, in the room; %s is its path */
	} rows[] = {
		{ "open to all", "mkdir -m 0777 %s" },
		{ "to be listed by all", "mkdir -m 0755 %s" },
		{ "read-only", "mkdir -m 0500 %s" },
		{ "of nobody", "mkdir -m 0700 %s && chown 65534 %s 2>/dev/null; true" },
		{ "a symbolic link", "ln -s . %s" },
		{ "a link to itself", "ln -s new %s" },
		{ "a file", "touch %s" },
		{ "a pipe", "mkfifo %s" },
		{ "missing", "true %s" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char room[ROOM_BYTES], path[ROOM_BYTES + 8], command[400];

		make_room(room);
		(void)snprintf(path, sizeof(path), "%s/new", room);
		(void)snprintf(command, sizeof(command), rows[i].command, path, path); // NOLINT
		way_say("%s: %d", rows[i].what, system(command));
		run_with(path, "work_inside", rows[i].what);
		remove_room(room);
	}
	way_say("threads %d", work_in_threads());
}

/* --- what becomes of it while the program runs --------------------------------------------------------------------- */

static void removed_inside(void)
{
	way_say("threads %d", work_in_threads());
	remove_room(getenv("WAY_ROOM"));
	work_inside();
}

static void removed(void)
{
	run_in_room("removed_inside");
	way_say("threads %d", work_in_threads());
}

static void changed_root_inside(void)
{
	way_say("threads %d", work_in_threads());
	way_say("chroot %d, chdir %d", chroot("/sys"), chdir("/"));
	work_inside();
}

static void changed_root(void)
{
	run_in_room("changed_root_inside");
	way_say("threads %d", work_in_threads());
}

static void changed_user_inside(void)
{
	way_say("threads %d", work_in_threads());
	way_say("setgid %d, setuid %d", setgid(65534), setuid(65534));
	work_inside();
}

static void changed_user(void)
{
	run_in_room("changed_user_inside");
	way_say("threads %d", work_in_threads());
}

/* --- a tmpfs that is full, in a mount namespace of the scene's own; without the right to that, as it is ------------- */

static bool mount_small(const char *room, const char *options)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", room, "tmpfs", 0, options) == 0;
}

static void full(void)
{
	static const char *const sizes[] = { "size=4k,mode=0700",    "size=40k,mode=0700",
					     "size=100k,mode=0700",  "size=200k,mode=0700",
					     "size=300k,mode=0700",  "size=1m,mode=0700",
					     "nr_inodes=1,mode=0700" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const pid_t child = fork();

		if (child == 0) {
			char room[ROOM_BYTES];

			make_room(room);
			way_say("mounted %d", mount_small(room, sizes[i]));
			run_with(room, "work_inside", sizes[i]);
			(void)umount(room);
			remove_room(room);
			_exit(0);
		}
		way_say_child("full", child);
	}
	way_say("threads %d", work_in_threads());
}

static void filled_inside(void)
{
	char command[ROOM_BYTES + 64];

	way_say("threads %d", work_in_threads());
	(void)snprintf(command, sizeof(command), "head -c 8m /dev/zero >%s/rest 2>/dev/null",
		       getenv("WAY_ROOM"));
	(void)system(command); // NOLINT(cert-err33-c): the point is that it fails
	work_inside();
}

static void covered_inside(void)
{
	way_say("threads %d", work_in_threads());
	way_say("mount %d", mount("tmpfs", getenv("WAY_ROOM"), "tmpfs", MS_RDONLY, "mode=0755"));
	work_inside();
}

static void run_on_small(const char *scene)
{
	const pid_t child = fork();

	if (child == 0) {
		char room[ROOM_BYTES];

		make_room(room);
		(void)setenv("WAY_ROOM", room, 1);
		way_say("mounted %d", mount_small(room, "size=2m,mode=0700"));
		run_with(room, scene, scene);
		while (umount2(room, MNT_DETACH) == 0)
			;
		remove_room(room);
		_exit(0);
	}
	way_say_child("on a small tmpfs", child);
	way_say("threads %d", work_in_threads());
}

static void filled(void)
{
	run_on_small("filled_inside");
}

static void covered(void)
{
	run_on_small("covered_inside");
}

/* --- ends ---------------------------------------------------------------------------------------------------------- */

static void *exit_now(void *unused)
{
	(void)unused;
	exit(4);
}

static void lock_late(void)
{
	way_say("in an exit handler: %d",
		peeps_mutex_lock(&locks[0]) || peeps_mutex_unlock(&locks[0]));
}

static void exit_in_a_thread_inside(void)
{
	pthread_t thread;

	(void)atexit(lock_late);
	way_say("threads %d", work_in_threads());
	/* Nothing more is said here: which comes first, that or the exit, is anybody's guess. */
	if (pthread_create(&thread, NULL, exit_now, NULL) == 0)
		(void)pthread_join(thread, NULL);
}

static void quick_exit_inside(void)
{
	way_say("threads %d", work_in_threads());
	quick_exit(5);
}

static void exec_inside(void)
{
	char *const arguments[] = { (char *)way_self(), (char *)"work_inside", NULL };

	way_say("threads %d", work_in_threads());
	(void)execv(way_self(), arguments);
}

static void fork_exec_inside(void)
{
	pid_t child;

	way_say("threads %d", work_in_threads());
	for (int i = 0; i < 3; i++) {
		child = vfork();
		if (child == 0) {
			(void)execl("/bin/true", "true", NULL);
			_exit(127);
		}
		way_say_child("vfork", child);
	}
	way_say("again %d", work_in_threads());
}

static void ends(void)
{
	static const char *const scenes[] = { "exit_in_a_thread_inside", "quick_exit_inside",
					      "exec_inside", "fork_exec_inside" };

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		run_in_room(scenes[i]);
	way_say("threads %d", work_in_threads());
}

WAY_MAIN({ "sound", sound }, { "unsound", unsound }, { "removed", removed },
	 { "changed_root", changed_root }, { "changed_user", changed_user }, { "full", full },
	 { "filled", filled }, { "covered", covered }, { "ends", ends },
	 { "work_inside", work_inside }, { "removed_inside", removed_inside },
	 { "changed_root_inside", changed_root_inside },
	 { "changed_user_inside", changed_user_inside }, { "filled_inside", filled_inside },
	 { "covered_inside", covered_inside },
	 { "exit_in_a_thread_inside", exit_in_a_thread_inside },
	 { "quick_exit_inside", quick_exit_inside }, { "exec_inside", exec_inside },
	 { "fork_exec_inside", fork_exec_inside })
