/* SPDX-License-Identifier: MIT */
#include "reader/recording/series_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/command/unfinished.h"
#include "reader/format/document.h"
#include "reader/format/zst.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/snapshot/series.h"

#define OPEN_TRIES 8
#define COPY_BYTES ((size_t)1 << 20)
#define HINT_NEW   "name a new file, or a series that record made"

static int fail(struct peeps_problem *problem, const char *path, int error)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s", path);
	errno = error;
	return peeps_problem_set(problem,
				 error == EACCES || error == EPERM ? PEEPS_PROBLEM_PERMISSION
								   : PEEPS_PROBLEM_OTHER,
				 -error, "is there room, and may you write there?", "%m");
}

static int refuse(struct peeps_problem *problem, const char *path, int error, const char *why)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s", path);
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, error, HINT_NEW, "%s", why);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* Whoever drops its oldest gives the name to another file. */
static bool is_still_called(int fd, const char *path)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

static int is_busy(struct peeps_problem *problem, const char *path)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s", path);
	return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EBUSY, "name another file",
				 "another peeps-read is recording into it");
}

/* Returns a descriptor, or -errno with the problem filled. */
static int open_locked(const char *path, struct peeps_problem *problem)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		const int fd =
			open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
		struct stat status;

		if (fd < 0)
			return fail(problem, path, errno);
		if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
			(void)close(fd);
			return refuse(problem, path, -EINVAL, "it is no regular file");
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			(void)close(fd);
			return is_busy(problem, path);
		}
		if (is_still_called(fd, path))
			return fd;
		(void)close(fd);
	}
	return is_busy(problem, path);
}

static int unit_add(struct peeps_series_writer *w, uint64_t end, uint64_t snapshots)
{
	if (w->unit_count == w->unit_room) {
		const size_t room = w->unit_room ? 2 * w->unit_room : 256;
		struct peeps_series_unit *units = reallocarray(w->units, room, sizeof(*units));

		if (!units)
			return -ENOMEM;
		w->units = units;
		w->unit_room = room;
	}
	w->units[w->unit_count++] = (struct peeps_series_unit){ end, snapshots };
	w->snapshots += snapshots;
	w->bytes = end;
	return 0;
}

struct reading {
	struct peeps_series_writer *writer;
	uint64_t snapshots; /* since a place from which on it can be read */
	uint64_t last;
};

/* Where one can begin to read, what came before it ends. */
static int read_one(void *context, uint64_t number, struct peeps_snapshot_position position)
{
	struct reading *reading = context;
	int r = 0;

	if (position.skip == 0 && reading->snapshots) {
		r = unit_add(reading->writer, position.offset, reading->snapshots);
		reading->snapshots = 0;
		reading->writer->last = reading->last;
	}
	reading->snapshots++;
	reading->last = number;
	return r;
}

static int is_compressed(int fd)
{
	unsigned char head[4];
	const ssize_t got = pread(fd, head, sizeof(head), 0);

	return got == (ssize_t)sizeof(head) && peeps_unzst_is_ours(head, sizeof(head));
}

/* What is there already. */
static int take_over(struct peeps_series_writer *w, uint64_t file_bytes,
		     struct peeps_problem *problem)
{
	struct reading reading = { .writer = w };
	struct peeps_snapshot_position end = { .offset = 0 };
	struct peeps_series_survey survey;
	int r = peeps_series_walk(w->fd, w->path, &survey, &end, read_one, &reading, problem);

	if (r && !survey.is_stump) {
		(void)snprintf(problem->what, sizeof(problem->what),
			       "cannot record into %.200s: it is there, and no series", w->path);
		(void)snprintf(problem->hint, sizeof(problem->hint), HINT_NEW);
		return r;
	}
	if (r == 0 && survey.foreign)
		return refuse(problem, w->path, -EBADMSG,
			      "it is there, and no series of snapshots");
	if (r == 0 && is_compressed(w->fd) != w->compressed)
		return refuse(problem, w->path, -EBADMSG,
			      w->compressed ? "its name says that it is compressed, and it is not"
					    : "it is compressed, and its name does not say so");
	if (r == 0 && end.skip) /* to remove its end would be to remove them all */
		return refuse(problem, w->path, -EBADMSG,
			      "it is cut off, and its snapshots were compressed together");
	if (r == 0)
		r = unit_add(w, end.offset, reading.snapshots);
	else /* a stump: nothing in it is whole */
		r = 0;
	*problem = (struct peeps_problem){ .status = 0 };
	if (r)
		return r;
	w->last = reading.last;
	w->cut_off_bytes = file_bytes - w->bytes;
	return w->cut_off_bytes && ftruncate(w->fd, (off_t)w->bytes) != 0
		       ? fail(problem, w->path, errno)
		       : 0;
}

static int begin(struct peeps_series_writer *w, const char *path, struct peeps_problem *problem)
{
	struct stat status;

	w->path = realpath(path, NULL); /* a link stays: what it leads to is replaced */
	if (!w->path || asprintf(&w->temporary, "%s.peeps-tmp", w->path) < 0) {
		w->temporary = NULL;
		return -ENOMEM;
	}
	(void)unlink(w->temporary); /* of one that was killed: only who has the lock makes it */
	if (fstat(w->fd, &status) != 0)
		return fail(problem, path, errno);
	return status.st_size ? take_over(w, (uint64_t)status.st_size, problem) : 0;
}

static void release(struct peeps_series_writer *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w->path);
	free(w->temporary);
	free(w->units);
	*w = (struct peeps_series_writer){ .fd = -1 };
}

int peeps_series_writer_open(struct peeps_series_writer *writer, const char *path,
			     enum peeps_format format, bool compressed,
			     struct peeps_series_bounds bounds, struct peeps_problem *problem)
{
	int r;

	*writer = (struct peeps_series_writer){ .format = format,
						.compressed = compressed,
						.bounds = bounds };
	if (compressed && !peeps_zst_is_built_in()) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s",
			       path);
		return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EPROTONOSUPPORT,
					 "a name without .zst",
					 "this peeps-read was built without zstd");
	}
	writer->fd = open_locked(path, problem);
	if (writer->fd < 0)
		return writer->fd;
	r = begin(writer, path, problem);
	if (r)
		release(writer);
	return r;
}

/* --- dropping the oldest ---------------------------------------------------------------------------------------- */

static int copy_by_hand(int from, uint64_t offset, int to, uint64_t count)
{
	char *buffer = malloc(COPY_BYTES);
	int r = buffer ? 0 : -ENOMEM;

	while (r == 0 && count) {
		const size_t part = count < COPY_BYTES ? (size_t)count : COPY_BYTES;
		const ssize_t got = pread(from, buffer, part, (off_t)offset);

		if (got <= 0)
			r = got < 0 ? -errno : -EIO;
		else if (write(to, buffer, (size_t)got) != got)
			r = errno ? -errno : -EIO;
		else
			count -= (uint64_t)got, offset += (uint64_t)got;
	}
	free(buffer);
	return r;
}

static int copy(int from, uint64_t offset, int to, uint64_t count)
{
	while (count) {
		off64_t at = (off64_t)offset;
		const ssize_t copied = copy_file_range(from, &at, to, NULL, count, 0);

		if (copied <= 0)
			return copy_by_hand(from, offset, to, count);
		offset += (uint64_t)copied;
		count -= (uint64_t)copied;
	}
	return 0;
}

/* A file beside it that has what comes from there on. Returns a descriptor, or -errno. */
static int rest_write(const struct peeps_series_writer *w, uint64_t offset)
{
	struct stat status;
	const int fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	peeps_unfinished_begin(w->temporary);
	errno = 0;
	r = copy(w->fd, offset, fd, w->bytes - offset);
	if (r == 0 && (fstat(w->fd, &status) != 0 || fchmod(fd, status.st_mode & 0777) != 0 ||
		       flock(fd, LOCK_EX | LOCK_NB) != 0 || fdatasync(fd) != 0 ||
		       rename(w->temporary, w->path) != 0))
		r = -errno;
	if (r)
		(void)unlink(w->temporary);
	peeps_unfinished_end();
	if (r)
		(void)close(fd);
	return r ? r : fd;
}

static int drop(struct peeps_series_writer *w, size_t count, struct peeps_problem *problem)
{
	const uint64_t offset = w->units[count - 1].end;
	const int fd = rest_write(w, offset);

	if (fd < 0)
		return fail(problem, w->path, -fd);
	(void)close(w->fd);
	w->fd = fd;
	for (size_t i = 0; i < w->unit_count; i++) {
		if (i < count) {
			w->dropped += w->units[i].snapshots;
			w->snapshots -= w->units[i].snapshots;
		} else {
			w->units[i - count] = (struct peeps_series_unit){ w->units[i].end - offset,
									  w->units[i].snapshots };
		}
	}
	w->unit_count -= count;
	w->bytes -= offset;
	return 0;
}

/* So many have to go that a quarter of the room is free again; the last one never goes. */
static int keep_bounds(struct peeps_series_writer *w, struct peeps_problem *problem)
{
	const struct peeps_series_bounds *bounds = &w->bounds;
	uint64_t snapshots = w->snapshots, bytes_max = UINT64_MAX, snapshots_max = UINT64_MAX;
	size_t count = 0;

	if (bounds->bytes && w->bytes > bounds->bytes)
		bytes_max = bounds->bytes - bounds->bytes / 4;
	if (bounds->snapshots && w->snapshots > bounds->snapshots)
		snapshots_max = bounds->snapshots - bounds->snapshots / 4;
	while (count + 1 < w->unit_count &&
	       (snapshots > snapshots_max ||
		w->bytes - (count ? w->units[count - 1].end : 0) > bytes_max))
		snapshots -= w->units[count++].snapshots;
	return count ? drop(w, count, problem) : 0;
}

/* --- adding ----------------------------------------------------------------------------------------------------- */

static int write_document(const struct peeps_series_writer *w, const struct peeps_graph *graph,
			  FILE *out)
{
	return w->format == PEEPS_FORMAT_JSON ? peeps_document_write_json(graph, out)
					      : peeps_document_write_msgpack(graph, out);
}

static int write_compressed(const struct peeps_series_writer *w, const struct peeps_graph *graph,
			    FILE *out)
{
	FILE *stream = NULL;
	int r = peeps_zst_open(out, &stream);

	if (r)
		return r;
	r = write_document(w, graph, stream);
	return fclose(stream) != 0 && r == 0 ? -errno : r;
}

/* In memory, so that it gets into the file in one go, and never if it is too long. */
static int make(const struct peeps_series_writer *w, const struct peeps_graph *graph, char **bytes,
		size_t *count)
{
	FILE *out = open_memstream(bytes, count);
	int r;

	if (!out)
		return -ENOMEM;
	r = w->compressed ? write_compressed(w, graph, out) : write_document(w, graph, out);
	if (fclose(out) != 0 && r == 0)
		r = -ENOMEM;
	return r;
}

static int append(struct peeps_series_writer *w, const char *bytes, size_t count,
		  struct peeps_problem *problem)
{
	size_t written = 0;

	while (written < count) {
		const ssize_t r = pwrite(w->fd, bytes + written, count - written,
					 (off_t)(w->bytes + written));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			const int error = r < 0 ? errno : EIO;

			(void)!ftruncate(w->fd, (off_t)w->bytes);
			return fail(problem, w->path, error);
		}
		written += (size_t)r;
	}
	return unit_add(w, w->bytes + count, 1);
}

static int is_too_long(const struct peeps_series_writer *w, size_t count,
		       struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot record into %.200s", w->path);
	return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EFBIG,
				 "allow it more by --max-size",
				 "one snapshot takes %zu bytes, and all together may take %" PRIu64,
				 count, w->bounds.bytes);
}

int peeps_series_writer_add(struct peeps_series_writer *writer, struct peeps_graph *graph,
			    struct peeps_problem *problem)
{
	char *bytes = NULL;
	size_t count = 0;
	int r;

	graph->sequence = writer->last + 1;
	r = make(writer, graph, &bytes, &count);
	if (r == 0 && writer->bounds.bytes && count > writer->bounds.bytes)
		r = is_too_long(writer, count, problem);
	if (r == 0)
		r = append(writer, bytes, count, problem);
	free(bytes);
	if (r)
		return r;
	writer->last++;
	return keep_bounds(writer, problem);
}

/* --- closing ---------------------------------------------------------------------------------------------------- */

int peeps_series_writer_close(struct peeps_series_writer *writer, struct peeps_problem *problem)
{
	int r = 0;

	if (writer->bytes == 0)
		(void)unlink(writer->path);
	else if (fdatasync(writer->fd) != 0 && errno != EINVAL && errno != EROFS)
		r = fail(problem, writer->path, errno);
	release(writer);
	return r;
}
