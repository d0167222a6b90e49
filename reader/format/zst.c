/* SPDX-License-Identifier: MIT */
#include "reader/format/zst.h"

#include <errno.h>
#include <string.h>

bool peeps_unzst_is_ours(const unsigned char *bytes, size_t count)
{
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };

	return count >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
}

#ifdef PEEPS_WITH_ZSTD

#include <stdlib.h>
#include <zstd.h>

struct compressor {
	FILE *below;
	ZSTD_CStream *stream;
	char out[65536];
};

bool peeps_zst_is_built_in(void)
{
	return true;
}

static int compress(struct compressor *c, ZSTD_inBuffer *in, ZSTD_EndDirective how)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = c->out, .size = sizeof(c->out) };

		left = ZSTD_compressStream2(c->stream, &out, in, how);
		if (ZSTD_isError(left)) {
			errno = ENOMEM; /* the only reason for a stream that is used as this one is */
			return -1;
		}
		errno = 0;
		if (fwrite(c->out, 1, out.pos, c->below) != out.pos) {
			errno = errno ? errno : EIO;
			return -1;
		}
	} while (how == ZSTD_e_end ? left != 0 : in->pos < in->size);
	return 0;
}

static ssize_t on_write(void *cookie, const char *bytes, size_t count)
{
	ZSTD_inBuffer in = { .src = bytes, .size = count };

	return compress(cookie, &in, ZSTD_e_continue) ? 0 : (ssize_t)count;
}

static int on_close(void *cookie)
{
	struct compressor *c = cookie;
	ZSTD_inBuffer in = { .size = 0 };
	const int r = compress(c, &in, ZSTD_e_end);
	const int error = errno;

	(void)ZSTD_freeCStream(c->stream);
	free(c);
	errno = error;
	return r;
}

int peeps_zst_open(FILE *below, FILE **stream)
{
	static const cookie_io_functions_t functions = { .write = on_write, .close = on_close };
	struct compressor *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->below = below;
	c->stream = ZSTD_createCStream();
	*stream = c->stream ? fopencookie(c, "w", functions) : NULL;
	if (*stream)
		return 0;
	(void)ZSTD_freeCStream(c->stream);
	free(c);
	return -ENOMEM;
}

struct peeps_unzst {
	ZSTD_DStream *stream;
	bool complete;
};

int peeps_unzst_new(struct peeps_unzst **unzst)
{
	struct peeps_unzst *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->stream = ZSTD_createDStream();
	if (!u->stream) {
		free(u);
		return -ENOMEM;
	}
	*unzst = u;
	return 0;
}

void peeps_unzst_free(struct peeps_unzst *unzst)
{
	if (!unzst)
		return;
	(void)ZSTD_freeDStream(unzst->stream);
	free(unzst);
}

int peeps_unzst_run(struct peeps_unzst *unzst, const unsigned char **bytes, size_t *count,
		    unsigned char *out, size_t room, size_t *made)
{
	ZSTD_inBuffer in = { .src = *bytes, .size = *count };
	ZSTD_outBuffer made_of = { .dst = out, .size = room };
	const size_t hint = ZSTD_decompressStream(unzst->stream, &made_of, &in);

	if (ZSTD_isError(hint))
		return -EBADMSG;
	/* At the end of a frame it is 0, and if nothing comes after it, it stays so. */
	if (in.pos || made_of.pos)
		unzst->complete = hint == 0;
	*bytes += in.pos;
	*count -= in.pos;
	*made = made_of.pos;
	return 0;
}

bool peeps_unzst_is_complete(const struct peeps_unzst *unzst)
{
	return unzst->complete;
}

#else

bool peeps_zst_is_built_in(void)
{
	return false;
}

int peeps_zst_open(FILE *below, FILE **stream)
{
	(void)below;
	(void)stream;
	return -EPROTONOSUPPORT;
}

int peeps_unzst_new(struct peeps_unzst **unzst)
{
	(void)unzst;
	return -EPROTONOSUPPORT;
}

void peeps_unzst_free(struct peeps_unzst *unzst)
{
	(void)unzst;
}

int peeps_unzst_run(struct peeps_unzst *unzst, const unsigned char **bytes, size_t *count,
		    unsigned char *out, size_t room, size_t *made)
{
	(void)unzst;
	(void)bytes;
	(void)count;
	(void)out;
	(void)room;
	(void)made;
	return -EPROTONOSUPPORT;
}

bool peeps_unzst_is_complete(const struct peeps_unzst *unzst)
{
	(void)unzst;
	return false;
}

#endif
