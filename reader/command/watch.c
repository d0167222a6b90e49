/* SPDX-License-Identifier: MIT */
#include "reader/command/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reader/command/complain.h"
#include "reader/format/print.h"
#include "reader/format/terminal.h"
#include "reader/problem.h"

#define NS_PER_S   UINT64_C(1000000000)
#define STOPPED_MS 200 /* a terminal that takes nothing for so long is stopped */

#define HOME         "\x1b[H"
#define CLEAR_LINE   "\x1b[K"   /* from the cursor to its end */
#define CLEAR_SCREEN "\x1b[J"   /* likewise */
#define CUT_LINES    "\x1b[?7l" /* at the edge, instead of wrapping them */
#define WRAP_LINES   "\x1b[?7h"

struct watch {
	struct peeps_options *options;
	int fd;
	bool redraws;
	size_t looks;
	sigset_t before, open; /* SIGINT comes through the latter: no look is left half done */
	struct sigaction interrupt_before, broken_pipe_before;
};

/* Set by a signal handler, which can be given no context. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void begin(struct watch *watch)
{
	const struct sigaction interrupt = { .sa_handler = on_interrupt };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t blocked;

	interrupted = 0;
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &watch->before);
	watch->open = watch->before;
	(void)sigdelset(&watch->open, SIGINT);
	(void)sigaction(SIGINT, &interrupt, &watch->interrupt_before);
	if (watch->interrupt_before.sa_handler == SIG_IGN) /* as a shell starts what runs behind */
		(void)sigaction(SIGINT, &ignore, NULL);
	(void)sigaction(SIGPIPE, &ignore, &watch->broken_pipe_before);
}

/* Of a look that was interrupted the end is missing, and ^C makes a terminal forget what it has not shown yet. One that
 * is stopped is not waited for, but one that is busy is. */
static void wrap_lines_again(const struct watch *watch)
{
	struct pollfd terminal = { .fd = watch->fd, .events = POLLOUT };

	if (poll(&terminal, 1, STOPPED_MS) > 0 && terminal.revents & POLLOUT)
		(void)!write(watch->fd, WRAP_LINES, strlen(WRAP_LINES));
}

static void end(struct watch *watch)
{
	if (watch->redraws)
		wrap_lines_again(watch);
	(void)sigaction(SIGINT, &watch->interrupt_before, NULL);
	(void)sigaction(SIGPIPE, &watch->broken_pipe_before, NULL);
	(void)sigprocmask(SIG_SETMASK, &watch->before, NULL);
}

/* Showing a look */

static void write_time(FILE *out)
{
	char text[PEEPS_TIME_BYTES];
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)fputs(peeps_time_utc(text, (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec),
		    out);
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* As many lines as there is room for, over what stood there before. */
static void draw(const struct watch *watch, const char *text, FILE *out)
{
	const size_t height = peeps_terminal_height(watch->fd);
	const size_t lines = count_lines(text);
	/* Besides those of the time, of how many more there are, and of the cursor. */
	const size_t room = height > 4 ? height - 3 : lines;
	size_t shown;

	(void)fputs(HOME CUT_LINES, out);
	write_time(out);
	(void)fputs(CLEAR_LINE "\n", out);
	for (shown = 0; *text && shown < room; shown++) {
		const size_t length = strcspn(text, "\n");

		(void)fwrite(text, 1, length, out);
		(void)fputs(CLEAR_LINE "\n", out);
		text += length + (text[length] == '\n');
	}
	if (*text)
		(void)fprintf(out, "... and %zu more lines" CLEAR_LINE "\n", lines - shown);
	(void)fputs(CLEAR_SCREEN WRAP_LINES, out);
}

static void append(const struct watch *watch, const char *text, FILE *out)
{
	if (watch->options->format != PEEPS_FORMAT_JSON) {
		(void)fputs(watch->looks ? "\n" : "", out);
		write_time(out);
		(void)fputc('\n', out);
	}
	(void)fputs(text, out);
}

/* Returns 0, -EINTR or another -errno. */
static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		const ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR && !interrupted)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

/* A terminal can be stopped; that must not stop who wants to leave. */
static int write_interruptibly(struct watch *watch, const char *bytes, size_t length)
{
	sigset_t blocked;
	int r;

	(void)sigprocmask(SIG_SETMASK, &watch->open, &blocked);
	r = write_all(watch->fd, bytes, length);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
	return r;
}

static int show(struct watch *watch, const char *text)
{
	char *picture = NULL;
	size_t length;
	FILE *out = open_memstream(&picture, &length);
	int r;

	if (!out)
		return -ENOMEM;
	if (watch->redraws)
		draw(watch, text, out);
	else
		append(watch, text, out);
	r = fclose(out) == 0 ? write_interruptibly(watch, picture, length) : -ENOMEM;
	free(picture);
	return r;
}

/* Looking */

/* The next look may fare better, or say something else. */
static bool goes_on(int status)
{
	return status == PEEPS_EXIT_FINE || status == PEEPS_EXIT_FINDING ||
	       status == PEEPS_PROBLEM_NO_CUT;
}

/* Returns 0, -EINTR, or why the look could not be shown; status is the look's own. */
static int look_once(struct watch *watch, peeps_watch_fn *look, int *status)
{
	char *text = NULL;
	size_t length;
	int r;

	watch->options->frame = open_memstream(&text, &length);
	if (!watch->options->frame)
		return -ENOMEM;
	watch->options->width = peeps_terminal_width(watch->fd);
	*status = look(watch->options);
	r = fclose(watch->options->frame) == 0 ? 0 : -ENOMEM;
	watch->options->frame = NULL;
	if (r == 0 && goes_on(*status))
		r = show(watch, text);
	free(text);
	watch->looks++;
	return r;
}

/* Returns false if that was the end: interrupted, or whoever read it has gone. */
static bool rest(const struct watch *watch)
{
	const uint64_t ns = watch->options->watch_ns;
	const struct timespec time = { .tv_sec = (time_t)(ns / NS_PER_S),
				       .tv_nsec = (long)(ns % NS_PER_S) };
	struct pollfd reader = { .fd = watch->fd };
	int ready;

	if (interrupted)
		return false;
	ready = ppoll(&reader, 1, &time, &watch->open);
	return !interrupted && (ready == 0 || (ready < 0 && errno == EINTR));
}

int peeps_watch(struct peeps_options *options, int fd, peeps_watch_fn *look)
{
	struct watch watch = { .options = options,
			       .fd = fd,
			       .redraws = options->format != PEEPS_FORMAT_JSON &&
					  peeps_terminal_obeys(fd) };
	struct peeps_problem problem = { .status = 0 };
	int status, r;

	begin(&watch);
	do {
		r = look_once(&watch, look, &status);
	} while (r == 0 && goes_on(status) && rest(&watch));
	end(&watch);
	if (r == 0 || r == -EINTR || r == -EPIPE)
		return status;
	(void)snprintf(problem.what, sizeof(problem.what), "cannot write to standard output");
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	(void)peeps_problem_set(&problem, PEEPS_PROBLEM_OTHER, r, "", "%s", strerror(-r));
	return peeps_complain(&problem);
}
