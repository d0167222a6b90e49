/* SPDX-License-Identifier: MIT */
/*
 * The graph: what a snapshot shows, whatever it was read from and whatever it is written as.
 *
 * A graph owns everything in it, in one arena; it is made once (reader/decode/decode.c), completed by the analysis
 * (reader/analysis/analysis.c: findings, derived attributes) and then only read. Strings are NUL-terminated, valid UTF-8 (bad
 * bytes became U+FFFD) and may hold control characters: whoever prints them escapes them. Nodes and edges refer to
 * each other by position.
 */
#ifndef PEEPS_READER_GRAPH_H
#define PEEPS_READER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peeps/kinds.h>

struct peeps_arena;

#define PEEPS_NO_NODE UINT32_MAX
#define PEEPS_NO_TIME UINT64_MAX

enum peeps_quality {
	PEEPS_QUALITY_CUT,       /* one moment, exact */
	PEEPS_QUALITY_QUIESCENT, /* nothing moved while it was copied: exact */
	PEEPS_QUALITY_PARTIAL,   /* exact but for what the notes and `uncertain` name */
	PEEPS_QUALITY_PASSIVE,   /* copied while it moved: only what is not `uncertain` is proved */
};

enum peeps_value_type {
	PEEPS_VALUE_NULL,
	PEEPS_VALUE_BOOL,
	PEEPS_VALUE_UNSIGNED,
	PEEPS_VALUE_REAL,
	PEEPS_VALUE_TEXT,
	PEEPS_VALUE_NODE, /* shown as that node's id */
};

struct peeps_value {
	enum peeps_value_type type;
	union {
		bool boolean;
		uint64_t number;
		double real;
		const char *text;
		uint32_t node;
	} as;
};

struct peeps_attribute {
	const char *name;
	struct peeps_value value;
};

/* Where in the program. file is absolute unless as_compiled: then no PEEPS_SOURCE_ROOT was known to join it with. */
struct peeps_source {
	const char *file; /* NULL = not known */
	const char *function;
	const char *module; /* `krate`; NULL = none */
	uint32_t line;
	bool as_compiled;
};

struct peeps_node {
	const char *id;   /* unique in the graph */
	const char *name; /* for people; never NULL */
	const char *kind; /* from the segment's schema */
	uint32_t kind_number;
	enum peeps_role role;
	uint32_t process; /* position in processes */
	struct peeps_source source;
	uint64_t created_ns; /* ptime */
	bool gone;           /* an actor that has exited (or vanished): it will do nothing more */
	bool asleep;         /* an actor that sleeps by its own will */
	bool uncertain;      /* not proved by this snapshot's quality */
	uint32_t tid;        /* of a thread, as its process sees it; else 0 */
	size_t attribute_count;
	struct peeps_attribute *attributes;
};

struct peeps_edge {
	enum peeps_edge_kind kind;
	uint32_t src, dst;   /* nodes */
	uint32_t op;         /* enum peeps_op; NONE for links and holds */
	const char *op_kind; /* NULL if none */
	uint32_t state;      /* enum peeps_state */
	const char *state_name;
	bool uncertain;
	bool unconfirmed; /* across processes: not seen in the cut before (reader/analysis/across.h) */
	uint64_t pending_since_ns; /* ptime; PEEPS_NO_TIME = never */
	uint64_t last_change_ns;   /* ptime; PEEPS_NO_TIME = not known */
	uint32_t poll_count;
	uint32_t wait_sequence; /* with slot: which wait this is, for comparing two snapshots */
	uint32_t slot;
	uint32_t reason; /* errno of a failed operation, else 0 */
	bool blocks; /* an operation that keeps its actor; of others of one actor, any one will do */
	struct peeps_source source;
	/* of a `holds` edge: */
	uint32_t role_number; /* PEEPS_HOLD_ROLE_*; else NONE */
	uint32_t mode_number; /* PEEPS_HOLD_MODE_*; NONE = does not apply */
	const char *role;     /* "lock", "permit", ...; else NULL */
	const char *mode;     /* "exclusive", "read", ...; NULL = does not apply */
	uint64_t count;       /* how often, or how many, it holds */
	uint64_t
		held_since_ns; /* ptime, at or before the acquisition; PEEPS_NO_TIME = no honest stamp */
	uint64_t
		held_accuracy_ns; /* the acquisition was at most this much later than held_since_ns */
	size_t detail_count;
	struct peeps_attribute *details;
};

/* A context with members. Never an end of an edge. */
struct peeps_graph_scope {
	const char *id; /* scope:{proc_key}:{kind}:{name} */
	const char *name;
	const char *kind;
	uint32_t process;
	uint64_t created_ns; /* ptime */
};

struct peeps_membership {
	uint32_t node;
	uint32_t scope; /* position in scopes */
};

struct peeps_counter_value {
	const char *name;
	uint64_t value;
};

struct peeps_process {
	const char *proc_key;
	uint32_t pid;     /* as this reader sees it */
	uint32_t own_pid; /* as the process sees itself */
	bool gone;        /* it is no more: this is what it left */
	bool dumped;      /* from a core file: it may have gone on since. Not in documents */
	const char *name;
	const char *cmdline;
	uint64_t start_time_ticks;
	uint64_t ptime_now_ns; /* at the cut */
	const char *coverage;  /* what of the program can be seen, in words */
	uint32_t thread_count; /* that the segment knows, alive */
	size_t counter_count;
	struct peeps_counter_value *counters;
};

enum peeps_finding_kind {
	PEEPS_FINDING_DEADLOCK,
	PEEPS_FINDING_ORPHANED_WAIT,
	PEEPS_FINDING_LONG_WAIT
};

struct peeps_finding {
	enum peeps_finding_kind kind;
	bool certain;
	const char *sentence; /* for people, one line */
	size_t step_count;
	const char **steps; /* a sentence per step of a cycle or chain */
	size_t node_count;
	uint32_t *nodes; /* evidence: the cycle, in its order */
	size_t edge_count;
	uint32_t *edges; /* evidence, likewise */
	size_t victim_count;
	uint32_t *victims; /* actors stuck because of it and not in the cycle themselves */
};

struct peeps_graph {
	struct peeps_arena *arena;
	enum peeps_quality quality;
	const char *origin; /* the file it came from; NULL: a look at what lives */
	uint64_t sequence;  /* its number in its recording, from 1; 0 = of none */
	uint64_t taken_at_unix_ns;
	uint64_t cut_ns;  /* how long the cut took */
	uint64_t skew_ns; /* between the processes of one cut; 0 for one */
	size_t note_count;
	const char **notes; /* what a reader of this snapshot has to know, a sentence each */
	size_t process_count;
	struct peeps_process *processes;
	size_t node_count;
	struct peeps_node *nodes;
	size_t edge_count;
	struct peeps_edge *edges;
	size_t scope_count;
	struct peeps_graph_scope *scopes;
	size_t membership_count;
	struct peeps_membership *memberships;
	size_t finding_count;
	struct peeps_finding *findings;
};

/**
 * peeps_graph_new - an empty graph, which lies in an arena of its own
 * @limit_bytes: of the arena; 0 = no limit
 *
 * Returns NULL without memory.
 */
struct peeps_graph *peeps_graph_new(size_t limit_bytes);

/**
 * peeps_graph_free - free a graph and all it holds; NULL is fine
 */
void peeps_graph_free(struct peeps_graph *graph);

/**
 * peeps_graph_attribute - a node's attribute by name
 *
 * Returns NULL if the node has none of that name.
 */
const struct peeps_value *peeps_graph_attribute(const struct peeps_node *node, const char *name);

/* The attribute of those that are of interest to who wrote them, and its value. */
#define PEEPS_NODE_VISIBILITY "visibility"
#define PEEPS_NODE_INTERNAL   "internal"
bool peeps_node_is_internal(const struct peeps_node *node);

/**
 * peeps_edge_process - the process that says so, and whose ptime the edge's times are
 *
 * Only what an edge ends at may be another's: an operation is of its actor's process, a hold of its holder's.
 */
static inline uint32_t peeps_edge_process(const struct peeps_graph *graph,
					  const struct peeps_edge *edge)
{
	return graph->nodes[edge->kind == PEEPS_EDGE_HOLDS ? edge->dst : edge->src].process;
}

/**
 * peeps_process_lost - how much of something a process could not record: a counter by name, 0 if there is none such
 */
uint64_t peeps_process_lost(const struct peeps_process *process, const char *counter);

/**
 * peeps_graph_is_whole - whether no thread, entity or edge is missing for want of room
 */
bool peeps_graph_is_whole(const struct peeps_graph *graph);

/* As the snapshot document has them. */
const char *peeps_role_name(enum peeps_role role);
const char *peeps_quality_name(enum peeps_quality quality);
const char *peeps_finding_name(enum peeps_finding_kind kind);
const char *peeps_certainty_name(const struct peeps_finding *finding);
const char *peeps_edge_kind_name(enum peeps_edge_kind kind);

#endif
