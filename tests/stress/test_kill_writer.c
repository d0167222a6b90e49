/* SPDX-License-Identifier: MIT */
/*
 * usage: test_kill_writer TARGET PEEPS-READ
 *
 * The target (built with PEEPS_FAULT_STEPS) is stopped, killed, or made to jump away at each step of a section; a reader
 * must answer within a second and say what its answer is worth.
 */
#include "tests/stress/session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/fault.h>
#include "tests/stress/tap.h"

#define ANSWER_NS UINT64_C(1000000000) /* what the issue promises */
#define TAKEN_NS  UINT64_C(5000000000)
#define SLACK_NS  UINT64_C(1500000000) /* the same on a machine that does other things as well */
#define SKIP_MAX  30

static const char *program, *command;
static uint64_t longest_ns;

static const char *const step_names[] = {
	"",          "is entered",   "is declared", "has its epoch", "has saved a slot",
	"may write", "is half done", "has written", "is over"
};

/* --- a thread at a step ------------------------------------------------------------------------------------------------ */

/* Cuts meanwhile, since some steps are only taken after one. Returns whether the thread got there. */
static bool take_at(struct troupe *troupe, struct watch *watch, unsigned int step, int signal)
{
	const uint64_t until_ns = session_now_ns() + TAKEN_NS;
	struct stage_fault *const fault = &troupe->stage->fault;
	static uint64_t random;

	random = (random + session_seed() + step) * UINT64_C(6364136223846793005) + 1;
	fault->signal = (uint64_t)signal;
	fault->skip = (random >> 33) % SKIP_MAX;
	peeps_store_release(&fault->step, step);
	while (!peeps_load_acquire(&fault->taken)) {
		if (session_now_ns() > until_ns)
			return false;
		(void)watch_cut(watch, false);
		(void)usleep(200);
	}
	return true;
}

static uint64_t answer(struct watch *watch)
{
	const uint64_t took_ns = watch_answer(watch);

	if (longest_ns < took_ns)
		longest_ns = took_ns;
	return took_ns;
}

static bool notes_name(const struct peeps_image *image, uint64_t tid, const char *name)
{
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), "thread %" PRIu64 " (%s)", tid, name);
	for (size_t i = 0; i < image->note_count; i++)
		if (strstr(image->notes[i], wanted) ||
		    (!*name && strncmp(image->notes[i], wanted, strlen(wanted) - 3) == 0))
			return true;
	return false;
}

static void show(const char *what, const struct watch *watch)
{
	tap_diag("%s: quality %s, %s%s", what, peeps_quality_name(watch->image.quality),
		 watch->image.note_count ? watch->image.notes[0] : "no note",
		 watch->image.exited ? " (exited)" : "");
	for (size_t i = 0; i < watch->check.kept_count; i++)
		tap_diag("  %s", watch->check.kept[i]);
}

/* --- stopped ----------------------------------------------------------------------------------------------------------- */

/* Returns the exit status, and what it wrote. */
static int run_command(const char *verb, pid_t pid, char *output, size_t room)
{
	char line[512];
	size_t length;
	FILE *pipe;

	(void)snprintf(line, sizeof(line), "exec '%s' %s %d 2>&1", command, verb, (int)pid);
	pipe = popen(line, "re"); // NOLINT(cert-env33-c)
	if (!pipe)
		return -1;
	length = fread(output, 1, room - 1, pipe);
	output[length] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void check_command(pid_t pid, uint64_t tid)
{
	const uint64_t began_ns = session_now_ns();
	char output[8192], wanted[64];
	int status = run_command("blocked", pid, output, sizeof(output));
	const uint64_t took_ns = session_now_ns() - began_ns;

	(void)snprintf(wanted, sizeof(wanted), "thread %" PRIu64 " (solo)", tid);
	if (!tap_ok(status == 7 && took_ns < SLACK_NS && strstr(output, "partial") &&
			    strstr(output, wanted),
		    "peeps-read blocked says partial, and names the thread that was stopped in a section"))
		tap_diag("status %d: %s", status, output);
	status = run_command("dump -f json", pid, output, sizeof(output));
	if (!tap_ok(strstr(output, "\"partial\"") && strstr(output, wanted),
		    "peeps-read dump -f json says partial, and names the thread"))
		tap_diag("status %d: %s", status, output);
}

static void test_stop(unsigned int step)
{
	static struct watch early, watch;
	struct troupe troupe;
	bool answered, recovered;
	uint64_t took_ns;

	if (!troupe_start(&troupe, program, "solo", 0)) {
		(void)tap_ok(false, "the target starts");
		return;
	}
	watch_init(&early, troupe.pid);
	watch_init(&watch, troupe.pid);
	if (watch_attach(&early) || !take_at(&troupe, &early, step, SIGSTOP) ||
	    !child_await_stop(troupe.pid)) {
		(void)tap_ok(false, "a thread is stopped when a section %s", step_names[step]);
		goto out;
	}
	took_ns = answer(&watch);
	answered = took_ns && took_ns < SLACK_NS && watch.check.broken_cuts == 0;
	if (step == PEEPS_STEP_SECTION_LEFT)
		answered = answered && watch.image.quality == PEEPS_QUALITY_CUT;
	else
		answered = answered && watch.image.quality == PEEPS_QUALITY_PARTIAL &&
			   notes_name(&watch.image, troupe.stage->fault.tid, "solo");
	if (!tap_ok(answered, "a thread is stopped when a section %s: the answer is %s",
		    step_names[step],
		    step == PEEPS_STEP_SECTION_LEFT ? "a cut" : "partial and names it"))
		show("stopped", &watch);
	if (step == PEEPS_STEP_SECTION_HALF)
		check_command(troupe.pid, troupe.stage->fault.tid);
	(void)kill(troupe.pid, SIGCONT);
	took_ns = answer(&watch);
	recovered = took_ns && took_ns < SLACK_NS && watch.image.quality == PEEPS_QUALITY_CUT;
	recovered = troupe_gets_on(&troupe) && recovered && answer(&watch) &&
		    watch.check.broken_cuts == 0;
	if (!tap_ok(recovered, "it is continued: the next answer is a cut, and it gets on"))
		show("continued", &watch);
out:
	(void)kill(troupe.pid, SIGCONT);
	watch_deinit(&early);
	watch_deinit(&watch);
	(void)tap_ok(troupe_stop(&troupe), "the target ends well");
}

/* --- killed ------------------------------------------------------------------------------------------------------------ */

static void test_kill(unsigned int step)
{
	static struct watch early, late;
	struct troupe troupe;
	uint64_t began_ns, took_ns;
	bool answered;
	int r;

	if (!troupe_start(&troupe, program, "solo", 0)) {
		(void)tap_ok(false, "the target starts");
		return;
	}
	watch_init(&early, troupe.pid);
	watch_init(&late, troupe.pid);
	if (watch_attach(&early) || !take_at(&troupe, &early, step, SIGKILL) ||
	    !child_await_end(troupe.pid)) {
		(void)tap_ok(false, "the target is killed when a section %s", step_names[step]);
		goto out;
	}
	/* Who had attached before still has what it left. */
	took_ns = answer(&early);
	answered =
		took_ns && took_ns < SLACK_NS && early.image.exited && early.check.broken_cuts == 0;
	if (step != PEEPS_STEP_SECTION_LEFT)
		answered = answered && early.image.quality == PEEPS_QUALITY_PARTIAL &&
			   notes_name(&early.image, troupe.stage->fault.tid, "");
	if (!tap_ok(answered,
		    "the target is killed when a section %s: an attached reader says so%s",
		    step_names[step],
		    step == PEEPS_STEP_SECTION_LEFT ? "" : ", and names the thread"))
		show("killed", &early);
	began_ns = session_now_ns();
	r = watch_attach(&late);
	took_ns = session_now_ns() - began_ns;
	if (!tap_ok(r == -ESRCH && late.problem.status == 3 && took_ns < ANSWER_NS,
		    "nobody attaches to it any more"))
		tap_diag("%d, status %d: %s", r, late.problem.status, late.problem.why);
out:
	watch_deinit(&early);
	watch_deinit(&late);
	child_kill(troupe.pid);
	(void)close(troupe.stage_fd);
}

/* --- jumped away ------------------------------------------------------------------------------------------------------- */

/* Until the thread has noticed, its sections are taken for those of a handler: one that writes what the section that was
 * left writes is dropped, and counted, so there is nothing to check yet. */
static bool is_torn(struct watch *watch, uint64_t before)
{
	const uint64_t until_ns = session_now_ns() + TAKEN_NS;

	do {
		if (!answer(watch) || session_now_ns() > until_ns)
			return false;
	} while (watch->image.counters[PEEPS_COUNTER_TORN] == before);
	watch->check.broken_cuts = 0;
	watch->check.kept_count = 0;
	return true;
}

static void test_jump(unsigned int step, const char *scenarios)
{
	static struct watch watch;
	struct troupe troupe;
	uint64_t torn_before;
	bool well;

	if (!troupe_start(&troupe, program, scenarios, 0)) {
		(void)tap_ok(false, "the target starts");
		return;
	}
	watch_init(&watch, troupe.pid);
	well = answer(&watch) != 0;
	torn_before = watch.image.counters[PEEPS_COUNTER_TORN];
	well = well && take_at(&troupe, &watch, step, SIGUSR1) && troupe_gets_on(&troupe) &&
	       is_torn(&watch, torn_before);
	for (int i = 0; i < 200 && well; i++)
		well = answer(&watch) && watch.image.quality == PEEPS_QUALITY_CUT;
	if (!tap_ok(well && watch.check.broken_cuts == 0 &&
			    watch.image.counters[PEEPS_COUNTER_TORN] > torn_before,
		    "a handler jumps away when a section %s (%s): it is counted, and the next answers are cuts",
		    step_names[step], scenarios))
		show("jumped", &watch);
	tap_diag("torn %" PRIu64 ", dropped_nested %" PRIu64 ", dropped edges %" PRIu64,
		 watch.image.counters[PEEPS_COUNTER_TORN],
		 watch.image.counters[PEEPS_COUNTER_DROPPED_NESTED],
		 watch.image.counters[PEEPS_COUNTER_DROPPED_EDGES]);
	watch_deinit(&watch);
	(void)tap_ok(troupe_stop(&troupe), "the target ends well");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	program = argv[1];
	command = argv[2];
	(void)setenv("LC_ALL", "C", 1); // NOLINT(concurrency-mt-unsafe)
	for (unsigned int step = PEEPS_STEP_SECTION_ENTERED; step <= PEEPS_STEP_SECTION_LEFT;
	     step++) {
		test_stop(step);
		test_kill(step);
		if (step == PEEPS_STEP_SECTION_LEFT)
			continue;
		test_jump(step, "solo");
		test_jump(step, "solo below");
	}
	tap_diag("longest answer: %.1f ms", (double)longest_ns / 1e6);
	(void)tap_ok(longest_ns < SLACK_NS, "every answer comes within about a second");
	return tap_done();
}
