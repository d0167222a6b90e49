/* SPDX-License-Identifier: MIT */
#include "reader/command/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/command/unfinished.h"
#include "reader/format/zst.h"
#include "reader/problem.h"

static int fail(struct peeps_output *output, struct peeps_problem *problem, int error)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot write to %s",
		       output->path ? output->path : "standard output");
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
	return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -error,
				 "is there room, and may you write there?", "%s", strerror(error));
}

static void release(struct peeps_output *output)
{
	if (output->temporary)
		peeps_unfinished_end();
	free(output->path);
	free(output->temporary);
	memset(output, 0, sizeof(*output));
}

/* What mkstemp() made is for its owner alone; a file made by open() would have been as umask allows. */
static int open_beside(struct peeps_output *output)
{
	mode_t mask;
	int fd, error;

	if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
		output->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(output->temporary, O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		free(output->temporary);
		output->temporary = NULL;
		return -error;
	}
	peeps_unfinished_begin(output->temporary);
	mask = umask(0);
	(void)umask(mask);
	(void)fchmod(fd, 0666 & ~mask);
	output->stream = fdopen(fd, "w");
	if (output->stream)
		return 0;
	error = errno;
	(void)close(fd);
	return -error;
}

int peeps_output_open(struct peeps_output *output, const char *path, struct peeps_problem *problem)
{
	struct stat status;
	int r = 0;

	memset(output, 0, sizeof(*output));
	if (!path || strcmp(path, "-") == 0) {
		output->stream = stdout;
		return 0;
	}

	/* Behind a symbolic link, the file that it names is the one to replace; a device or a pipe is never replaced. */
	output->path = realpath(path, NULL);
	if (!output->path)
		output->path = strdup(path);
	if (!output->path)
		r = -ENOMEM;
	else if (stat(output->path, &status) == 0 && !S_ISREG(status.st_mode))
		output->stream = fopen(output->path, "we");
	else
		r = open_beside(output);
	if (r == 0 && !output->stream)
		r = -errno;
	if (r) {
		(void)fail(output, problem, -r);
		peeps_output_abandon(output);
	}
	return r;
}

int peeps_output_compress(struct peeps_output *output, struct peeps_problem *problem)
{
	FILE *stream = NULL;
	const int r = peeps_zst_open(output->stream, &stream);

	if (r == 0) {
		output->below = output->stream;
		output->stream = stream;
		return 0;
	}
	(void)fail(output, problem, -r);
	if (r == -EPROTONOSUPPORT)
		(void)peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, r, "a name without .zst",
					"this peeps-read was built without zstd");
	peeps_output_abandon(output);
	return r;
}

static int lost_error(const struct peeps_output *output)
{
	return output->error ? output->error : EIO;
}

/* The end of what is compressed is written now. */
static int end_compression(struct peeps_output *output)
{
	const bool failed = ferror(output->stream);
	const int r = fclose(output->stream);

	output->stream = output->below;
	output->below = NULL;
	return r != 0 ? errno : failed ? lost_error(output) : 0;
}

/* A full disk may be noticed as late as here. */
static int flush(struct peeps_output *output)
{
	const int error = output->below ? end_compression(output) : 0;
	const bool failed = ferror(output->stream);

	if (error)
		return error;
	if (fflush(output->stream) != 0)
		return errno;
	if (failed)
		return lost_error(output);
	if (fsync(fileno(output->stream)) != 0 && errno != EINVAL && errno != EROFS &&
	    errno != ENOTSUP)
		return errno; /* the others: no file that can be synced */
	return 0;
}

int peeps_output_commit(struct peeps_output *output, struct peeps_problem *problem)
{
	int error;

	errno = 0;
	error = flush(output);
	if (fclose(output->stream) != 0 && !error)
		error = errno;
	output->stream = NULL;
	if (!error && output->temporary && rename(output->temporary, output->path) != 0)
		error = errno;
	if (error) {
		(void)fail(output, problem, error);
		peeps_output_abandon(output);
		return -error;
	}
	release(output);
	return 0;
}

void peeps_output_abandon(struct peeps_output *output)
{
	if (output->below)
		(void)end_compression(output);
	if (output->stream && output->stream != stdout)
		(void)fclose(output->stream);
	if (output->temporary)
		(void)unlink(output->temporary);
	release(output);
}
