/* SPDX-License-Identifier: MIT */
/* The run of a recording: at each tick a cut of all who are there, into where it is recorded. */
#ifndef PEEPS_READER_RECORDER_H
#define PEEPS_READER_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/command/options.h"
#include "reader/recording/following.h"
#include "reader/recording/news.h"
#include "reader/recording/recording.h"
#include "reader/recording/ticks.h"

enum peeps_recorder_end {
	PEEPS_RECORDER_TIME,    /* is over */
	PEEPS_RECORDER_STOPPED, /* by a signal */
	PEEPS_RECORDER_LEFT,    /* those with a PID have ended, and no names are followed */
	PEEPS_RECORDER_FAILED,  /* nothing more can be recorded */
};

struct peeps_recorder;

/* What whoever watches may want to see. recorder is borrowed. */
struct peeps_recorder_view {
	void (*begun)(void *context, const struct peeps_recorder *recorder);
	void (*note)(void *context, const char *who, const char *what); /* who may be empty */
	void (*found)(void *context, const struct peeps_graph *graph,
		      const struct peeps_finding *finding);
	void (*ticked)(void *context, const struct peeps_recorder *recorder);
	void *context;
};

struct peeps_recorder {
	const struct peeps_options *options;
	const struct peeps_recorder_view *view;
	struct peeps_recording recording;
	struct peeps_following following;
	struct peeps_ticks ticks;
	struct peeps_news news;
	uint64_t begun_ns, ended_ns; /* CLOCK_MONOTONIC */
	uint64_t begun_unix_ns;
	uint64_t first;       /* number of the first that was recorded; 0 = none was */
	uint64_t recorded;    /* snapshots */
	uint64_t incomplete;  /* of them: no consistent cut */
	uint64_t empty;       /* ticks at which nobody was there */
	uint64_t failed;      /* ticks at which nothing could be seen */
	uint64_t found;       /* certain findings */
	size_t process_count; /* that were recorded, each once: more than are listed, perhaps */
	char processes[PEEPS_FOLLOWED_MAX][96];
	enum peeps_recorder_end end;
};

/**
 * peeps_recorder_run - record, from the first look to the last
 * @recorder: filled; what it says stays true, whatever went wrong
 * @problem:  why it failed, or, if nothing was recorded, why the last look did
 *
 * Returns 0 or -errno with the problem filled.
 */
int peeps_recorder_run(struct peeps_recorder *recorder, const struct peeps_options *options,
		       const struct peeps_recorder_view *view, struct peeps_problem *problem);

#endif
