/* SPDX-License-Identifier: MIT */
/*
 * The whole segment: header, section table, and the rows of the sections that no program touches
 * inline. Written by writer/segment.c, checked byte by byte in reader/target/bounds.c, described in
 * docs/segment.md.
 *
 *   0      header, with the section table
 *   4096   control page
 *   8192.. the sections, each at a page boundary, in the order of their ids
 */
#ifndef PEEPS_LAYOUT_SEGMENT_H
#define PEEPS_LAYOUT_SEGMENT_H

#include <peeps/layout.h>

#define PEEPS_SEGMENT_NAME       "peeps" /* of the memfd: /proc/PID/fd/N -> "/memfd:peeps (deleted)" */
#define PEEPS_KEPT_SUFFIX        ".peeps" /* of a kept segment's name in PEEPS_DIR */
#define PEEPS_MAGIC              UINT64_C(0x0a53504545500a01)
#define PEEPS_BYTE_ORDER         UINT32_C(0x01020304)
#define PEEPS_CONTROL_OFFSET     PEEPS_PAGE_BYTES
#define PEEPS_SECTIONS_OFFSET    (2 * PEEPS_PAGE_BYTES)
#define PEEPS_SECTION_MAX        16
#define PEEPS_SEGMENT_BYTES_MAX  (UINT64_C(1) << 40)
#define PEEPS_PROCESS_NAME_BYTES 40
#define PEEPS_FIRST_EPOCH        1 /* of the segment; slots start at 0 */

enum peeps_section_id {
	PEEPS_SECTION_NONE = 0,
	PEEPS_SECTION_COUNTERS = 1,
	PEEPS_SECTION_SCHEMA = 2,
	PEEPS_SECTION_THREADS = 3,
	PEEPS_SECTION_ENTITIES = 4,
	PEEPS_SECTION_EDGES = 5,
	PEEPS_SECTION_SITES = 6,
	PEEPS_SECTION_SCOPES = 7,
	PEEPS_SECTION_MEMBERSHIPS = 8,
	PEEPS_SECTION_TEXT = 9,
	PEEPS_SECTION_END = 10,
};

/**
 * struct peeps_section_entry - where a section lies
 * @stride:     bytes of a row
 * @offset:     bytes from the segment's start
 * @capacity:   rows
 * @high_water: rows that may ever have been used; the writer only raises it, and no reader looks
 *              beyond
 */
struct peeps_section_entry {
	uint32_t id;
	uint32_t stride;
	uint64_t offset;
	uint64_t capacity;
	uint64_t high_water;
	uint64_t reserved[4];
};

/* compat_flags: [0] a named file in PEEPS_DIR, [7:4] why there is none although one was wanted */
#define PEEPS_COMPAT_KEPT           UINT32_C(1)
#define PEEPS_COMPAT_NOT_KEPT_SHIFT 4
#define PEEPS_COMPAT_NOT_KEPT_MASK  UINT32_C(0xf)

enum peeps_not_kept {
	PEEPS_NOT_KEPT_NOT_WANTED = 0,
	PEEPS_NOT_KEPT_PATH = 1,      /* not absolute, or too long */
	PEEPS_NOT_KEPT_MISSING = 2,   /* it cannot be opened, is no directory, or a symbolic link */
	PEEPS_NOT_KEPT_NOT_TMPFS = 3, /* a disk would stall the program */
	PEEPS_NOT_KEPT_OWNER = 4,     /* not the process's user */
	PEEPS_NOT_KEPT_MODE = 5,      /* others may look into it */
	PEEPS_NOT_KEPT_FILE = 6,      /* no file could be made there */
	PEEPS_NOT_KEPT_MEMORY = 7,    /* it is full */
	PEEPS_NOT_KEPT_END = 8,
};

struct peeps_segment_header {
	uint64_t magic;          /* stored last, with release; 0 = not ready */
	uint32_t layout_major;   /* another one: readers refuse */
	uint32_t layout_minor;   /* fields appended, old readers still right */
	uint32_t compat_flags;   /* unknown ones are harmless */
	uint32_t incompat_flags; /* unknown ones: readers refuse */
	uint64_t layout_hash;
	uint32_t byte_order;
	uint32_t section_count;
	uint64_t segment_bytes;
	uint8_t segment_id[16]; /* random */
	uint8_t boot_id[16];
	uint32_t pid;        /* as the process sees itself */
	uint32_t fence_mode; /* 1 = membarrier was refused: readers fence, and wait, without it */
	uint64_t start_time_ticks; /* field 22 of /proc/PID/stat: which process of that pid */
	uint64_t start_monotonic_ns;
	uint64_t start_realtime_ns;
	uint64_t control_offset;
	char process_name
		[PEEPS_PROCESS_NAME_BYTES]; /* PEEPS_NAME or the executable's; NUL-terminated */
	uint64_t reserved[12];
	struct peeps_section_entry sections[PEEPS_SECTION_MAX];
};

/* Where in the program. Immutable: written before its id is. Row 0 is "not known". */
struct peeps_site_row {
	uint32_t line;
	uint32_t flags; /* zero */
	uint64_t file;  /* text ref, as compiled */
	/* text ref of PEEPS_SOURCE_ROOT, which a relative file is joined with; 0 = none */
	uint64_t root;
	uint64_t function; /* text ref */
	uint64_t module;   /* text ref of PEEPS_MODULE; 0 = none */
	uint64_t reserved[3];
};

/* Text: a head, then length bytes. Rows of the text section are granules; a text takes as many as
 * it needs. */
#define PEEPS_TEXT_GRANULE   32
#define PEEPS_TEXT_MAX_BYTES 4000

enum peeps_text_format {
	PEEPS_TEXT_FORMAT_TEXT =
		0, /* UTF-8; others are for later minor versions: left out by who does not know them */
};

struct peeps_text_head {
	uint16_t length; /* bytes */
	uint8_t format;  /* enum peeps_text_format */
	uint8_t reserved;
	uint32_t generation; /* of the text at this granule, as in refs */
};

/* A scope, and who is in it: rows without a shadow, in the cut iff born <= e0 and (died == 0 or
 * died > e0). */
struct peeps_scope_row {
	uint64_t born;
	uint64_t died;
	uint64_t identity;
	uint64_t kind;
	uint64_t name;
	uint64_t parent;
	uint64_t created_ns;
	uint64_t blob;
};

struct peeps_membership_row {
	uint64_t born;
	uint64_t died;
	uint64_t scope;
	uint64_t member;
};

enum peeps_schema_list {
	PEEPS_SCHEMA_KIND = 1, /* number, role, name, prefix */
	/* number: ordinal, owner: kind, word, shift, bits, type, discipline, name */
	PEEPS_SCHEMA_FIELD = 2,
	PEEPS_SCHEMA_OP = 3,
	PEEPS_SCHEMA_STATE = 4,
	PEEPS_SCHEMA_EDGE = 5,
	PEEPS_SCHEMA_ENUM = 6, /* number, owner: the field type, name */
	PEEPS_SCHEMA_COUNTER = 7,
	PEEPS_SCHEMA_DETAIL = 8, /* number: ordinal, owner: op, word, type, name */
};

#define PEEPS_SCHEMA_FLAGS_NEEDED UINT8_C(0x0f)

/* One row of kinds.def, so that a segment can be read without the program's kinds.def. */
struct peeps_schema_row {
	uint8_t list;
	uint8_t word;
	uint8_t shift;
	uint8_t bits;
	uint8_t type;
	uint8_t discipline;
	uint8_t role;
	uint8_t flags; /* none yet: a reader that does not know one of [3:0] leaves the row out */
	uint32_t number;
	uint32_t owner;
	char name[32];   /* NUL-terminated */
	char prefix[16]; /* NUL-terminated */
};

/* Bytes of a row, by section; 0 for an unknown one. Of a later minor version a row may be longer. */
static inline uint32_t peeps_section_stride(uint32_t section)
{
	static const uint32_t strides[PEEPS_SECTION_END] = {
		[PEEPS_SECTION_COUNTERS] = sizeof(uint64_t),
		[PEEPS_SECTION_SCHEMA] = sizeof(struct peeps_schema_row),
		[PEEPS_SECTION_THREADS] = sizeof(struct peeps_thread),
		[PEEPS_SECTION_ENTITIES] = sizeof(struct peeps_entity_slot),
		[PEEPS_SECTION_EDGES] = sizeof(struct peeps_edge_slot),
		[PEEPS_SECTION_SITES] = sizeof(struct peeps_site_row),
		[PEEPS_SECTION_SCOPES] = sizeof(struct peeps_scope_row),
		[PEEPS_SECTION_MEMBERSHIPS] = sizeof(struct peeps_membership_row),
		[PEEPS_SECTION_TEXT] = PEEPS_TEXT_GRANULE,
	};

	return section < PEEPS_SECTION_END ? strides[section] : 0;
}

#define PEEPS_LAYOUT_PRIVATE(type, field, offset, size, element, unit, meaning) \
	PEEPS_STATIC_ASSERT(offsetof(struct type, field) == (offset),           \
			    "layout: " #type "." #field);                       \
	PEEPS_STATIC_ASSERT(sizeof(((struct type *)0)->field) == (size),        \
			    "layout: size of " #type "." #field);
#define PEEPS_LAYOUT_PRIVATE_SIZE(type, size) \
	PEEPS_STATIC_ASSERT(sizeof(struct type) == (size), "layout: size of " #type);
#include <peeps/layout.def>
PEEPS_STATIC_ASSERT(sizeof(struct peeps_segment_header) <= PEEPS_PAGE_BYTES,
		    "the header fits its page");
PEEPS_STATIC_ASSERT(sizeof(struct peeps_control) <= PEEPS_PAGE_BYTES,
		    "the control words fit their page");

#endif
