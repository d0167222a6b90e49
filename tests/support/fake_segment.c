/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_segment.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "layout/schema.h"

#define SCHEMA_ROWS (sizeof(peeps_schema_built_in) / sizeof(peeps_schema_built_in[0]))

static const uint64_t capacities[PEEPS_SECTION_END] = {
	[PEEPS_SECTION_COUNTERS] = PEEPS_COUNTER_ROOM,
	[PEEPS_SECTION_SCHEMA] = SCHEMA_ROWS,
	[PEEPS_SECTION_THREADS] = FAKE_THREADS,
	[PEEPS_SECTION_ENTITIES] = FAKE_ENTITIES,
	[PEEPS_SECTION_EDGES] = FAKE_EDGES,
	[PEEPS_SECTION_SITES] = FAKE_SITES,
	[PEEPS_SECTION_SCOPES] = FAKE_SCOPES,
	[PEEPS_SECTION_MEMBERSHIPS] = FAKE_MEMBERSHIPS,
	[PEEPS_SECTION_TEXT] = FAKE_TEXT,
};

static void need(int fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	abort();
}

static uint64_t page_round(uint64_t bytes)
{
	return (bytes + PEEPS_PAGE_BYTES - 1) / PEEPS_PAGE_BYTES * PEEPS_PAGE_BYTES;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t lay_out(struct peeps_section_entry *entries)
{
	uint64_t offset = PEEPS_SECTIONS_OFFSET;

	for (uint32_t id = 1; id < PEEPS_SECTION_END; id++) {
		entries[id - 1] = (struct peeps_section_entry){ .id = id,
								.stride = peeps_section_stride(id),
								.offset = offset,
								.capacity = capacities[id] };
		offset += page_round(peeps_section_stride(id) * capacities[id]);
	}
	return offset;
}

static void *section_rows(const struct fake_segment *segment, enum peeps_section_id id)
{
	return segment->base + fake_section(segment, id)->offset;
}

static void write_header(struct fake_segment *segment)
{
	struct peeps_segment_header *header = segment->header;

	header->layout_major = PEEPS_LAYOUT_MAJOR;
	header->layout_minor = PEEPS_LAYOUT_MINOR;
	header->layout_hash = PEEPS_LAYOUT_HASH;
	header->byte_order = PEEPS_BYTE_ORDER;
	header->section_count = PEEPS_SECTION_END - 1;
	header->segment_bytes = segment->bytes;
	header->pid = FAKE_PID;
	header->start_time_ticks = 12345;
	header->start_monotonic_ns = monotonic_ns() - FAKE_START_NS;
	header->control_offset = PEEPS_CONTROL_OFFSET;
	(void)snprintf(header->process_name, sizeof(header->process_name), "%s", FAKE_NAME);
	header->magic = PEEPS_MAGIC;
}

void fake_segment_new(struct fake_segment *segment)
{
	struct peeps_section_entry entries[PEEPS_SECTION_MAX] = { 0 };

	*segment = (struct fake_segment){ .bytes = lay_out(entries) };
	segment->fd = memfd_create(PEEPS_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	need(segment->fd >= 0, "memfd_create");
	need(ftruncate(segment->fd, (off_t)segment->bytes) == 0, "ftruncate");
	need(fcntl(segment->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "F_ADD_SEALS");
	segment->base =
		mmap(NULL, segment->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, segment->fd, 0);
	need(segment->base != MAP_FAILED, "mmap");
	segment->header = (struct peeps_segment_header *)segment->base;
	memcpy(segment->header->sections, entries, sizeof(entries));
	segment->control = (struct peeps_control *)(segment->base + PEEPS_CONTROL_OFFSET);
	segment->control->epoch = PEEPS_FIRST_EPOCH;
	segment->control->tick_period_ns = FAKE_TICK_NS;
	write_header(segment);

	segment->counters = section_rows(segment, PEEPS_SECTION_COUNTERS);
	segment->schema = section_rows(segment, PEEPS_SECTION_SCHEMA);
	segment->threads = section_rows(segment, PEEPS_SECTION_THREADS);
	segment->entities = section_rows(segment, PEEPS_SECTION_ENTITIES);
	segment->edges = section_rows(segment, PEEPS_SECTION_EDGES);
	segment->sites = section_rows(segment, PEEPS_SECTION_SITES);
	segment->scopes = section_rows(segment, PEEPS_SECTION_SCOPES);
	segment->memberships = section_rows(segment, PEEPS_SECTION_MEMBERSHIPS);
	segment->text = section_rows(segment, PEEPS_SECTION_TEXT);
	memcpy(segment->schema, peeps_schema_built_in, sizeof(peeps_schema_built_in));
	fake_section(segment, PEEPS_SECTION_COUNTERS)->high_water = PEEPS_COUNTER_ROOM;
	fake_section(segment, PEEPS_SECTION_SCHEMA)->high_water = SCHEMA_ROWS;
	fake_section(segment, PEEPS_SECTION_SITES)->high_water = 1;   /* row 0: not known */
	fake_section(segment, PEEPS_SECTION_THREADS)->high_water = 1; /* record 0: shared */
}

void fake_segment_free(struct fake_segment *segment)
{
	(void)munmap(segment->base, segment->bytes);
	(void)close(segment->fd);
}

struct peeps_section_entry *fake_section(const struct fake_segment *segment,
					 enum peeps_section_id id)
{
	return &segment->header->sections[id - 1];
}

static uint64_t take(struct fake_segment *segment, enum peeps_section_id id, uint64_t count)
{
	struct peeps_section_entry *entry = fake_section(segment, id);
	const uint64_t first = entry->high_water;

	need(first + count <= entry->capacity, "the fake segment is full");
	entry->high_water += count;
	return first;
}

static uint64_t make_ref(enum peeps_space space, uint64_t generation, uint64_t index)
{
	return (uint64_t)space << PEEPS_REF_SPACE_SHIFT | generation << PEEPS_REF_GENERATION_SHIFT |
	       index;
}

uint64_t fake_text(struct fake_segment *segment, const char *text, size_t length)
{
	const struct peeps_text_head head = { .length = (uint16_t)length, .generation = 1 };
	const uint64_t granule =
		take(segment, PEEPS_SECTION_TEXT,
		     (sizeof(head) + length + PEEPS_TEXT_GRANULE - 1) / PEEPS_TEXT_GRANULE);
	unsigned char *to = segment->text + granule * PEEPS_TEXT_GRANULE;

	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), text, length);
	return make_ref(PEEPS_SPACE_TEXT, 1, granule);
}

uint64_t fake_name(struct fake_segment *segment, const char *text)
{
	return text ? fake_text(segment, text, strlen(text)) : 0;
}

uint64_t fake_site(struct fake_segment *segment, const char *file, const char *root, uint32_t line)
{
	const uint64_t id = take(segment, PEEPS_SECTION_SITES, 1);

	segment->sites[id] = (struct peeps_site_row){ .line = line,
						      .file = fake_name(segment, file),
						      .root = fake_name(segment, root),
						      .function = fake_name(segment, "main") };
	return id;
}

uint32_t fake_entity(struct fake_segment *segment, uint32_t kind, const char *name)
{
	const uint32_t index = (uint32_t)take(segment, PEEPS_SECTION_ENTITIES, 1);
	struct peeps_entity_slot *slot = &segment->entities[index];

	slot->epoch = segment->control->epoch;
	slot->kind = kind;
	slot->identity = make_ref(PEEPS_SPACE_ENTITY, 1, index);
	slot->name = fake_name(segment, name);
	slot->created_ns = 5000000 + index;
	slot->status = UINT64_C(1) << PEEPS_STATUS_GENERATION_SHIFT | PEEPS_LIFE_LIVE;
	return index;
}

uint64_t fake_ref(const struct fake_segment *segment, uint32_t entity)
{
	return segment->entities[entity].identity;
}

uint32_t fake_thread(struct fake_segment *segment, uint32_t tid, const char *name)
{
	const uint64_t record = take(segment, PEEPS_SECTION_THREADS, 1);
	const uint32_t entity = fake_entity(segment, PEEPS_KIND_THREAD, NULL);
	uint64_t *body = segment->entities[entity].body;

	body[PEEPS_THREAD_TID_WORD] = tid | record << PEEPS_THREAD_RECORD_SHIFT;
	body[PEEPS_THREAD_NAME_WORD] = fake_name(segment, name);
	segment->threads[record] = (struct peeps_thread){ .txn = 2,
							  .tid = tid,
							  .state = PEEPS_THREAD_LIVE,
							  .actor = fake_ref(segment, entity),
							  .entity = fake_ref(segment, entity) };
	return entity;
}

uint32_t fake_task(struct fake_segment *segment, const char *name, uint32_t thread)
{
	const uint32_t task = fake_entity(segment, PEEPS_KIND_TASK, name);
	uint64_t *body = segment->entities[task].body;

	body[PEEPS_TASK_ACTIVITY_WORD] =
		thread == FAKE_NO_THREAD ? PEEPS_ACTIVITY_SUSPENDED : PEEPS_ACTIVITY_RUNNING;
	if (thread == FAKE_NO_THREAD)
		return task;
	body[PEEPS_TASK_THREAD_WORD] = fake_ref(segment, thread);
	segment->entities[thread].body[PEEPS_THREAD_CURRENT_TASK_WORD] = fake_ref(segment, task);
	return task;
}

uint32_t fake_semaphore(struct fake_segment *segment, const char *name, uint64_t max)
{
	const uint32_t semaphore = fake_entity(segment, PEEPS_KIND_SEMAPHORE, name);

	segment->entities[semaphore].body[PEEPS_SEMAPHORE_MAX_WORD] = max;
	return semaphore;
}

struct fake_channel fake_channel(struct fake_segment *segment, const char *name, uint64_t capacity)
{
	const struct fake_channel channel = {
		.tx = fake_entity(segment, PEEPS_KIND_MPSC_TX, name),
		.rx = fake_entity(segment, PEEPS_KIND_MPSC_RX, name),
	};
	uint64_t *body = segment->entities[channel.tx].body;

	body[PEEPS_MPSC_TX_CAPACITY_WORD] = capacity;
	body[PEEPS_MPSC_TX_SENDER_COUNT_WORD] = 1;
	body[PEEPS_MPSC_TX_PEER_WORD] = fake_ref(segment, channel.rx);
	return channel;
}

void fake_note(struct fake_segment *segment, uint32_t entity, const char *note)
{
	segment->entities[entity].blob = fake_name(segment, note);
}

uint32_t fake_record_of(const struct fake_segment *segment, uint32_t thread)
{
	return segment->entities[thread].body[PEEPS_THREAD_RECORD_WORD] >>
		       PEEPS_THREAD_RECORD_SHIFT &
	       ((1u << PEEPS_THREAD_RECORD_BITS) - 1);
}

void fake_hold(struct fake_segment *segment, uint32_t mutex, uint32_t thread, uint64_t since_ns,
	       uint64_t site)
{
	uint64_t *body = segment->entities[mutex].body;

	body[PEEPS_MUTEX_HOLDER_WORD] = fake_ref(segment, thread);
	body[PEEPS_MUTEX_HELD_SINCE_WORD] = since_ns;
	body[PEEPS_MUTEX_HELD_SITE_WORD] = site;
	body[PEEPS_MUTEX_ACQUIRES_WORD]++;
}

static uint32_t fake_edge(struct fake_segment *segment, enum peeps_edge_kind kind, uint64_t bits,
			  uint32_t src, uint32_t dst)
{
	const uint32_t index = (uint32_t)take(segment, PEEPS_SECTION_EDGES, 1);

	segment->edges[index] = (struct peeps_edge_slot){
		.epoch = segment->control->epoch,
		.status = UINT64_C(1) << PEEPS_STATUS_GENERATION_SHIFT |
			  (uint64_t)kind << PEEPS_EDGE_KIND_SHIFT | bits,
		.src = fake_ref(segment, src),
		.dst = fake_ref(segment, dst),
		.wait = UINT64_C(7) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT | 1,
	};
	return index;
}

uint32_t fake_operation(struct fake_segment *segment, uint32_t actor, enum peeps_op op,
			uint32_t target, uint64_t since_ns)
{
	const uint32_t index =
		fake_edge(segment, PEEPS_EDGE_NEEDS,
			  PEEPS_OPERATION_BLOCKS << PEEPS_EDGE_MODE_SHIFT |
				  (uint64_t)op << PEEPS_EDGE_OP_SHIFT | PEEPS_STATE_PENDING,
			  actor, target);

	segment->edges[index].pending_since_ns = since_ns;
	segment->edges[index].last_change_ns = since_ns;
	return index;
}

uint32_t fake_wait(struct fake_segment *segment, uint32_t thread, uint32_t mutex, uint64_t since_ns,
		   uint64_t site)
{
	const uint32_t index = fake_operation(segment, thread, PEEPS_OP_LOCK, mutex, since_ns);

	segment->edges[index].origin = site | (uint64_t)fake_record_of(segment, thread)
						      << PEEPS_EDGE_THREAD_SHIFT;
	return index;
}

uint32_t fake_holding(struct fake_segment *segment, uint32_t resource, uint32_t actor,
		      uint64_t role, uint64_t mode, uint32_t count)
{
	const uint32_t index = fake_edge(
		segment, PEEPS_EDGE_HOLDS,
		role << PEEPS_HOLD_ROLE_SHIFT | mode << PEEPS_HOLD_MODE_SHIFT, resource, actor);
	struct peeps_edge_slot *slot = &segment->edges[index];

	slot->wait = UINT64_C(7) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT | count;
	slot->pending_since_ns = UINT64_C(420000000);
	slot->last_change_ns = UINT64_C(420000000);
	return index;
}

uint32_t fake_link(struct fake_segment *segment, enum peeps_edge_kind kind, uint32_t src,
		   uint32_t dst)
{
	return fake_edge(segment, kind, 0, src, dst);
}

uint32_t fake_scope(struct fake_segment *segment, uint64_t kind, const char *name)
{
	const uint32_t row = (uint32_t)take(segment, PEEPS_SECTION_SCOPES, 1);

	segment->scopes[row] = (struct peeps_scope_row){
		.born = segment->control->epoch,
		.identity = make_ref(PEEPS_SPACE_SCOPE, 1, row),
		.kind = kind,
		.name = fake_name(segment, name),
		.created_ns = 6000000 + row,
	};
	return row;
}

uint32_t fake_member(struct fake_segment *segment, uint32_t scope, uint32_t entity)
{
	const uint32_t row = (uint32_t)take(segment, PEEPS_SECTION_MEMBERSHIPS, 1);

	segment->memberships[row] = (struct peeps_membership_row){
		.born = segment->control->epoch,
		.scope = segment->scopes[scope].identity,
		.member = fake_ref(segment, entity),
	};
	return row;
}

uint64_t fake_write_set_of(const struct fake_segment *segment, const void *slot)
{
	return (uint64_t)((const unsigned char *)slot - (const unsigned char *)segment->control);
}

void fake_deadlock(struct fake_segment *segment, struct fake_deadlock *deadlock)
{
	deadlock->site_lock = fake_site(segment, "../examples/inversion.c", "/src/peeps/build", 42);
	deadlock->site_wait = fake_site(segment, "/abs/./other.c", NULL, 43);
	deadlock->alpha = fake_thread(segment, 4712, "alpha");
	deadlock->beta = fake_thread(segment, 4713, "beta");
	deadlock->heartbeat = fake_thread(segment, 4714, NULL);
	deadlock->left = fake_entity(segment, PEEPS_KIND_MUTEX, "left");
	deadlock->right = fake_entity(segment, PEEPS_KIND_MUTEX, "right lock");
	segment->entities[deadlock->left].site = deadlock->site_lock;
	segment->entities[deadlock->left].creator = fake_ref(segment, deadlock->alpha);
	segment->entities[deadlock->heartbeat].body[PEEPS_THREAD_ACTIVITY_WORD] |=
		(uint64_t)PEEPS_ACTIVITY_SLEEPING << PEEPS_THREAD_ACTIVITY_SHIFT;
	segment->entities[deadlock->heartbeat].body[PEEPS_THREAD_SLEEP_UNTIL_WORD] =
		UINT64_C(61999999);
	fake_hold(segment, deadlock->left, deadlock->alpha, UINT64_C(400000000),
		  deadlock->site_lock);
	fake_hold(segment, deadlock->right, deadlock->beta, 0, 0);
	deadlock->alpha_wait = fake_wait(segment, deadlock->alpha, deadlock->right,
					 UINT64_C(500000000), deadlock->site_wait);
	deadlock->beta_wait =
		fake_wait(segment, deadlock->beta, deadlock->left, UINT64_C(510000000), 0);
}

static void add_channel(struct fake_segment *segment, struct fake_town *town)
{
	struct peeps_entity_slot *entities = segment->entities;

	town->jobs = fake_channel(segment, "jobs", 4);
	entities[town->jobs.tx].body[PEEPS_MPSC_TX_SENT_TOTAL_WORD] = 10;
	entities[town->jobs.tx].body[PEEPS_MPSC_TX_HIGH_WATERMARK_WORD] = 4;
	entities[town->jobs.rx].body[PEEPS_MPSC_RX_RECV_TOTAL_WORD] = 6;
	entities[town->jobs.rx].body[PEEPS_MPSC_RX_DISCARDED_TOTAL_WORD] = 1;
	town->tx_hold = fake_holding(segment, town->jobs.tx, town->worker, PEEPS_HOLD_ROLE_SENDER,
				     PEEPS_HOLD_MODE_OWNER, 1);
	town->rx_hold = fake_holding(segment, town->jobs.rx, town->deadlock.heartbeat,
				     PEEPS_HOLD_ROLE_RECEIVER, PEEPS_HOLD_MODE_SHARED, 1);
}

void fake_town(struct fake_segment *segment, struct fake_town *town)
{
	fake_deadlock(segment, &town->deadlock);
	town->worker = fake_task(segment, "worker", town->deadlock.alpha);
	town->idler = fake_task(segment, "idler", FAKE_NO_THREAD);

	town->gate = fake_semaphore(segment, "gate", 3);
	fake_note(segment, town->gate, "limits what we ask of the upstream");
	town->gate_hold = fake_holding(segment, town->gate, town->worker, PEEPS_HOLD_ROLE_PERMIT,
				       PEEPS_HOLD_MODE_NONE, 2);
	town->gate_wait = fake_operation(segment, town->deadlock.beta, PEEPS_OP_ACQUIRE, town->gate,
					 UINT64_C(600000000));
	segment->edges[town->gate_wait].details[PEEPS_DETAIL_ACQUIRE_PERMITS] = 2 + 1;
	segment->edges[town->gate_wait].details[PEEPS_DETAIL_ACQUIRE_AVAILABLE] = 0 + 1;

	add_channel(segment, town);

	town->request = fake_entity(segment, PEEPS_KIND_REQUEST, "42");
	town->response = fake_entity(segment, PEEPS_KIND_FOREIGN, "response:other-9:conn_3:42");
	town->rpc_link = fake_link(segment, PEEPS_EDGE_RPC_LINK, town->request, town->response);
	town->rpc_wait = fake_operation(segment, town->worker, PEEPS_OP_RPC_WAIT, town->request,
					UINT64_C(610000000));
	segment->edges[town->rpc_wait].status &= ~(PEEPS_EDGE_BYTE_MASK << PEEPS_EDGE_MODE_SHIFT);
	town->own = fake_entity(segment, PEEPS_KIND_BARRIER, "own");
	town->own_hold = fake_holding(segment, town->own, town->worker, PEEPS_HOLD_ROLE_LOCK,
				      PEEPS_HOLD_MODE_EXCLUSIVE, 1);

	town->boot = fake_scope(segment, PEEPS_SCOPE_KIND_USER, "boot");
	town->worker_in_boot = fake_member(segment, town->boot, town->worker);
	town->gate_in_boot = fake_member(segment, town->boot, town->gate);
}
