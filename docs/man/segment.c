/* SPDX-License-Identifier: MIT */
/*
 * peeps-segment(5) in scdoc, on standard output: every field of layout.def and every row of kinds.def. A field whose
 * type is not what the table says does not compile here; that a struct has no field but the table's is asserted by
 * tests/layout.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "layout/schema.h"
#include "layout/segment.h"

#define STRING_OF(token) #token

/* --- scdoc ------------------------------------------------------------------------------------------------------ */

/* Text in which nothing is markup. */
static void put(const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void section(const char *title)
{
	printf("\n# %s\n\n", title);
}

static void table_begin(const char *const *titles)
{
	for (bool first = true; *titles; titles++, first = false)
		printf("%s*%s*\n", first ? "][ " : ":[ ", *titles);
}

static void cell(bool first, const char *text)
{
	printf(first ? "|[ " : ":[ ");
	put(text);
	putchar('\n');
}

static void cell_number(bool first, uint64_t number)
{
	printf("%s%" PRIu64 "\n", first ? "|[ " : ":[ ", number);
}

#define TABLE(...) table_begin((const char *const[]){ __VA_ARGS__, NULL })

/* --- structs ---------------------------------------------------------------------------------------------------- */

struct field {
	const char *type, *name; /* name NULL: the struct's size, after its fields */
	uint64_t offset, size;
	const char *element;
	uint64_t element_size;
	const char *unit, *meaning;
};

#define FIELD(type, field, offset, size, element, unit, meaning) \
	{ #type, #field, offset, size, STRING_OF(element), sizeof(element), unit, meaning },
#define SIZE(type, size) { #type, NULL, 0, size, NULL, 0, NULL, NULL },
static const struct field fields[] = {
#define PEEPS_LAYOUT_INLINE       FIELD
#define PEEPS_LAYOUT_INLINE_SIZE  SIZE
#define PEEPS_LAYOUT_PRIVATE      FIELD
#define PEEPS_LAYOUT_PRIVATE_SIZE SIZE
#include <peeps/layout.def>
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

#define CHECK(type, field, offset, size, element, unit, meaning)                                \
	_Static_assert(                                                                         \
		__builtin_types_compatible_p(__typeof__(((struct type *)0)->field), element) || \
			__builtin_types_compatible_p(                                           \
				__typeof__(((struct type *)0)->field),                          \
				__typeof__(element[(size) / sizeof(element)])),                 \
		"layout.def: type of " #type "." #field);
#define PEEPS_LAYOUT_INLINE  CHECK
#define PEEPS_LAYOUT_PRIVATE CHECK
#include <peeps/layout.def>

/* uint64_t as u64, a struct of ours without what all their names begin with. */
static void put_type(const char *element)
{
	static const char ours[] = "struct peeps_";

	if (strncmp(element, "uint", 4) == 0)
		printf("u%.*s", (int)strcspn(element + 4, "_"), element + 4);
	else
		put(strncmp(element, ours, strlen(ours)) == 0 ? element + strlen(ours) : element);
}

static void put_field(const struct field *field)
{
	const uint64_t count = field->size / field->element_size;

	cell_number(true, field->offset);
	cell_number(false, field->size);
	printf(":[ ");
	put_type(field->element);
	if (count > 1)
		printf("[%" PRIu64 "]", count);
	printf("\n:[ *");
	put(field->name);
	printf("*\n:[ ");
	put(field->unit);
	if (*field->unit && *field->meaning)
		printf(": ");
	put(field->meaning);
	putchar('\n');
}

static void struct_print(const char *type, const char *title)
{
	section(title);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (strcmp(fields[i].type, type) == 0 && !fields[i].name)
			printf("struct %s, %" PRIu64 " bytes.\n\n", type, fields[i].size);
	}
	TABLE("offset", "size", "type", "field", "unit: meaning");
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (strcmp(fields[i].type, type) == 0 && fields[i].name)
			put_field(&fields[i]);
	}
}

/* --- sections --------------------------------------------------------------------------------------------------- */

struct section_row {
	uint32_t id;
	const char *name, *row, *holds;
};

static const struct section_row sections[] = {
	{ PEEPS_SECTION_COUNTERS, "counters", "uint64_t", "what was lost: see COUNTERS" },
	{ PEEPS_SECTION_SCHEMA, "schema", "SCHEMA ROW",
	  "the table of kinds, so that a segment explains itself" },
	{ PEEPS_SECTION_THREADS, "threads", "THREAD RECORD",
	  "who is inside a section; record 0 is shared by those who found no other" },
	{ PEEPS_SECTION_ENTITIES, "entities", "ENTITY SLOT", "actors and resources" },
	{ PEEPS_SECTION_EDGES, "edges", "EDGE SLOT", "operations, holds and links" },
	{ PEEPS_SECTION_SITES, "sites", "SITE ROW",
	  "places in the source; row 0 is \"not known\"" },
	{ PEEPS_SECTION_SCOPES, "scopes", "SCOPE ROW", "what members are grouped by" },
	{ PEEPS_SECTION_MEMBERSHIPS, "memberships", "MEMBERSHIP ROW", "who is in which scope" },
	{ PEEPS_SECTION_TEXT, "text", "granule",
	  "names, other strings, further attributes: see TEXT HEAD" },
};
_Static_assert(sizeof(sections) / sizeof(sections[0]) == PEEPS_SECTION_END - 1,
	       "every section is said");

static void sections_print(void)
{
	section("SECTIONS");
	TABLE("id", "section", "row", "bytes", "holds");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		cell_number(true, sections[i].id);
		cell(false, sections[i].name);
		cell(false, sections[i].row);
		cell_number(false, peeps_section_stride(sections[i].id));
		cell(false, sections[i].holds);
	}
}

/* --- kinds.def -------------------------------------------------------------------------------------------------- */

static const char *type_name(uint8_t type)
{
	switch (type) {
#define PEEPS_TYPE(symbol, number, stored, shown) \
	case number:                              \
		return #symbol;
#include <peeps/kinds.def>
	default:
		return "?";
	}
}

static const char *type_unit(uint8_t type)
{
	switch (type) {
#define PEEPS_TYPE(symbol, number, stored, shown) \
	case number:                              \
		return stored;
#include <peeps/kinds.def>
	default:
		return "?";
	}
}

static const char *discipline_name(uint8_t discipline)
{
	switch (discipline) {
#define PEEPS_DISCIPLINE(symbol, number, meaning) \
	case number:                              \
		return #symbol;
#include <peeps/kinds.def>
	default:
		return "";
	}
}

static const char *role_name(uint8_t role)
{
	switch (role) {
#define PEEPS_ROLE(symbol, number, meaning) \
	case number:                        \
		return #symbol;
#include <peeps/kinds.def>
	default:
		return "";
	}
}

#define ROWS      (sizeof(peeps_schema_built_in) / sizeof(peeps_schema_built_in[0]))
#define ROW_AT(i) (&peeps_schema_built_in[i])

/* Where the bits lie in their word, as in `[63:32]`. */
static void cell_place(const struct peeps_schema_row *row, const char *status)
{
	if (status && row->word == PEEPS_FIELD_WORD_STATUS_WORD)
		printf("|[ %s\n", status);
	else
		cell_number(true, row->word);
	printf(":[ [%d:%d]\n", row->shift + row->bits - 1, row->shift);
}

static void fields_print(uint32_t kind)
{
	/* As in kinds.def; by number, for those whose attribute is empty. */
	static const char *const symbols[] = {
#define PEEPS_FIELD(kind, symbol, word, shift, bits, type, discipline, attribute) #symbol,
#include <peeps/kinds.def>
	};

	TABLE("word", "bits", "field", "attribute", "type: unit, discipline");
	for (size_t i = 0; i < ROWS; i++) {
		const struct peeps_schema_row *row = ROW_AT(i);

		if (row->list != PEEPS_SCHEMA_FIELD || row->owner != kind)
			continue;
		cell_place(row, "status");
		printf(":[ ");
		put(symbols[row->number]);
		putchar('\n');
		cell(false, row->name);
		printf(":[ ");
		put(type_name(row->type));
		printf(": %s, ", type_unit(row->type));
		put(discipline_name(row->discipline));
		putchar('\n');
	}
}

static size_t count_owned(uint8_t list, uint32_t owner)
{
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++)
		count += ROW_AT(i)->list == list && ROW_AT(i)->owner == owner;
	return count;
}

static void kinds_print(void)
{
	section("KINDS");
	printf("Of entities. Numbers from %d on are for programs that register their own. An empty attribute is for\n"
	       "the reader's own use; one of type REF, SITE or TEXT is 0 for none.\n\n",
	       PEEPS_KIND_FIRST_OF_PROGRAM);
	TABLE("number", "kind", "prefix of ids", "role");
	for (size_t i = 0; i < ROWS; i++) {
		if (ROW_AT(i)->list != PEEPS_SCHEMA_KIND)
			continue;
		cell_number(true, ROW_AT(i)->number);
		cell(false, ROW_AT(i)->name);
		cell(false, ROW_AT(i)->prefix);
		cell(false, role_name(ROW_AT(i)->role));
	}
	for (size_t i = 0; i < ROWS; i++) {
		const struct peeps_schema_row *row = ROW_AT(i);

		if (row->list != PEEPS_SCHEMA_KIND ||
		    count_owned(PEEPS_SCHEMA_FIELD, row->number) == 0)
			continue;
		printf("\n## Body of ");
		put(row->name);
		printf("\n\n");
		fields_print(row->number);
	}
}

static void details_print(uint32_t op, const char *name)
{
	if (count_owned(PEEPS_SCHEMA_DETAIL, op) == 0)
		return;
	printf("\n## Details of ");
	put(name);
	printf("\n\n");
	TABLE("word", "bits", "name", "type", "unit");
	for (size_t i = 0; i < ROWS; i++) {
		const struct peeps_schema_row *row = ROW_AT(i);

		if (row->list != PEEPS_SCHEMA_DETAIL || row->owner != op)
			continue;
		cell_place(row, NULL);
		cell(false, row->name);
		cell(false, type_name(row->type));
		cell(false, type_unit(row->type));
	}
}

/* Numbers and names of a list. */
static void list_print(uint8_t list, uint32_t owner)
{
	TABLE("number", "name");
	for (size_t i = 0; i < ROWS; i++) {
		if (ROW_AT(i)->list != list || ROW_AT(i)->owner != owner)
			continue;
		cell_number(true, ROW_AT(i)->number);
		cell(false, *ROW_AT(i)->name ? ROW_AT(i)->name : "(none)");
	}
}

static void operations_print(void)
{
	section("OPERATIONS");
	printf("Of needs edges. Numbers from 128 on are for programs' own. A detail that is 0 does not apply.\n\n");
	list_print(PEEPS_SCHEMA_OP, 0);
	for (size_t i = 0; i < ROWS; i++) {
		if (ROW_AT(i)->list == PEEPS_SCHEMA_OP)
			details_print(ROW_AT(i)->number, ROW_AT(i)->name);
	}
}

static void enums_print(void)
{
	static const struct {
		const char *name;
		uint8_t number;
	} lists[] = {
#define PEEPS_TYPE(symbol, number, stored, shown) { #symbol, number },
#include <peeps/kinds.def>
	};

	section("ENUMS");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i].number < PEEPS_TYPE_ENUM_FIRST)
			continue;
		printf("\n## ");
		put(lists[i].name);
		printf("\n\n");
		list_print(PEEPS_SCHEMA_ENUM, lists[i].number);
	}
}

#define NUMBERED(symbol, number, meaning) \
	cell_number(true, number);        \
	cell(false, #symbol);             \
	cell(false, meaning);

static void types_print(void)
{
	section("TYPES");
	printf("1 to 63 are plain types, 64 to 191 enums of peeps, 192 to 255 enums of a program's own.\n\n");
	TABLE("number", "type", "stored", "shown");
#define PEEPS_TYPE(symbol, number, stored, shown) \
	NUMBERED(symbol, number, stored)          \
	cell(false, shown);
#include <peeps/kinds.def>

	section("DISCIPLINES");
	TABLE("number", "discipline", "who writes");
#define PEEPS_DISCIPLINE NUMBERED
#include <peeps/kinds.def>

	section("ROLES");
	TABLE("number", "role", "an entity of the kind");
#define PEEPS_ROLE NUMBERED
#include <peeps/kinds.def>
}

static void constants_print(void)
{
	section("SCHEMA LISTS");
	TABLE("number", "list", "fields used beside list, flags and name");
	NUMBERED(KIND, PEEPS_SCHEMA_KIND, "number, role, prefix")
	NUMBERED(FIELD, PEEPS_SCHEMA_FIELD, "number, owner, word, shift, bits, type, discipline")
	NUMBERED(OP, PEEPS_SCHEMA_OP, "number")
	NUMBERED(STATE, PEEPS_SCHEMA_STATE, "number")
	NUMBERED(EDGE, PEEPS_SCHEMA_EDGE, "number")
	NUMBERED(ENUM, PEEPS_SCHEMA_ENUM, "number, owner")
	NUMBERED(COUNTER, PEEPS_SCHEMA_COUNTER, "number")
	NUMBERED(DETAIL, PEEPS_SCHEMA_DETAIL, "number, owner, word, shift, bits, type")

	section("REFERENCE SPACES");
	TABLE("number", "space", "index");
	NUMBERED(NONE, PEEPS_SPACE_NONE, "")
	NUMBERED(ENTITY, PEEPS_SPACE_ENTITY, "of the slot")
	NUMBERED(EDGE, PEEPS_SPACE_EDGE, "of the slot")
	NUMBERED(SCOPE, PEEPS_SPACE_SCOPE, "of the row")
	NUMBERED(TEXT, PEEPS_SPACE_TEXT, "of the granule")

	section("LIVES");
	TABLE("number", "life", "of an entity slot");
	NUMBERED(FREE, PEEPS_LIFE_FREE, "never used")
	NUMBERED(LIVE, PEEPS_LIFE_LIVE, "shown; any other is not")
	NUMBERED(RETIRED, PEEPS_LIFE_RETIRED, "rests, or waits for its next life")

	section("THREAD STATES");
	TABLE("number", "state", "of a thread record");
	NUMBERED(FREE, PEEPS_THREAD_FREE, "never used")
	NUMBERED(LIVE, PEEPS_THREAD_LIVE, "a thread's")
	NUMBERED(LEAVING, PEEPS_THREAD_LEAVING,
		 "its destructors run, or ran: reused once the kernel no longer knows the TID")

	section("FLAGS OF OPERATIONS");
	TABLE("bit", "flag", "of an edge slot's status");
	NUMBERED(
		BLOCKS, PEEPS_EDGE_MODE_SHIFT,
		"the operation keeps its thread: all such of one actor have to end before it goes on")

	printf("\nBits 24 to 27 need not be understood. Of 28 to 31 a reader that does not know one concludes nothing for certain.\n");

	section("HOLDER WORD");
	printf("In a mutex's HOLDER field bit 63 of the reference means that it is locked more than once.\n");
}

static void compatibility_print(void)
{
	section("COMPATIBILITY");
	printf("A reader refuses another major version and any incompatible feature it does not know. Of another minor version\n"
	       "rows may be longer (walk by stride), sections, kinds, attributes, operations and names may be new, and the hash is\n"
	       "another; within one minor version it agrees. What a reader does not know (a section, a schema list, an\n"
	       "attribute's word, type, discipline or needed flag, an edge kind, a text's format) it leaves out. Fields that are\n"
	       "said to be zero are written so, and are not looked at.\n");
}

int main(void)
{
	printf("peeps-segment(5)\n\n# NAME\n\npeeps-segment - what a process shows of itself, byte by byte\n");
	section("DESCRIPTION");
	printf("Layout %d.%d, hash %016" PRIx64
	       ". One segment a process: a memfd named _%s_, sealed against shrinking and\n"
	       "growing. The header is at 0, the control page at %d, the sections begin at %d, each at a page. All numbers\n"
	       "are in the byte order of the machine, u64 being one of 64 bits without sign; all zeroes means \"nothing here yet\".\n\n"
	       "A *reference* names a slot and which of its successive lives is meant; it is stale once the slot's generation\n"
	       "is another. *ptime* is ns since the segment was made. A *site id* is a row of the section sites. A *text*\n"
	       "takes as many granules of %d bytes as it needs: a head, then its bytes. An *epoch* counts cuts.\n\n"
	       "How writers and readers keep a snapshot consistent is in docs/protocol.md, what later versions may change\n"
	       "in docs/segment.md.\n",
	       PEEPS_LAYOUT_MAJOR, PEEPS_LAYOUT_MINOR, PEEPS_LAYOUT_HASH, PEEPS_SEGMENT_NAME,
	       PEEPS_CONTROL_OFFSET, PEEPS_SECTIONS_OFFSET, PEEPS_TEXT_GRANULE);
	compatibility_print();
	sections_print();
	struct_print("peeps_segment_header", "HEADER");
	struct_print("peeps_section_entry", "SECTION ENTRY");
	struct_print("peeps_control", "CONTROL PAGE");
	struct_print("peeps_thread", "THREAD RECORD");
	struct_print("peeps_entity_slot", "ENTITY SLOT");
	struct_print("peeps_edge_slot", "EDGE SLOT");
	struct_print("peeps_site_row", "SITE ROW");
	struct_print("peeps_scope_row", "SCOPE ROW");
	struct_print("peeps_membership_row", "MEMBERSHIP ROW");
	struct_print("peeps_schema_row", "SCHEMA ROW");
	struct_print("peeps_text_head", "TEXT HEAD");
	struct_print("peeps_ref", "REFERENCE");
	kinds_print();
	operations_print();
	section("STATES");
	printf("Of operations; those above pending mean that it is over.\n\n");
	list_print(PEEPS_SCHEMA_STATE, 0);
	section("EDGE KINDS");
	list_print(PEEPS_SCHEMA_EDGE, 0);
	enums_print();
	section("COUNTERS");
	list_print(PEEPS_SCHEMA_COUNTER, 0);
	types_print();
	constants_print();
	section("SEE ALSO");
	printf("peeps-read(1)\n");
	return ferror(stdout) || fflush(stdout) != 0;
}
