/* SPDX-License-Identifier: MIT */
/* Core files made by hand, sound and hostile. Real ones: tests/e2e/test_kept.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "reader/target/core.h"
#include "reader/cut/cut.h"
#include "reader/decode/decode.h"
#include "reader/analysis/analysis.h"
#include "tests/support/fake_segment.h"

#define BASE       UINT64_C(0x7f0000000000) /* where the segment was mapped */
#define OTHER_BASE UINT64_C(0x7e0000000000)
#define MEMFD      "/memfd:peeps (deleted)"
#define LOADS_MAX  8

/* What a core file is written from, changed by the tests at will. */
struct plan {
	unsigned char ident_class, ident_data;
	uint16_t type;
	uint32_t pid;
	struct {
		uint64_t start, end, offset_pages;
		const char *path;
	} files[4];
	uint64_t file_count;
	uint64_t file_count_said; /* in the note */
	struct {
		uint64_t address, memory_bytes, file_bytes;
		const void *bytes;
	} loads[LOADS_MAX];
	size_t load_count;
	size_t cut_off_bytes; /* at the end of the file */
};

struct fixture {
	struct fake_segment segment, parents;
	struct fake_deadlock deadlock;
	struct plan plan;
	unsigned char *file;
	size_t file_bytes;
	struct peeps_target target;
	struct peeps_image image;
	struct peeps_problem problem;
};

static void add_load(struct plan *plan, uint64_t address, const void *bytes, size_t count)
{
	plan->loads[plan->load_count].address = address;
	plan->loads[plan->load_count].memory_bytes = count;
	plan->loads[plan->load_count].file_bytes = count;
	plan->loads[plan->load_count++].bytes = bytes;
}

static void add_file(struct plan *plan, uint64_t start, size_t bytes, const char *path)
{
	plan->files[plan->file_count].start = start;
	plan->files[plan->file_count].end = start + bytes;
	plan->files[plan->file_count++].path = path;
	plan->file_count_said = plan->file_count;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_segment_new(&f->segment);
	fake_deadlock(&f->segment, &f->deadlock);
	fake_segment_new(&f->parents);
	f->parents.header->pid = FAKE_PID - 1;
	f->segment.control->tick_ns = UINT64_C(700000000);
	f->plan = (struct plan){ .ident_class = ELFCLASS64,
				 .ident_data = ELFDATA2LSB,
				 .type = ET_CORE,
				 .pid = FAKE_PID };
	add_file(&f->plan, 0x400000, 4096, "/usr/bin/fake");
	add_file(&f->plan, BASE, f->segment.bytes, MEMFD);
	add_load(&f->plan, BASE, f->segment.base, f->segment.bytes);
	peeps_image_init(&f->image);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	peeps_image_deinit(&f->image);
	fake_segment_free(&f->segment);
	fake_segment_free(&f->parents);
	free(f->file);
	free(f);
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void append(struct fixture *f, const void *bytes, size_t count)
{
	f->file = realloc(f->file, f->file_bytes + count + 1);
	assert_non_null(f->file);
	if (count)
		memcpy(f->file + f->file_bytes, bytes, count);
	f->file_bytes += count;
}

static void append_note(struct fixture *f, uint32_t type, const void *bytes, size_t count)
{
	static const char zeroes[4];
	const Elf64_Nhdr header = { .n_namesz = 5, .n_descsz = (Elf64_Word)count, .n_type = type };

	append(f, &header, sizeof(header));
	append(f, "CORE\0\0\0", 8);
	append(f, bytes, count);
	append(f, zeroes, (4 - count % 4) % 4);
}

static void append_notes(struct fixture *f)
{
	const struct plan *plan = &f->plan;
	struct elf_prpsinfo process = { .pr_pid = (int)plan->pid };
	unsigned char files[1024];
	size_t length = 0;
	uint64_t words[3] = { plan->file_count_said, 4096 };

	append_note(f, NT_PRPSINFO, &process, sizeof(process));
	memcpy(files, words, 16);
	length = 16;
	for (uint64_t i = 0; i < plan->file_count; i++) {
		words[0] = plan->files[i].start;
		words[1] = plan->files[i].end;
		words[2] = plan->files[i].offset_pages;
		memcpy(files + length, words, 24);
		length += 24;
	}
	for (uint64_t i = 0; i < plan->file_count; i++) {
		const size_t bytes = strlen(plan->files[i].path) + 1;

		memcpy(files + length, plan->files[i].path, bytes);
		length += bytes;
	}
	append_note(f, NT_FILE, files, length);
}

static void write_core(struct fixture *f)
{
	const struct plan *plan = &f->plan;
	const size_t program_headers = plan->load_count + 1;
	Elf64_Ehdr header = { .e_type = plan->type,
			      .e_machine = EM_X86_64,
			      .e_version = EV_CURRENT,
			      .e_phoff = sizeof(header),
			      .e_ehsize = sizeof(header),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = (Elf64_Half)program_headers };
	Elf64_Phdr programs[LOADS_MAX + 1] = { { .p_type = PT_NOTE } };
	size_t notes_offset;

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = plan->ident_class;
	header.e_ident[EI_DATA] = plan->ident_data;
	header.e_ident[EI_VERSION] = EV_CURRENT;
	f->file_bytes = 0;
	append(f, &header, sizeof(header));
	append(f, programs, program_headers * sizeof(programs[0]));
	notes_offset = f->file_bytes;
	append_notes(f);
	programs[0].p_offset = notes_offset;
	programs[0].p_filesz = f->file_bytes - notes_offset;
	for (size_t i = 0; i < plan->load_count; i++) {
		programs[i + 1] = (Elf64_Phdr){ .p_type = PT_LOAD,
						.p_vaddr = plan->loads[i].address,
						.p_offset = f->file_bytes,
						.p_memsz = plan->loads[i].memory_bytes,
						.p_filesz = plan->loads[i].file_bytes };
		append(f, plan->loads[i].bytes, plan->loads[i].file_bytes);
	}
	memcpy(f->file + sizeof(header), programs, program_headers * sizeof(programs[0]));
	f->file_bytes -= plan->cut_off_bytes;
}

/* With a hole after it, so that the file has so many bytes. */
static int attach_sparse(struct fixture *f, size_t bytes)
{
	const int fd = memfd_create("core", MFD_CLOEXEC);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->file, f->file_bytes), f->file_bytes);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	r = peeps_attach_core(&f->target, fd, "core.4711", &f->problem);
	(void)close(fd);
	return r;
}

static int attach_bytes(struct fixture *f)
{
	return attach_sparse(f, f->file_bytes);
}

static int attach(struct fixture *f)
{
	write_core(f);
	return attach_bytes(f);
}

static void attach_sound(struct fixture *f)
{
	if (attach(f) != 0)
		fail_msg("%s: %s", f->problem.what, f->problem.why);
}

static void assert_refused(struct fixture *f, const char *name, int expected, int status,
			   const char *why, const char *hint)
{
	const int r = attach(f);

	if (r == 0)
		peeps_detach(&f->target);
	if (r != expected || f->problem.status != status || !strstr(f->problem.why, why) ||
	    !strstr(f->problem.hint, hint) || !strstr(f->problem.what, "core.4711"))
		fail_msg("%s: %d, status %d: %s: %s; hint: %s", name, r, f->problem.status,
			 f->problem.what, f->problem.why, f->problem.hint);
}

/* --- sound ones --------------------------------------------------------------------------------------------------- */

static void attach_core__deadlock__is_certain(void **state)
{
	static const struct peeps_analysis_options no_wishes;
	struct fixture *f = *state;
	struct peeps_graph *graph = NULL;

	attach_sound(f);
	assert_true(f->target.is_over);
	assert_true(f->target.is_copy);
	assert_int_equal(f->target.pid, FAKE_PID);
	assert_int_equal(peeps_cut(&f->target, &f->image, 0, &f->problem), 0);
	peeps_detach(&f->target);
	assert_int_equal(f->image.quality, PEEPS_QUALITY_QUIESCENT);
	assert_int_equal(f->image.entity_count, 5);
	assert_int_equal(peeps_decode(&f->image, 0, &graph), 0);
	assert_int_equal(peeps_analyse(graph, &no_wishes), 0);
	assert_int_equal(graph->finding_count, 1);
	assert_int_equal(graph->findings[0].kind, PEEPS_FINDING_DEADLOCK);
	assert_true(graph->findings[0].certain);
	assert_true(graph->processes[0].dumped);
	peeps_graph_free(graph);
}

/* Mappings with other flags, such as locked ones, are load segments of their own; in any order. */
static void attach_core__segment_in_several_loads__is_put_together(void **state)
{
	struct fixture *f = *state;
	const size_t cuts[] = { 100, 4096, 9000, 20000 };
	size_t end = f->segment.bytes;

	f->plan.load_count = 0;
	for (size_t i = sizeof(cuts) / sizeof(cuts[0]); i-- > 0; end = cuts[i])
		add_load(&f->plan, BASE + cuts[i], f->segment.base + cuts[i], end - cuts[i]);
	add_load(&f->plan, BASE, f->segment.base, cuts[0]);
	attach_sound(f);
	assert_memory_equal(f->target.base + fake_section(&f->segment, PEEPS_SECTION_EDGES)->offset,
			    f->segment.edges, 2 * sizeof(*f->segment.edges));
	peeps_detach(&f->target);
}

static void attach_core__parents_segment_too__its_own_is_taken(void **state)
{
	struct fixture *f = *state;

	add_file(&f->plan, OTHER_BASE, f->parents.bytes, MEMFD);
	add_load(&f->plan, OTHER_BASE, f->parents.base, f->parents.bytes);
	attach_sound(f);
	assert_int_equal(f->target.header.pid, FAKE_PID);
	peeps_detach(&f->target);
	f->plan.pid = FAKE_PID - 1;
	attach_sound(f);
	assert_int_equal(f->target.header.pid, FAKE_PID - 1);
	peeps_detach(&f->target);
}

/* A process that began a PID namespace's life as its parent did has the same pid; its segment is the later one. */
static void attach_core__two_of_one_process__the_newest_is_taken(void **state)
{
	struct fixture *f = *state;

	f->parents.header->pid = FAKE_PID;
	f->parents.header->start_monotonic_ns = f->segment.header->start_monotonic_ns + 1;
	add_file(&f->plan, OTHER_BASE, f->parents.bytes, MEMFD);
	add_load(&f->plan, OTHER_BASE, f->parents.base, f->parents.bytes);
	attach_sound(f);
	assert_memory_equal(f->target.header.segment_id, f->parents.header->segment_id, 16);
	assert_int_equal(f->target.header.start_monotonic_ns,
			 f->parents.header->start_monotonic_ns);
	peeps_detach(&f->target);
}

/* --- without a whole segment -------------------------------------------------------------------------------------- */

static void attach_core__no_segment_of_its_own__is_enoent(void **state)
{
	struct fixture *f = *state;

	f->plan.pid = 1;
	assert_refused(f, "parent's", -ENOENT, 4, "only its parent's", "");
	f->plan.pid = FAKE_PID;
	f->plan.files[1].path = "/memfd:other (deleted)";
	assert_refused(f, "none", -ENOENT, 4, "no peeps segment", "built with peeps");
	f->plan.files[1].path = MEMFD;
	f->plan.files[1].offset_pages = 1;
	assert_refused(f, "not from its begin", -ENOENT, 4, "no peeps segment", "");
}

static void attach_core__not_dumped__says_what_to_do(void **state)
{
	struct fixture *f = *state;

	f->plan.loads[0].file_bytes = 0;
	assert_refused(f, "not at all", -EBADMSG, 6, "was not dumped", "coredump_filter");
	f->plan.loads[0].file_bytes = 3 * PEEPS_PAGE_BYTES;
	assert_refused(f, "not all of it", -EBADMSG, 6, "not all of it", "coredump_filter");
	f->plan.load_count = 0;
	assert_refused(f, "not mapped", -EBADMSG, 6, "was not dumped", "");
	f->plan.files[1].path = "/dev/shm/p/fake-4711-00.peeps";
	assert_refused(f, "kept", -EBADMSG, 6, "was not dumped",
		       "peeps-read /dev/shm/p/fake-4711-00.peeps");
}

static void attach_core__cut_off__says_so(void **state)
{
	struct fixture *f = *state;

	f->plan.cut_off_bytes = f->segment.bytes - 2 * PEEPS_PAGE_BYTES;
	assert_refused(f, "in the sections", -EBADMSG, 6, "ends before", "ulimit");
	f->plan.cut_off_bytes = f->segment.bytes - 10;
	assert_refused(f, "in the header", -EBADMSG, 6, "ends before", "ulimit");
	f->plan.cut_off_bytes = f->segment.bytes + 100;
	assert_refused(f, "in the notes", -EBADMSG, 6, "notes cannot be read", "ulimit");
}

/* --- hostile ones ------------------------------------------------------------------------------------------------- */

static void attach_core__no_core_file__says_what_it_is(void **state)
{
	struct fixture *f = *state;

	f->plan.type = ET_EXEC;
	assert_refused(f, "program", -EBADMSG, 6, "no core file", "");
	f->plan.type = ET_CORE;
	f->plan.ident_class = ELFCLASS32;
	assert_refused(f, "32 bit", -EBADMSG, 6, "64-bit, little-endian", "");
	f->plan.ident_class = ELFCLASS64;
	f->plan.ident_data = ELFDATA2MSB;
	f->plan.type = __builtin_bswap16(ET_CORE);
	assert_refused(f, "big-endian", -EBADMSG, 6, "64-bit, little-endian", "");
	f->plan.type = ET_CORE;
	f->plan.ident_data = ELFDATA2LSB;
	write_core(f);
	for (size_t bytes = 0; bytes < 200; bytes++) {
		f->file_bytes = bytes;
		assert_int_equal(attach_bytes(f), -EBADMSG);
		assert_int_equal(f->problem.status, 6);
	}
}

static void attach_core__list_of_files_makes_no_sense__is_refused(void **state)
{
	static const uint64_t counts[] = { 3, 1000, UINT64_MAX, UINT64_MAX / 3 + 1,
					   UINT64_C(1) << 61 };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		f->plan.file_count_said = counts[i];
		assert_refused(f, "count", -EBADMSG, 6, "cut off", "");
	}
	f->plan.file_count_said = 2;
	f->plan.files[1].start = UINT64_MAX - 100;
	f->plan.loads[0].address = UINT64_MAX - 100;
	assert_refused(f, "at the end of memory", -EBADMSG, 6, "", "");
}

static void attach_core__program_headers_make_no_sense__is_refused(void **state)
{
	struct fixture *f = *state;
	Elf64_Ehdr *header;
	Elf64_Phdr *programs;

	write_core(f);
	header = (Elf64_Ehdr *)f->file;
	programs = (Elf64_Phdr *)(f->file + sizeof(*header));
	programs[1].p_offset = UINT64_MAX - 10;
	assert_int_equal(attach_bytes(f), -EBADMSG);
	programs[1].p_offset = INT64_MAX - 10;
	assert_int_equal(attach_bytes(f), -EBADMSG);
	programs[0].p_filesz = UINT64_MAX;
	assert_int_equal(attach_bytes(f), -EBADMSG);
	programs[0].p_filesz = 64 << 20;
	assert_int_equal(attach_bytes(f), -EBADMSG);
	header->e_phnum = PN_XNUM;
	assert_true(attach_bytes(f) < 0);
	header->e_phnum = PN_XNUM - 1;
	assert_true(attach_bytes(f) < 0);
	header->e_phnum = 2;
	header->e_phoff = UINT64_MAX - 8;
	assert_true(attach_bytes(f) < 0);
}

/* Each of them could be a process's, but not both: else a hundred headers would have us read the same hole as often. */
static void attach_core__notes_too_many_together__is_refused(void **state)
{
	struct fixture *f = *state;
	Elf64_Phdr *programs;

	write_core(f);
	programs = (Elf64_Phdr *)(f->file + sizeof(Elf64_Ehdr));
	programs[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
				    .p_offset = f->file_bytes,
				    .p_filesz = UINT64_C(128) << 20 };
	assert_int_equal(attach_sparse(f, f->file_bytes + (UINT64_C(128) << 20)), -EBADMSG);
	assert_non_null(strstr(f->problem.why, "larger than those of any process"));
}

/* The text section is the last one, and claims a gigabyte that the file does not have. */
static void attach_core__claims_more_than_it_has__is_refused(void **state)
{
	struct fixture *f = *state;
	struct peeps_section_entry *text = fake_section(&f->segment, PEEPS_SECTION_TEXT);

	text->capacity = (UINT64_C(1) << 30) / PEEPS_TEXT_GRANULE;
	text->high_water = text->capacity;
	f->segment.header->segment_bytes = text->offset + (UINT64_C(1) << 30);
	f->plan.loads[0].memory_bytes = f->segment.header->segment_bytes;
	assert_refused(f, "1 GiB", -EBADMSG, 6, "but has memory for", "");
}

/* Whatever it is, it ends, and what was opened is closed; sanitizers see the rest. */
static void attach_core__any_byte_changed__ends_well(void **state)
{
	struct fixture *f = *state;
	const char *given = getenv("PEEPS_SEED");
	unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 10) : 1;
	size_t taken = 0;

	print_message("# PEEPS_SEED=%u\n", seed);
	for (int i = 0; i < 3000; i++) {
		size_t head;
		int r;

		write_core(f);
		head = f->file_bytes - f->segment.bytes + sizeof(*f->segment.header);
		for (int flips = 1 + rand_r(&seed) % 4; flips > 0; flips--)
			f->file[(size_t)rand_r(&seed) % head] =
				rand_r(&seed) % 2 ? (unsigned char)rand_r(&seed) : 0xff;
		r = attach_bytes(f);
		if (r == 0) {
			taken++;
			r = peeps_cut(&f->target, &f->image, 0, &f->problem);
			peeps_detach(&f->target);
		}
		if (r && (f->problem.status < 3 || f->problem.status > 8 || !*f->problem.why))
			fail_msg("%d: %d, status %d, %s", i, r, f->problem.status, f->problem.why);
	}
	assert_true(taken > 0 && taken < 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH_PLAN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		WITH_PLAN(attach_core__deadlock__is_certain),
		WITH_PLAN(attach_core__segment_in_several_loads__is_put_together),
		WITH_PLAN(attach_core__parents_segment_too__its_own_is_taken),
		WITH_PLAN(attach_core__two_of_one_process__the_newest_is_taken),
		WITH_PLAN(attach_core__no_segment_of_its_own__is_enoent),
		WITH_PLAN(attach_core__not_dumped__says_what_to_do),
		WITH_PLAN(attach_core__cut_off__says_so),
		WITH_PLAN(attach_core__no_core_file__says_what_it_is),
		WITH_PLAN(attach_core__list_of_files_makes_no_sense__is_refused),
		WITH_PLAN(attach_core__program_headers_make_no_sense__is_refused),
		WITH_PLAN(attach_core__notes_too_many_together__is_refused),
		WITH_PLAN(attach_core__claims_more_than_it_has__is_refused),
		WITH_PLAN(attach_core__any_byte_changed__ends_well),
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
