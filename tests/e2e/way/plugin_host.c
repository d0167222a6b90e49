/* SPDX-License-Identifier: MIT */
/* A program without peeps, into which a plugin brings it: maybe late, maybe from a thread that is not the main one. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[4096];

static void *load(void **handle, void *(*unused)(void *))
{
	*handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!*handle)
		(void)fprintf(stderr, "%s\n", dlerror());
	(void)unused;
	return *handle ? dlsym(*handle, "plugin_work") : NULL;
}

static void use(int times, int mutexes)
{
	for (int i = 0; i < times; i++) {
		int (*work)(int);
		void *handle;
		void *const symbol = load(&handle, NULL);

		if (!symbol)
			exit(3);
		memcpy(&work, &symbol, sizeof(work));
		(void)printf("load %d: work %d\n", i, work(mutexes));
		(void)fflush(stdout);
		if (i == times - 1) {
			void (*report)(void);
			void *const last = dlsym(handle, "plugin_report");

			memcpy(&report, &last, sizeof(report));
			report();
		}
		(void)printf("dlclose %d\n", dlclose(handle));
		(void)fflush(stdout);
	}
}

static void *use_in_a_thread(void *unused)
{
	use(3, 20);
	return unused;
}

int main(int argc, char **argv)
{
	const char *const scene = argc > 1 ? argv[1] : "";
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 100);
	pthread_t thread;
	char go;

	while (length > 0 && path[length - 1] != '/')
		length--;
	(void)strcpy(path + length, WAY_PLUGIN);
	if (strcmp(scene, "watched") == 0) {
		/* Loaded before the scene begins, so that a reader finds it. */
		void *handle;

		if (!load(&handle, NULL))
			return 3;
	}
	while (read(STDIN_FILENO, &go, 1) < 0 && errno == EINTR)
		;
	if (strcmp(scene, "watched") == 0) {
		use(1, 500);
	} else if (strcmp(scene, "reopened") == 0) {
		use(20, 10);
	} else if (strcmp(scene, "in_a_thread") == 0) {
		(void)pthread_create(&thread, NULL, use_in_a_thread, NULL);
		(void)pthread_join(thread, NULL);
		use(1, 1);
	} else if (strcmp(scene, "in_a_child") == 0) {
		for (int i = 0; i < 3; i++) {
			const pid_t child = fork();
			int status;

			if (child == 0) {
				use(2, 10);
				_exit(i);
			}
			(void)waitpid(child, &status, 0);
			(void)printf("child %d\n", status);
			(void)fflush(stdout);
			if (i == 1)
				use(1, 10);
		}
	} else if (strcmp(scene, "main_leaves") == 0) {
		(void)pthread_create(&thread, NULL, use_in_a_thread, NULL);
		pthread_exit(NULL);
	} else {
		return 2;
	}
	return 0;
}
