/* SPDX-License-Identifier: MIT */
/*
 * usage: test_kill_reader TARGET CUTTER
 *
 * A reader (built with PEEPS_FAULT_STEPS) is stopped or killed at each step of a cut, of a target that retires and uses
 * again all the time. The target must get on, the next reader must have its answer within a second, and a reader that is
 * continued must notice what it has lost.
 */
#include "tests/stress/cutter.h"
#include "tests/stress/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peeps/fault.h>
#include "reader/target/bounds.h"
#include "tests/stress/tap.h"

#define SLACK_NS \
	UINT64_C(1500000000) /* "within a second", on a machine that does other things as well */
#define TAKEN_NS     UINT64_C(5000000000)
#define LONG_STOP_NS UINT64_C(3400000000) /* beyond the deadline of a cut and the writer's margin */
#define TARGET_WORKS "churn relay"
#define ROOMY        "entities=65536,edges=512,threads=512,text=16M"
#define PACE_US      50

static const char *program, *cutter_program;
static uint64_t longest_ns;

static const char *const step_names[] = {
	"",
	"with the lock only",
	"with the cut announced",
	"with the epoch flipped",
	"after the barrier",
	"after the wait",
	"in the middle of copying",
	"with all copied",
	"with all found good",
	"with the cut cleared",
};

static const char *step_name(unsigned int step)
{
	return step_names[step - 100];
}

/* --- a reader to be hurt ------------------------------------------------------------------------------------------------ */

struct cutter {
	struct stage *stage;
	pid_t pid;
	int stage_fd;
};

static uint64_t cutter_count(const struct cutter *cutter, enum cutter_place place)
{
	return peeps_load_acquire(&cutter->stage->threads[place].rounds);
}

static bool cutter_cuts(const struct cutter *cutter, uint64_t more)
{
	const uint64_t until_ns = session_now_ns() + TAKEN_NS;
	const uint64_t before = cutter_count(cutter, CUTTER_CUTS);

	while (cutter_count(cutter, CUTTER_CUTS) < before + more) {
		if (session_now_ns() > until_ns)
			return false;
		(void)usleep(500);
	}
	return true;
}

/* Starts one and brings it to the step. */
static bool cutter_take_at(struct cutter *cutter, const struct troupe *troupe, unsigned int step,
			   int signal)
{
	const char *arguments[4] = { cutter_program };
	const uint64_t until_ns = session_now_ns() + TAKEN_NS;
	char fd[16], pid[16];

	cutter->stage = stage_new(&cutter->stage_fd);
	(void)snprintf(fd, sizeof(fd), "%d", cutter->stage_fd);
	(void)snprintf(pid, sizeof(pid), "%d", (int)troupe->pid);
	arguments[1] = fd;
	arguments[2] = pid;
	cutter->pid = child_start(arguments);
	if (!cutter_cuts(cutter, 20))
		return false;
	cutter->stage->fault.signal = (uint64_t)signal;
	peeps_store_release(&cutter->stage->fault.step, step);
	while (!peeps_load_acquire(&cutter->stage->fault.taken)) {
		if (session_now_ns() > until_ns)
			return false;
		(void)usleep(200);
	}
	return signal == SIGKILL ? child_await_end(cutter->pid) : child_await_stop(cutter->pid);
}

/* Returns its exit status; -1 if it had to be killed. */
static int cutter_end(struct cutter *cutter)
{
	int status;

	peeps_store_relaxed(&cutter->stage->stop, 1);
	(void)kill(cutter->pid, SIGCONT);
	status = child_wait(cutter->pid, TAKEN_NS);
	(void)close(cutter->stage_fd);
	return status;
}

static bool answers(struct watch *watch)
{
	const uint64_t took_ns = watch_answer(watch);

	if (longest_ns < took_ns)
		longest_ns = took_ns;
	return took_ns && took_ns < SLACK_NS && watch->check.broken_cuts == 0;
}

static void show(const char *what, const struct watch *watch)
{
	tap_diag("%s: quality %s, %s", what, peeps_quality_name(watch->image.quality),
		 watch->image.note_count ? watch->image.notes[0] : "no note");
	for (size_t i = 0; i < watch->check.kept_count; i++)
		tap_diag("  %s", watch->check.kept[i]);
}

static bool answers_cut(struct watch *watch, const char *what)
{
	const bool well = answers(watch) && watch->image.quality == PEEPS_QUALITY_CUT;

	if (!well)
		show(what, watch);
	return well;
}

/* --- killed -------------------------------------------------------------------------------------------------------------- */

static void test_kill(struct troupe *troupe, unsigned int step)
{
	static struct watch watch;
	struct cutter cutter;
	bool well;

	watch_init(&watch, troupe->pid);
	well = cutter_take_at(&cutter, troupe, step, SIGKILL);
	well = well && troupe_gets_on(troupe);
	for (int i = 0; i < 20 && well; i++)
		well = answers_cut(&watch, "after a kill");
	(void)tap_ok(well, "a reader is killed %s: the writer gets on, the next answers are cuts",
		     step_name(step));
	watch_deinit(&watch);
	child_kill(cutter.pid);
	(void)close(cutter.stage_fd);
}

/* --- stopped ------------------------------------------------------------------------------------------------------------- */

/* With the lock only, a reader has written nothing, its name neither. */
static bool names_the_reader(const struct peeps_image *image, const struct cutter *cutter,
			     unsigned int step)
{
	char wanted[64] = "another reader";

	if (step != PEEPS_STEP_CUT_LOCKED)
		(void)snprintf(wanted, sizeof(wanted), "another reader (process %d)",
			       (int)cutter->pid);
	for (size_t i = 0; i < image->note_count; i++)
		if (strstr(image->notes[i], wanted))
			return true;
	return false;
}

static bool is_passive_and_says_why(struct watch *watch, const struct cutter *cutter,
				    unsigned int step)
{
	const bool well = answers(watch) &&
			  (watch->image.quality == PEEPS_QUALITY_PASSIVE ||
			   watch->image.quality == PEEPS_QUALITY_QUIESCENT) &&
			  names_the_reader(&watch->image, cutter, step);

	if (!well)
		show("beside a stopped reader", watch);
	return well;
}

static void test_short_stop(struct troupe *troupe, unsigned int step)
{
	static struct watch watch;
	struct cutter cutter;
	bool well, finishes = false;

	watch_init(&watch, troupe->pid);
	well = cutter_take_at(&cutter, troupe, step, SIGSTOP);
	well = well && troupe_gets_on(troupe) && is_passive_and_says_why(&watch, &cutter, step);
	(void)tap_ok(
		well,
		"a reader is stopped %s: the writer gets on, the next answer is passive and names it",
		step_name(step));
	(void)kill(cutter.pid, SIGCONT);
	finishes = cutter_cuts(&cutter, 10);
	finishes = cutter_end(&cutter) == 0 && finishes;
	finishes = answers_cut(&watch, "after a stop") && finishes;
	if (!tap_ok(finishes,
		    "it is continued: it finishes without a contradiction, and the next answer is a cut"))
		tap_diag("%" PRIu64 " cuts, %" PRIu64 " broken, %" PRIu64 " failed",
			 cutter_count(&cutter, CUTTER_CUTS), cutter_count(&cutter, CUTTER_BROKEN),
			 cutter_count(&cutter, CUTTER_FAILURES));
	watch_deinit(&watch);
}

static const unsigned int long_steps[] = { PEEPS_STEP_CUT_ANNOUNCED, PEEPS_STEP_CUT_FLIPPED,
					   PEEPS_STEP_CUT_WAITED, PEEPS_STEP_CUT_COPYING,
					   PEEPS_STEP_CUT_COPIED };
#define LONG_COUNT (sizeof(long_steps) / sizeof(long_steps[0]))

/* Each with a target of its own, all at the same time: it is a long wait. */
static void test_long_stops(void)
{
	static struct watch watch;
	struct troupe troupes[LONG_COUNT];
	struct cutter cutters[LONG_COUNT];
	bool well[LONG_COUNT];

	for (size_t i = 0; i < LONG_COUNT; i++)
		well[i] = troupe_start(&troupes[i], program, TARGET_WORKS, 200) &&
			  cutter_take_at(&cutters[i], &troupes[i], long_steps[i], SIGSTOP);
	(void)usleep((useconds_t)(LONG_STOP_NS / 1000));
	for (size_t i = 0; i < LONG_COUNT; i++) {
		uint64_t failures;

		well[i] = well[i] && troupe_gets_on(&troupes[i]);
		(void)kill(cutters[i].pid, SIGCONT);
		well[i] = well[i] && cutter_cuts(&cutters[i], 10);
		failures = cutter_count(&cutters[i], CUTTER_FAILURES);
		well[i] = cutter_end(&cutters[i]) == 0 && well[i];
		watch_init(&watch, troupes[i].pid);
		well[i] = well[i] && answers_cut(&watch, "after a long stop");
		watch_deinit(&watch);
		if (!tap_ok(well[i] && failures == 1,
			    "a reader is stopped %s for too long: it notices that its cut is lost, and goes on",
			    step_name(long_steps[i])))
			tap_diag("%" PRIu64 " cuts, %" PRIu64 " broken, %" PRIu64 " failed",
				 cutter_count(&cutters[i], CUTTER_CUTS),
				 cutter_count(&cutters[i], CUTTER_BROKEN), failures);
		(void)tap_ok(troupe_stop(&troupes[i]), "the target ends well");
	}
}

/* --- dead, with everything it could leave behind --------------------------------------------------------------------------- */

struct memory {
	uint64_t entities; /* the mark up to which slots were ever used */
	uint64_t segment_blocks;
	uint64_t resident_kb;
};

static uint64_t resident_kb(pid_t pid)
{
	char path[32];
	unsigned long long total = 0, resident = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &total, &resident) != 2) // NOLINT(cert-err34-c)
		resident = 0;
	(void)fclose(file);
	return resident * 4;
}

static void measure(const struct watch *watch, struct memory *memory)
{
	struct peeps_marks marks;
	struct stat status = { 0 };

	peeps_bounds_marks(&watch->target, &marks);
	(void)fstat(watch->target.segment_fd, &status);
	memory->entities = marks.rows[PEEPS_SECTION_ENTITIES];
	memory->segment_blocks = (uint64_t)status.st_blocks;
	memory->resident_kb = resident_kb(watch->pid);
	tap_diag("%" PRIu64 " slots ever used, segment %" PRIu64 " kB, resident %" PRIu64 " kB",
		 memory->entities, memory->segment_blocks / 2, memory->resident_kb);
}

static void test_dead_for_good(void)
{
	static struct watch watch;
	struct memory at_once, at_deadline, later;
	struct troupe troupe;
	struct cutter cutter;
	uint64_t epoch, cut;

	(void)setenv("PEEPS_CAPACITY", ROOMY, 1); // NOLINT(concurrency-mt-unsafe)
	if (!tap_ok(troupe_start(&troupe, program, "churn", 300),
		    "a target that retires slots all the time starts"))
		return;
	(void)unsetenv("PEEPS_CAPACITY"); // NOLINT(concurrency-mt-unsafe)
	watch_init(&watch, troupe.pid);
	(void)watch_attach(&watch);
	(void)tap_ok(cutter_take_at(&cutter, &troupe, PEEPS_STEP_CUT_WAITED, SIGKILL),
		     "a reader dies in the middle of a cut");
	child_kill(cutter.pid);
	epoch = peeps_load_relaxed(&watch.target.control->epoch);
	cut = peeps_load_relaxed(&watch.target.control->cut);
	(void)tap_ok(cut != 0 && cut == epoch, "it leaves the epoch flipped and the cut announced");
	measure(&watch, &at_once);
	(void)usleep(3300000);
	measure(&watch, &at_deadline);
	(void)usleep(1700000);
	measure(&watch, &later);
	(void)tap_ok(at_deadline.entities > at_once.entities + 500,
		     "until the deadline no retired slot is used again");
	(void)tap_ok(later.entities <= at_deadline.entities + 64 &&
			     later.segment_blocks <= at_deadline.segment_blocks + 256 &&
			     later.resident_kb <= at_deadline.resident_kb + 512,
		     "after the deadline and its margin no memory is taken any more");
	(void)tap_ok(peeps_load_relaxed(&watch.target.control->cut) == cut,
		     "though nobody has cleared the cut");
	(void)tap_ok(answers_cut(&watch, "after the death") &&
			     watch.image.counters[PEEPS_COUNTER_DROPPED_ENTITIES] == 0,
		     "the next answer is a cut, and nothing was dropped");
	watch_deinit(&watch);
	(void)tap_ok(troupe_stop(&troupe), "the target ends well");
	(void)close(cutter.stage_fd);
}

int main(int argc, char **argv)
{
	struct troupe troupe;

	if (argc < 3)
		return 2;
	program = argv[1];
	cutter_program = argv[2];
	if (!tap_ok(troupe_start(&troupe, program, TARGET_WORKS, PACE_US), "the target starts"))
		return tap_done();
	for (unsigned int step = PEEPS_STEP_CUT_LOCKED; step <= PEEPS_STEP_CUT_CLEARED; step++) {
		test_kill(&troupe, step);
		test_short_stop(&troupe, step);
	}
	(void)tap_ok(troupe_stop(&troupe), "the target ends well");
	test_dead_for_good();
	test_long_stops();
	tap_diag("longest answer: %.1f ms", (double)longest_ns / 1e6);
	return tap_done();
}
