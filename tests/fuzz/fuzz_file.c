/* SPDX-License-Identifier: MIT */
/*
 * A golden segment as a kept file, or in a core file, with some bytes changed, from the descriptor to every format. What
 * is fuzzed is the changes:
 *
 *	byte 0      IN_CORE; [2:1] which golden segment
 *	byte 1      how much is cut off at the end, in 256ths; 0 = nothing, and a hole comes after it
 *	then, again and again:
 *	bytes 0, 1  where, from the begin of the file on
 *	byte 2      [3:0] bytes that follow: 0 = a byte that stands for a word (below)
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout/segment.h"
#include "reader/analysis/analysis.h"
#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/target/attach.h"
#include "reader/target/attach_file.h"
#include "reader/target/core.h"
#include "tests/fuzz/golden.h"
#include "tests/fuzz/show.h"

#define IN_CORE     1
#define HOLE_BYTES  (64 << 20) /* for what claims to be large */
#define HEAD_BYTES  16         /* of a change's words, at most */
#define CHANGES     64         /* of one input */
#define MAPPED_AT   UINT64_C(0x7f0000000000)
#define LOAD_COUNT  3
#define FIRST_BYTES UINT64_C(4096) /* of the first load */

static const char *const names[] = { "mutex-lock-order-inversion", "channel-full-stall",
				     "one_of_each" };
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static const uint64_t words[] = { 0,
				  1,
				  4,
				  UINT16_MAX,
				  UINT32_MAX,
				  UINT64_MAX,
				  INT64_MAX,
				  UINT64_C(64) << 20,
				  UINT64_C(1) << 40,
				  MAPPED_AT };
#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static struct bytes kept[NAME_COUNT], cores[NAME_COUNT];

/* --- a core file ------------------------------------------------------------------------------------------------ */

/* Padded to 4 bytes, not to 8. */
struct __attribute__((packed)) prpsinfo_note {
	Elf64_Nhdr header;
	char name[8];
	struct elf_prpsinfo process;
};

struct __attribute__((packed)) file_note {
	Elf64_Nhdr header;
	char name[8];
	uint64_t count, page_bytes;
	uint64_t begin, end, offset;
	char path[24];
};

struct core_head {
	Elf64_Ehdr elf;
	Elf64_Phdr notes, loads[LOAD_COUNT];
	struct prpsinfo_note prpsinfo;
	struct file_note files;
};

_Static_assert(sizeof(struct prpsinfo_note) % 4 == 0, "notes are padded to 4 bytes");

static void core_make(struct bytes *core, const struct bytes *segment)
{
	const uint64_t parts[LOAD_COUNT + 1] = { 0, FIRST_BYTES, segment->count / 2 & ~UINT64_C(7),
						 segment->count };
	const struct peeps_segment_header *header = (const void *)segment->start;
	struct core_head head = {
		.elf = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_CORE,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = offsetof(struct core_head, notes),
			 .e_ehsize = sizeof(head.elf),
			 .e_phentsize = sizeof(head.notes),
			 .e_phnum = 1 + LOAD_COUNT },
		.notes = { .p_type = PT_NOTE,
			   .p_offset = offsetof(struct core_head, prpsinfo),
			   .p_filesz = sizeof(head) - offsetof(struct core_head, prpsinfo) },
		.prpsinfo = { .header = { 5, sizeof(head.prpsinfo.process), NT_PRPSINFO },
			      .name = "CORE",
			      .process = { .pr_pid = (int)header->pid } },
		.files = { .header = { 5, sizeof(head.files) - offsetof(struct file_note, count),
				       NT_FILE },
			   .name = "CORE",
			   .count = 1,
			   .page_bytes = PEEPS_PAGE_BYTES,
			   .begin = MAPPED_AT,
			   .end = MAPPED_AT + segment->count,
			   .path = "/memfd:peeps (deleted)" }
	};

	for (size_t i = 0; i < LOAD_COUNT; i++)
		head.loads[i] = (Elf64_Phdr){ .p_type = PT_LOAD,
					      .p_vaddr = MAPPED_AT + parts[i],
					      .p_offset = sizeof(head) + parts[i],
					      .p_memsz = parts[i + 1] - parts[i],
					      .p_filesz = parts[i + 1] - parts[i] };
	core->count = sizeof(head) + segment->count;
	core->start = malloc(core->count);
	need(core->start != NULL, "malloc");
	memcpy(core->start, &head, sizeof(head));
	memcpy(core->start + sizeof(head), segment->start, segment->count);
}

/* What is fuzzed has to be sound before it is changed. */
static void core_check(const struct bytes *core)
{
	const int fd = memfd_create("core", MFD_CLOEXEC);
	struct peeps_problem problem = { .status = 0 };
	struct peeps_target target;
	int r;

	need(fd >= 0 && write(fd, core->start, core->count) == (ssize_t)core->count, "core");
	r = peeps_attach_core(&target, fd, "core", &problem);
	if (r == 0)
		peeps_detach(&target);
	else if (r != -EPROTONOSUPPORT) /* built without libelf */
		(void)fprintf(stderr, "%s: %s\n", problem.what, problem.why);
	need(r == 0 || r == -EPROTONOSUPPORT, "peeps_attach_core");
	(void)close(fd);
}

/* --- the changes ------------------------------------------------------------------------------------------------ */

/* Returns how much of the data it took; 0 = it is no more. */
static size_t change(int fd, size_t file_bytes, const uint8_t *data, size_t size)
{
	const size_t head = 3;
	size_t at, count;

	if (size <= head)
		return 0;
	at = (data[0] | (size_t)data[1] << 8) % (file_bytes - HEAD_BYTES);
	count = data[2] & 15;
	if (count > size - head)
		count = size - head;
	if (count > 0)
		need(pwrite(fd, data + head, count, (off_t)at) > 0, "pwrite");
	else
		need(pwrite(fd, &words[data[head] % WORD_COUNT], sizeof(words[0]),
			    (off_t)(at & ~(size_t)7)) > 0,
		     "pwrite");
	return head + (count ? count : 1);
}

static int file_make(const struct bytes *base, const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);
	const off_t length =
		data[1] ? (off_t)(base->count - base->count * data[1] / 256) : (off_t)base->count;
	size_t taken = 2;

	need(fd >= 0 && fchmod(fd, 0600) == 0, "memfd_create");
	need(write(fd, base->start, base->count) == (ssize_t)base->count, "write");
	for (size_t i = 0; i < CHANGES; i++) {
		const size_t more = change(fd, base->count, data + taken, size - taken);

		if (more == 0)
			break;
		taken += more;
	}
	need(ftruncate(fd, data[0] & IN_CORE && data[1] == 0 ? length + HOLE_BYTES : length) == 0,
	     "ftruncate");
	return fd;
}

static void read_all(struct peeps_target *target)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = 1 };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	struct peeps_image image;

	peeps_image_init(&image);
	if (peeps_cut(target, &image, 0, &problem) == 0) {
		need(peeps_decode(&image, PEEPS_DECODE_HISTORY, &graph) == 0, "peeps_decode");
		need(peeps_analyse(graph, &wishes) == 0, "peeps_analyse");
		fuzz_show(graph);
		peeps_graph_free(graph);
	}
	peeps_image_deinit(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_target target;
	bool in_core;
	size_t which;
	int fd, r;

	if (size < 2)
		return 0;
	for (size_t i = 0; i < NAME_COUNT && !cores[i].start; i++) {
		kept[i] = golden_read(names[i]);
		core_make(&cores[i], &kept[i]);
		core_check(&cores[i]);
	}
	in_core = data[0] & IN_CORE;
	which = (data[0] >> 1) % NAME_COUNT;
	fd = file_make(in_core ? &cores[which] : &kept[which], data, size);
	r = in_core ? peeps_attach_core(&target, fd, "input", &problem)
		    : peeps_attach_file(&target, fd, "input", &problem);
	(void)close(fd);
	if (r) {
		need(problem.status != 0 && problem.why[0] != '\0', "a refusal without a reason");
		return 0;
	}
	read_all(&target);
	peeps_detach(&target);
	return 0;
}
