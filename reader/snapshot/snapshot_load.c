/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/snapshot_load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/format/zst.h"
#include "reader/problem.h"
#include "reader/snapshot/json_to_msgpack.h"

#define CHUNK_BYTES 65536

/* What unpacks to more than so many times its length is no snapshot, but meant to keep us busy: dumps of a million like
 * entities come to 120. */
#define UNPACKED_RATIO_MAX  1000
#define UNPACKED_BYTES_FREE (UINT64_C(64) << 20)

#define HINT_HOW "peeps-read dump PID -o FILE.msgpack makes such a file"
#define HINT_CUT "is it one whole snapshot, and nothing else?"

enum form { UNKNOWN, MSGPACK, JSON };

struct loader {
	struct peeps_snapshot_file file; /* of memory: what is left of it */
	const struct peeps_snapshot_limits *limits;
	struct peeps_problem *problem;
	struct peeps_unzst *unzst; /* NULL: it is not compressed */
	uint64_t read_bytes;       /* before decompression */
	uint64_t fed_bytes;        /* after it */
	enum form form;
	struct peeps_json_to_msgpack *json;
	unsigned char *kept; /* msgpack */
	size_t kept_bytes, kept_room;
	unsigned char raw[CHUNK_BYTES], plain[CHUNK_BYTES];
};

static int refuse(struct loader *l, const char *hint, const char *why)
{
	return peeps_problem_set(l->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, hint, "%s", why);
}

static int too_long(struct loader *l)
{
	return peeps_problem_set(l->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EFBIG, "",
				 "it is longer than this reader takes: %" PRIu64
				 " bytes, and %zu of msgpack",
				 l->limits->read_bytes, l->limits->kept_bytes);
}

static int no_memory(struct loader *l)
{
	return peeps_problem_set(l->problem, PEEPS_PROBLEM_OTHER, -ENOMEM, "", "no memory");
}

static ssize_t read_some(struct loader *l, unsigned char *to, size_t room)
{
	ssize_t count;

	if (l->file.fd < 0) {
		count = (ssize_t)(l->file.length < room ? l->file.length : room);
		if (count)
			memcpy(to, l->file.bytes, (size_t)count);
		l->file.bytes += count;
		l->file.length -= (size_t)count;
		return count;
	}
	do
		count = read(l->file.fd, to, room);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

/* As much as there is room for; less only at the end. Pipes give what they have. */
static int read_chunk(struct loader *l, size_t *count)
{
	ssize_t got;

	*count = 0;
	do {
		got = read_some(l, l->raw + *count, sizeof(l->raw) - *count);
		if (got < 0) {
			errno = (int)-got;
			return peeps_problem_set(l->problem, PEEPS_PROBLEM_OTHER, (int)got, "",
						 "%m");
		}
		*count += (size_t)got;
	} while (got && *count < sizeof(l->raw));
	l->read_bytes += *count;
	return l->read_bytes > l->limits->read_bytes ? too_long(l) : 0;
}

/* --- msgpack ---------------------------------------------------------------------------------------------------- */

static int keep(struct loader *l, const unsigned char *bytes, size_t count)
{
	if (count > l->limits->kept_bytes - l->kept_bytes)
		return too_long(l);
	if (count > l->kept_room - l->kept_bytes) {
		const size_t room = l->kept_room ? 2 * l->kept_room : CHUNK_BYTES;
		unsigned char *kept = realloc(l->kept, room);

		if (!kept)
			return no_memory(l);
		l->kept = kept;
		l->kept_room = room;
	}
	memcpy(l->kept + l->kept_bytes, bytes, count);
	l->kept_bytes += count;
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static int feed_json(struct loader *l, const unsigned char *bytes, size_t count)
{
	const int r = peeps_json_to_msgpack_feed(l->json, bytes, count);
	const char *fault;
	uint64_t at;

	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return no_memory(l);
	if (r == -EFBIG)
		return too_long(l);
	fault = peeps_json_to_msgpack_fault(l->json, &at);
	return peeps_problem_set(l->problem, PEEPS_PROBLEM_BAD_SEGMENT, r, HINT_CUT,
				 "byte %" PRIu64 " of the JSON: %s", at, fault);
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static bool is_space(unsigned char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The document is a map. */
static enum form form_of(const unsigned char *bytes, size_t count)
{
	while (count && is_space(*bytes)) {
		bytes++;
		count--;
	}
	if (count == 0)
		return UNKNOWN;
	if (*bytes == '{')
		return JSON;
	return (*bytes & 0xf0) == 0x80 || *bytes == 0xde || *bytes == 0xdf ? MSGPACK : UNKNOWN;
}

static int begin(struct loader *l, const unsigned char *bytes, size_t count)
{
	l->form = form_of(bytes, count);
	if (l->form == UNKNOWN)
		return refuse(l, HINT_HOW, "it is no snapshot: neither msgpack nor JSON");
	if (l->form == MSGPACK)
		return 0;
	l->json = peeps_json_to_msgpack_new(l->limits->kept_bytes);
	return l->json ? 0 : no_memory(l);
}

static int feed(struct loader *l, const unsigned char *bytes, size_t count)
{
	int r = 0;

	if (count == 0)
		return 0;
	if (l->form == UNKNOWN)
		r = begin(l, bytes, count);
	l->fed_bytes += count;
	if (r == 0 && l->fed_bytes > l->limits->read_bytes)
		r = too_long(l);
	if (r)
		return r;
	return l->form == JSON ? feed_json(l, bytes, count) : keep(l, bytes, count);
}

static int feed_compressed(struct loader *l, const unsigned char *bytes, size_t count)
{
	size_t made;
	int r;

	do {
		if (peeps_unzst_run(l->unzst, &bytes, &count, l->plain, sizeof(l->plain), &made))
			return refuse(l, "", "its compression (zstd) is damaged");
		if (l->fed_bytes > UNPACKED_BYTES_FREE &&
		    l->fed_bytes / UNPACKED_RATIO_MAX > l->read_bytes)
			return refuse(l, "", "it unpacks to more than 1000 times its length");
		r = feed(l, l->plain, made);
	} while (r == 0 && (count || made));
	return r;
}

static int unzip(struct loader *l, size_t count)
{
	int r;

	if (!peeps_unzst_is_ours(l->raw, count))
		return 0;
	r = peeps_unzst_new(&l->unzst);
	if (r == -EPROTONOSUPPORT)
		return peeps_problem_set(l->problem, PEEPS_PROBLEM_BAD_SEGMENT, r,
					 "zstd -d FILE decompresses it",
					 "it is compressed, and this peeps-read was built without "
					 "zstd");
	return r ? no_memory(l) : 0;
}

static int finish(struct loader *l)
{
	if (l->read_bytes == 0)
		return refuse(l, HINT_HOW, "it is empty");
	if (l->unzst && !peeps_unzst_is_complete(l->unzst))
		return refuse(l, HINT_CUT, "its compression (zstd) ends in the middle");
	if (l->form == UNKNOWN)
		return refuse(l, HINT_HOW, "it is empty");
	return l->form == JSON ? feed_json(l, NULL, 0) : 0;
}

static int load(struct loader *l)
{
	size_t count;
	int r = read_chunk(l, &count);

	if (r == 0)
		r = unzip(l, count);
	while (r == 0 && count) {
		r = l->unzst ? feed_compressed(l, l->raw, count) : feed(l, l->raw, count);
		if (r == 0)
			r = read_chunk(l, &count);
	}
	return r ? r : finish(l);
}

int peeps_snapshot_load(const struct peeps_snapshot_file *file,
			const struct peeps_snapshot_limits *limits, unsigned char **msgpack,
			size_t *length, struct peeps_problem *problem)
{
	struct loader *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->file = *file;
	l->limits = limits;
	l->problem = problem;
	r = load(l);
	if (r == 0 && l->form == JSON) {
		*msgpack = peeps_json_to_msgpack_take(l->json, length);
	} else if (r == 0) {
		*msgpack = l->kept;
		*length = l->kept_bytes;
	} else {
		free(l->kept);
	}
	peeps_json_to_msgpack_free(l->json);
	peeps_unzst_free(l->unzst);
	free(l);
	return r;
}
