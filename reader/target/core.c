/* SPDX-License-Identifier: MIT */
/*
 * The kernel notes in a core file which files were mapped where (NT_FILE), and whose process it was (NT_PRPSINFO); the
 * bytes are in its load segments, found by address. libelf reads headers and notes, which it checks against the file's
 * size; what the notes say is checked here.
 */
#include "reader/target/core.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/problem.h"
#include "reader/target/bounds.h"
#include "reader/target/kept.h"
#include "reader/target/private_copy.h"

#define LINK_TEXT       "/memfd:" PEEPS_SEGMENT_NAME " (deleted)"
#define LOADS_MAX       (1u << 20)
#define NOTES_BYTES_MAX (UINT64_C(128) << 20) /* of all together: some kilobytes a thread */
#define PLACES_MAX      64 /* a process maps its own segment, and perhaps its parent's */
#define HINT_FILTER     "shared memory is dumped unless bit 1 of /proc/PID/coredump_filter is cleared"
#define HINT_WHOLE      "ulimit -c, or what collects core files here, may have cut it short"

/* Memory that was dumped, or not: then file_bytes is less than memory_bytes. */
struct load {
	uint64_t address;
	uint64_t memory_bytes;
	uint64_t offset;
	uint64_t file_bytes;
};

/* Where a segment was mapped from its begin on. */
struct place {
	uint64_t address;
	bool kept;
	char path[200]; /* of a kept one; for a hint, so that it may be cut off */
};

struct core {
	int fd;
	Elf *elf;
	uint64_t memory_bytes;
	struct load *loads; /* by address */
	size_t load_count;
	uint64_t notes_bytes; /* read so far; libelf keeps them all */
	uint32_t pid;         /* as the process saw itself; 0 = the dump does not say */
	struct place places[PLACES_MAX];
	size_t place_count;
	struct peeps_problem *problem;
};

static int unsound(struct core *core, const char *what)
{
	return peeps_problem_set(core->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "", "%s",
				 what);
}

/* --- the ELF file ----------------------------------------------------------------------------------------------- */

static int elf_check(struct core *core)
{
	GElf_Ehdr header;

	if (elf_kind(core->elf) != ELF_K_ELF || !gelf_getehdr(core->elf, &header))
		return unsound(core, "it is no ELF file");
	if (header.e_type != ET_CORE)
		return unsound(core, "it is an ELF file, but no core file");
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return unsound(core, "it is not of a 64-bit, little-endian process");
	return 0;
}

static int load_compare(const void *a, const void *b)
{
	const struct load *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static int loads_read(struct core *core)
{
	size_t count = 0;

	if (elf_getphdrnum(core->elf, &count) != 0 || count == 0)
		return unsound(core, "its program headers cannot be read");
	if (count > LOADS_MAX)
		return unsound(core,
			       "it has more program headers than a process can have mappings");
	core->loads = calloc(count, sizeof(*core->loads));
	if (!core->loads)
		return peeps_problem_set(core->problem, PEEPS_PROBLEM_OTHER, -ENOMEM, "",
					 "there is not enough memory");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(core->elf, (int)i, &header))
			return unsound(core, "its program headers cannot be read");
		if (header.p_type == PT_LOAD)
			core->loads[core->load_count++] =
				(struct load){ .address = header.p_vaddr,
					       .memory_bytes = header.p_memsz,
					       .offset = header.p_offset,
					       .file_bytes = header.p_filesz };
	}
	if (core->load_count > 1)
		qsort(core->loads, core->load_count, sizeof(*core->loads), load_compare);
	return 0;
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

static void place_add(struct core *core, uint64_t address, const char *path)
{
	const bool kept = peeps_kept_is_name(path);
	struct place *place;

	if ((!kept && strcmp(path, LINK_TEXT) != 0) || core->place_count == PLACES_MAX)
		return;
	place = &core->places[core->place_count++];
	place->address = address;
	place->kept = kept;
	(void)snprintf(place->path, sizeof(place->path), "%s", path);
}

static uint64_t word_at(const unsigned char *bytes, size_t word)
{
	uint64_t value;

	memcpy(&value, bytes + word * sizeof(value), sizeof(value));
	return value;
}

/* How many, the page size; start, end and offset (in pages) of each; then as many names. */
static int files_read(struct core *core, const unsigned char *note, size_t bytes)
{
	const size_t words = bytes / sizeof(uint64_t);
	const char *end = (const char *)note + bytes;
	const char *name;
	uint64_t count;

	if (words < 2)
		return unsound(core, "its list of mapped files is cut off");
	count = word_at(note, 0);
	if (count > (words - 2) / 3)
		return unsound(core, "its list of mapped files is cut off");
	name = (const char *)note + (2 + 3 * count) * sizeof(uint64_t);
	for (uint64_t i = 0; i < count; i++) {
		const char *name_end = memchr(name, '\0', (size_t)(end - name));

		if (!name_end)
			return unsound(core, "its list of mapped files is cut off");
		if (word_at(note, 2 + 3 * i + 2) == 0)
			place_add(core, word_at(note, 2 + 3 * i), name);
		name = name_end + 1;
	}
	return 0;
}

static int note_read(struct core *core, uint32_t type, const unsigned char *note, size_t bytes)
{
	struct elf_prpsinfo process;

	if (type == NT_FILE)
		return files_read(core, note, bytes);
	if (type == NT_PRPSINFO && bytes == sizeof(process)) {
		memcpy(&process, note, sizeof(process));
		core->pid = (uint32_t)process.pr_pid;
	}
	return 0;
}

static int notes_read(struct core *core, const GElf_Phdr *header)
{
	Elf_Data *data;
	GElf_Nhdr note;
	size_t at = 0, name, description;
	int r = 0;

	/* Headers cost nothing: thousands of them may name the same bytes of a sparse file. */
	if (header->p_filesz > NOTES_BYTES_MAX - core->notes_bytes)
		return unsound(core, "its notes are larger than those of any process");
	core->notes_bytes += header->p_filesz;
	data = elf_getdata_rawchunk(core->elf, (int64_t)header->p_offset, header->p_filesz,
				    ELF_T_NHDR);
	if (!data)
		return peeps_problem_set(core->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
					 HINT_WHOLE, "its notes cannot be read");
	while (r == 0 && (at = gelf_getnote(data, at, &note, &name, &description)) > 0) {
		const unsigned char *bytes = data->d_buf;

		if (note.n_namesz == sizeof("CORE") &&
		    memcmp(bytes + name, "CORE", sizeof("CORE")) == 0)
			r = note_read(core, note.n_type, bytes + description, note.n_descsz);
	}
	return r;
}

static int all_notes_read(struct core *core)
{
	size_t count = 0;
	int r = 0;

	(void)elf_getphdrnum(core->elf, &count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(core->elf, (int)i, &header) && header.p_type == PT_NOTE &&
		    header.p_filesz > 0)
			r = notes_read(core, &header);
	}
	return r;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

/* The load that an address is in; NULL if it is in none. */
static const struct load *load_at(const struct core *core, uint64_t address)
{
	size_t low = 0, high = core->load_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (core->loads[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - core->loads[low - 1].address >= core->loads[low - 1].memory_bytes)
		return NULL;
	return &core->loads[low - 1];
}

static int chunk_read(struct core *core, void *to, size_t bytes, uint64_t offset)
{
	unsigned char *place = to;

	while (bytes > 0) {
		const ssize_t got = offset > INT64_MAX - (uint64_t)bytes
					    ? 0 /* beyond the end of any file */
					    : pread(core->fd, place, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return peeps_problem_set(core->problem, PEEPS_PROBLEM_OTHER, -errno, "",
						 "it cannot be read: %m");
		if (got == 0)
			return peeps_problem_set(core->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
						 HINT_WHOLE,
						 "it ends before the segment in it does");
		place += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return 0;
}

static int memory_read(struct core *core, void *to, size_t bytes, uint64_t address)
{
	unsigned char *place = to;

	while (bytes > 0) {
		const struct load *load = load_at(core, address);
		const uint64_t skip = load ? address - load->address : 0;
		uint64_t offset;
		size_t part;
		int r;

		if (!load || skip >= load->file_bytes)
			return peeps_problem_set(core->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
						 HINT_FILTER,
						 "the segment was not dumped, or not all of it");
		part = load->file_bytes - skip < bytes ? (size_t)(load->file_bytes - skip) : bytes;
		if (__builtin_add_overflow(load->offset, skip, &offset))
			return unsound(core, "its program headers make no sense");
		r = chunk_read(core, place, part, offset);
		if (r)
			return r;
		place += part;
		address += part;
		bytes -= part;
	}
	return 0;
}

/* --- the segment ------------------------------------------------------------------------------------------------ */

struct segment_in_core {
	struct core *core;
	uint64_t address;
};

static int segment_read(const struct peeps_segment_bytes *from, void *to, size_t bytes,
			uint64_t offset, struct peeps_problem *problem)
{
	const struct segment_in_core *segment = from->context;
	uint64_t address;

	(void)problem; /* is the core's */
	if (__builtin_add_overflow(segment->address, offset, &address))
		return unsound(segment->core, "its list of mapped files makes no sense");
	return memory_read(segment->core, to, bytes, address);
}

static int header_read(struct core *core, const struct place *place,
		       struct peeps_segment_header *header)
{
	const int r = memory_read(core, header, sizeof(*header), place->address);

	/* Nobody says how large the file was; peeps_bounds_check() sees to it that it could be. */
	// NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): r is not 0 where nothing was read
	return r ? r : peeps_bounds_check(header, header->segment_bytes, core->problem);
}

static int not_dumped(struct core *core, const struct place *place, int error)
{
	/* A named file's pages are not dumped by default; but the file is still there. */
	if (place->kept)
		(void)snprintf(core->problem->hint, sizeof(core->problem->hint),
			       "it was kept, so it is read from its file: peeps-read %s",
			       place->path);
	return error;
}

/* The newest of those that say they are this process's; NULL if there is none, and *error says why. */
static const struct place *place_choose(struct core *core, int *error)
{
	const struct place *chosen = NULL;
	struct peeps_segment_header header;
	uint64_t newest_ns = 0;
	bool others = false;

	*error = 0;
	for (size_t i = 0; i < core->place_count; i++) {
		const struct place *place = &core->places[i];
		const int r = header_read(core, place, &header);

		if (r) {
			*error = not_dumped(core, place, r == -EAGAIN ? -ENOENT : r);
		} else if (core->pid && header.pid != core->pid) {
			others = true;
		} else if (!chosen || header.start_monotonic_ns > newest_ns) {
			chosen = place;
			newest_ns = header.start_monotonic_ns;
		}
	}
	if (!chosen && *error == 0)
		*error = peeps_problem_set(
			core->problem, PEEPS_PROBLEM_NO_SEGMENT, -ENOENT,
			"was it built with peeps, and not started with PEEPS=0?",
			others ? "there is no peeps segment of its own in it, only its parent's"
			       : "there is no peeps segment in it");
	return chosen;
}

static int segment_copy(struct core *core, struct peeps_target *target)
{
	struct peeps_segment_bytes from = { .read = segment_read,
					    .memory_bytes = core->memory_bytes };
	struct segment_in_core segment = { .core = core };
	struct peeps_segment_header header;
	int r;
	const struct place *place = place_choose(core, &r);

	if (!place)
		return r;
	r = header_read(core, place, &header);
	if (r)
		return r;
	segment.address = place->address;
	from.context = &segment;
	from.bytes = header.segment_bytes;
	r = peeps_private_copy_new(target, &from, core->problem);
	return r ? not_dumped(core, place, r) : 0;
}

static int core_read(struct core *core, struct peeps_target *target)
{
	struct stat status;
	int r;

	if (fstat(core->fd, &status) != 0)
		return peeps_problem_set(core->problem, PEEPS_PROBLEM_OTHER, -errno, "", "%m");
	core->memory_bytes = (uint64_t)status.st_blocks * 512;
	r = elf_check(core);
	if (!r)
		r = loads_read(core);
	if (!r)
		r = all_notes_read(core);
	return r ? r : segment_copy(core, target);
}

int peeps_attach_core(struct peeps_target *target, int fd, const char *name,
		      struct peeps_problem *problem)
{
	struct core core = { .fd = fd, .problem = problem };
	struct peeps_target attached = {
		.pidfd = -1, .segment_fd = -1, .proc_fd = -1, .is_over = true
	};
	int r;

	memset(problem, 0, sizeof(*problem));
	(void)elf_version(EV_CURRENT);
	core.elf = elf_begin(fd, ELF_C_READ, NULL); /* not mapped: the file may shrink */
	r = core.elf ? core_read(&core, &attached) : unsound(&core, "it is no ELF file");
	(void)elf_end(core.elf);
	free(core.loads);
	if (r) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot read the core file %s",
			       name);
		return r;
	}
	attached.pid = (pid_t)attached.header.pid;
	*target = attached;
	return 0;
}
