/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/snapshot_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/format/document.h"
#include "reader/format/zst.h"
#include "reader/problem.h"
#include "reader/snapshot/json_end.h"
#include "reader/snapshot/json_to_msgpack.h"

#define CHUNK_BYTES 65536
#define PIECE_BYTES \
	4096 /* of msgpack, looked through at once: what comes after its end is given back */

/* What unpacks to more than so many times its length is no snapshot, but meant to keep us busy: dumps of a million like
 * entities come to 120. */
#define UNPACKED_RATIO_MAX  1000
#define UNPACKED_BYTES_FREE (UINT64_C(64) << 20)

#define HINT_HOW "peeps-read dump PID -o FILE.msgpack makes such a file"
#define HINT_CUT "is it one whole snapshot, and nothing else?"

enum form { UNKNOWN, MSGPACK, JSON };

struct piece {
	const unsigned char *bytes;
	size_t count;
};

struct peeps_snapshot_stream {
	struct peeps_snapshot_file file; /* of memory: what is left of it */
	const struct peeps_snapshot_limits *limits;
	struct peeps_problem *problem; /* of this call */

	struct peeps_unzst *unzst; /* NULL: it is not compressed */
	bool ended;                /* there is no more to read */
	uint64_t read_bytes;       /* in all, before decompression */
	uint64_t plain_bytes;      /* in all, after it */
	struct piece raw, plain;   /* of them: not yet used */

	uint64_t documents; /* that were whole */
	struct peeps_snapshot_position position, begun_at;

	/* of the document that is being read: */
	enum form form;
	uint64_t fed_bytes;
	uint64_t read_before; /* read_bytes when it began */
	struct peeps_json_to_msgpack *json;
	struct peeps_json_end json_end;
	struct peeps_msgpack_walk walk;
	unsigned char *kept; /* msgpack */
	size_t kept_bytes, kept_room;
	bool over;

	unsigned char raw_chunk[CHUNK_BYTES], plain_chunk[CHUNK_BYTES];
};

static int refuse(struct peeps_snapshot_stream *s, const char *hint, const char *why)
{
	return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, hint, "%s", why);
}

static int too_long(struct peeps_snapshot_stream *s)
{
	return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EFBIG, "",
				 "it is longer than this reader takes: %" PRIu64
				 " bytes, and %zu of msgpack",
				 s->limits->read_bytes, s->limits->kept_bytes);
}

static int no_memory(struct peeps_snapshot_stream *s)
{
	return peeps_problem_set(s->problem, PEEPS_PROBLEM_OTHER, -ENOMEM, "", "no memory");
}

/* --- bytes of the file ------------------------------------------------------------------------------------------ */

static ssize_t read_some(struct peeps_snapshot_stream *s, unsigned char *to, size_t room)
{
	ssize_t count;

	if (s->file.fd < 0) {
		count = (ssize_t)(s->file.length < room ? s->file.length : room);
		if (count)
			memcpy(to, s->file.bytes, (size_t)count);
		s->file.bytes += count;
		s->file.length -= (size_t)count;
		return count;
	}
	do
		count = read(s->file.fd, to, room);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

/* As much as there is room for; less only at the end. Pipes give what they have. */
static int read_chunk(struct peeps_snapshot_stream *s)
{
	size_t count = 0;
	ssize_t got;

	do {
		got = read_some(s, s->raw_chunk + count, sizeof(s->raw_chunk) - count);
		if (got < 0) {
			errno = (int)-got;
			return peeps_problem_set(s->problem, PEEPS_PROBLEM_OTHER, (int)got, "",
						 "%m");
		}
		count += (size_t)got;
	} while (got && count < sizeof(s->raw_chunk));
	s->raw = (struct piece){ s->raw_chunk, count };
	s->ended = count == 0;
	s->read_bytes += count;
	return s->read_bytes - s->read_before > s->limits->read_bytes + CHUNK_BYTES ? too_long(s)
										    : 0;
}

/* --- decompressed ----------------------------------------------------------------------------------------------- */

static int begin_compression(struct peeps_snapshot_stream *s)
{
	int r;

	if (s->read_bytes != s->raw.count || !peeps_unzst_is_ours(s->raw.bytes, s->raw.count))
		return 0; /* which the first bytes tell */
	r = peeps_unzst_new(&s->unzst);
	if (r == -EPROTONOSUPPORT)
		return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, r,
					 "zstd -d FILE decompresses it",
					 "it is compressed, and this peeps-read was built without "
					 "zstd");
	return r ? no_memory(s) : 0;
}

static int decompress(struct peeps_snapshot_stream *s)
{
	size_t made;

	if (peeps_unzst_run(s->unzst, &s->raw.bytes, &s->raw.count, s->plain_chunk,
			    sizeof(s->plain_chunk), &made))
		return refuse(s, "", "its compression (zstd) is damaged");
	s->plain = (struct piece){ s->plain_chunk, made };
	s->plain_bytes += made;
	if (s->plain_bytes > UNPACKED_BYTES_FREE &&
	    s->plain_bytes / UNPACKED_RATIO_MAX > s->read_bytes)
		return refuse(s, "", "it unpacks to more than 1000 times its length");
	return 0;
}

/* Between two documents and, of what is compressed, between two frames, one can begin to read. */
static void note_position(struct peeps_snapshot_stream *s)
{
	if (s->unzst && (s->plain.count || !peeps_unzst_is_complete(s->unzst)))
		return;
	s->position.offset = s->read_bytes - (s->unzst ? s->raw.count : s->plain.count);
	s->position.skip = 0;
}

/* Some more plain bytes; none at the end. */
static int fill(struct peeps_snapshot_stream *s)
{
	int r = 0;

	while (r == 0 && s->plain.count == 0 && !s->ended) {
		if (s->fed_bytes == 0)
			note_position(s);
		if (s->unzst) /* it may have more to give of what it has */
			r = decompress(s);
		if (r || s->plain.count || s->raw.count)
			continue;
		r = read_chunk(s);
		if (r == 0)
			r = begin_compression(s);
		if (r == 0 && !s->unzst) {
			s->plain = s->raw;
			s->raw.count = 0;
		}
	}
	return r;
}

/* --- msgpack ---------------------------------------------------------------------------------------------------- */

static int keep(struct peeps_snapshot_stream *s, struct piece piece)
{
	if (piece.count > s->limits->kept_bytes - s->kept_bytes)
		return too_long(s);
	if (piece.count > s->kept_room - s->kept_bytes) {
		const size_t room = s->kept_room ? 2 * s->kept_room : CHUNK_BYTES;
		unsigned char *kept = realloc(s->kept, room);

		if (!kept)
			return no_memory(s);
		s->kept = kept;
		s->kept_room = room;
	}
	memcpy(s->kept + s->kept_bytes, piece.bytes, piece.count);
	s->kept_bytes += piece.count;
	return 0;
}

static int refuse_at(struct peeps_snapshot_stream *s, const char *fault)
{
	return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_CUT,
				 "byte %zu: %s", s->walk.at, fault);
}

static struct peeps_msgpack_span kept_of(const struct peeps_snapshot_stream *s)
{
	return (struct peeps_msgpack_span){ s->kept, s->kept_bytes };
}

/* Sets how many of the bytes were the document's. */
static int take_msgpack(struct peeps_snapshot_stream *s, struct piece piece, size_t *used)
{
	const char *fault;
	int r;

	if (piece.count > PIECE_BYTES)
		piece.count = PIECE_BYTES;
	r = keep(s, piece);
	if (r)
		return r;
	*used = piece.count;
	r = peeps_msgpack_walk_on(&s->walk, kept_of(s), &fault);
	if (r == -EBADMSG)
		return refuse_at(s, fault);
	s->over = r == 0;
	if (s->over) {
		*used -= s->kept_bytes - s->walk.at;
		s->kept_bytes = s->walk.at;
	}
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static int feed_json(struct peeps_snapshot_stream *s, const unsigned char *bytes, size_t count)
{
	const int r = peeps_json_to_msgpack_feed(s->json, bytes, count);
	const char *fault;
	uint64_t at;

	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return no_memory(s);
	if (r == -EFBIG)
		return too_long(s);
	fault = peeps_json_to_msgpack_fault(s->json, &at);
	return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, r, HINT_CUT,
				 "byte %" PRIu64 " of the JSON: %s", at, fault);
}

static int take_json(struct peeps_snapshot_stream *s, struct piece piece, size_t *used)
{
	int r;

	*used = peeps_json_end_find(&s->json_end, piece.bytes, piece.count, &s->over);
	r = feed_json(s, piece.bytes, *used);
	return r == 0 && s->over ? feed_json(s, NULL, 0) : r;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static bool is_space(unsigned char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The document is a map. */
static enum form form_of(unsigned char byte)
{
	if (byte == '{')
		return JSON;
	return (byte & 0xf0) == 0x80 || byte == 0xde || byte == 0xdf ? MSGPACK : UNKNOWN;
}

static void begin_document(struct peeps_snapshot_stream *s)
{
	s->form = UNKNOWN;
	s->fed_bytes = 0;
	s->read_before = s->read_bytes;
	s->json_end = (struct peeps_json_end){ .depth = 0 };
	peeps_msgpack_walk_begin(&s->walk);
	s->kept_bytes = 0;
	s->over = false;
	peeps_json_to_msgpack_free(s->json);
	s->json = NULL;
}

/* Over what stands between documents. */
static void skip_spaces(struct peeps_snapshot_stream *s)
{
	while (s->plain.count && is_space(*s->plain.bytes)) {
		s->plain.bytes++;
		s->plain.count--;
	}
	note_position(s);
}

static int tell_form(struct peeps_snapshot_stream *s)
{
	s->form = form_of(*s->plain.bytes);
	s->begun_at = s->position;
	if (s->form == UNKNOWN && s->documents)
		return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, HINT_HOW,
					 "after %" PRIu64 " snapshots, what follows is none",
					 s->documents);
	if (s->form == UNKNOWN)
		return refuse(s, HINT_HOW, "it is no snapshot: neither msgpack nor JSON");
	if (s->form == MSGPACK)
		return 0;
	s->json = peeps_json_to_msgpack_new(s->limits->kept_bytes);
	return s->json ? 0 : no_memory(s);
}

static int take(struct peeps_snapshot_stream *s)
{
	struct piece piece;
	size_t used = 0;
	int r = 0;

	if (s->form == UNKNOWN) {
		skip_spaces(s);
		if (s->plain.count == 0)
			return 0;
		r = tell_form(s);
	}
	piece = s->plain;
	if (piece.count > s->limits->read_bytes - s->fed_bytes)
		piece.count = (size_t)(s->limits->read_bytes - s->fed_bytes);
	if (r == 0 && piece.count == 0)
		r = too_long(s);
	if (r == 0)
		r = s->form == JSON ? take_json(s, piece, &used) : take_msgpack(s, piece, &used);
	s->fed_bytes += used;
	s->plain.bytes += used;
	s->plain.count -= used;
	return r;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

/* The begin of each of our documents, but for how many keys it has. No text of a document can have this in it: the byte
 * between them is no UTF-8. */
static const char ours[] = "\xa6schema\xb0" PEEPS_DOCUMENT_SCHEMA;
#define OURS_BYTES (sizeof(ours) - 1)
#define OURS_AFTER 5 /* at most: the map's head */

/* What claims to be longer than it is has swallowed those that come after it. */
static bool has_swallowed(const struct peeps_snapshot_stream *s)
{
	return s->form == MSGPACK && s->kept_bytes > OURS_AFTER + OURS_BYTES &&
	       memmem(s->kept + OURS_AFTER + OURS_BYTES, s->kept_bytes - OURS_AFTER - OURS_BYTES,
		      ours, OURS_BYTES) != NULL;
}

static int refuse_stump(struct peeps_snapshot_stream *s)
{
	const char *fault;

	if (s->read_bytes == 0)
		return refuse(s, HINT_HOW, "it is empty");
	if (s->unzst && !peeps_unzst_is_complete(s->unzst))
		return refuse(s, HINT_CUT, "its compression (zstd) ends in the middle");
	if (s->form == UNKNOWN && s->plain_bytes == 0 && s->unzst)
		return refuse(s, HINT_HOW, "it is empty");
	if (s->form == UNKNOWN)
		return refuse(s, HINT_HOW, "it is no snapshot: neither msgpack nor JSON");
	if (s->form == JSON && feed_json(s, NULL, 0) != 0)
		return -EBADMSG;
	(void)peeps_msgpack_walk_on(&s->walk, kept_of(s), &fault);
	return refuse_at(s, fault);
}

static int finish(struct peeps_snapshot_stream *s)
{
	if (s->documents == 0)
		return refuse_stump(s);
	if (has_swallowed(s))
		return peeps_problem_set(s->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
					 "--at shows those before it",
					 "after %" PRIu64
					 " snapshots comes one that claims to be longer than it is",
					 s->documents);
	s->begun_at = s->position;
	return -ENODATA;
}

/* --- public ----------------------------------------------------------------------------------------------------- */

struct peeps_snapshot_stream *peeps_snapshot_stream_open(const struct peeps_snapshot_file *file,
							 const struct peeps_snapshot_limits *limits)
{
	struct peeps_snapshot_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->file = *file;
	s->limits = limits;
	return s;
}

void peeps_snapshot_stream_close(struct peeps_snapshot_stream *stream)
{
	if (!stream)
		return;
	free(stream->kept);
	peeps_json_to_msgpack_free(stream->json);
	peeps_unzst_free(stream->unzst);
	free(stream);
}

int peeps_snapshot_stream_next(struct peeps_snapshot_stream *stream,
			       struct peeps_msgpack_span *msgpack, struct peeps_problem *problem)
{
	struct peeps_snapshot_stream *s = stream;
	int r = 0;

	s->problem = problem;
	begin_document(s);
	while (r == 0 && !s->over) {
		r = fill(s);
		if (r == 0 && s->plain.count == 0)
			return finish(s);
		if (r == 0)
			r = take(s);
	}
	if (r)
		return r;
	s->documents++;
	s->position.skip++;
	*msgpack = s->form == JSON ? peeps_json_to_msgpack_made(s->json) : kept_of(s);
	return 0;
}

struct peeps_snapshot_position peeps_snapshot_stream_position(
	const struct peeps_snapshot_stream *stream)
{
	return stream->begun_at;
}

uint64_t peeps_snapshot_stream_cut_off(const struct peeps_snapshot_stream *stream)
{
	return stream->read_bytes - stream->position.offset;
}

bool peeps_snapshot_stream_is_stump(const struct peeps_snapshot_stream *stream)
{
	const struct peeps_snapshot_stream *s = stream;
	struct peeps_msgpack_span begin = kept_of(s);

	if (!s->ended || s->documents)
		return false;
	if (s->form == UNKNOWN) /* of a frame that was cut off, it may be that nothing can be had */
		return s->read_bytes == 0 || (s->unzst && !peeps_unzst_is_complete(s->unzst));
	if (s->form == JSON)
		begin = peeps_json_to_msgpack_made(s->json);
	return memmem(begin.bytes,
		      begin.length < OURS_AFTER + OURS_BYTES ? begin.length
							     : OURS_AFTER + OURS_BYTES,
		      ours, OURS_BYTES) != NULL;
}
