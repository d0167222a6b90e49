/* SPDX-License-Identifier: MIT */
/*
 * Places where the tests break us on purpose. In every ordinary build both macros vanish.
 *
 * PEEPS_STEP(n) marks the numbered steps of a section (1..) and of a cut (101..): a build with
 * PEEPS_FAULT_STEPS calls peeps_fault_step(n) there, which the test program defines, to stop or
 * kill the process at that very point.
 *
 * PEEPS_MUTATED(NAME) is true in a build with -DPEEPS_MUTATION=PEEPS_MUTATION_NAME: one rule of the
 * protocol is left out, and the stress suite must notice.
 */
#ifndef PEEPS_FAULT_H
#define PEEPS_FAULT_H

#ifdef __cplusplus
extern "C" {
#endif

#ifdef PEEPS_FAULT_STEPS
void peeps_fault_step(unsigned int step);
#define PEEPS_STEP(step) peeps_fault_step(step)
#else
#define PEEPS_STEP(step) ((void)0)
#endif

#define PEEPS_STEP_SECTION_ENTERED  1   /* txn is odd; the write set is still the last section's */
#define PEEPS_STEP_SECTION_DECLARED 2   /* write set stored; epoch not loaded */
#define PEEPS_STEP_SECTION_EPOCH    3   /* epoch loaded; nothing touched */
#define PEEPS_STEP_TOUCH_SHADOWED   4   /* shadow stored, slot epoch still old (only after a cut) */
#define PEEPS_STEP_TOUCH_DONE       5   /* slot epoch stored (only after a cut) */
#define PEEPS_STEP_SECTION_HALF     6   /* some hot words written */
#define PEEPS_STEP_SECTION_WRITTEN  7   /* all hot words written; txn still odd */
#define PEEPS_STEP_SECTION_LEFT     8   /* txn even again */
#define PEEPS_STEP_CUT_LOCKED       101 /* lock held; nothing written */
#define PEEPS_STEP_CUT_ANNOUNCED    102 /* deadline and cut stored; epoch not */
#define PEEPS_STEP_CUT_FLIPPED      103 /* epoch stored; no membarrier yet */
#define PEEPS_STEP_CUT_FENCED       104 /* membarrier done; nobody waited for */
#define PEEPS_STEP_CUT_WAITED       105 /* grace period over; nothing copied */
#define PEEPS_STEP_CUT_COPYING      106 /* half of the slots copied */
#define PEEPS_STEP_CUT_COPIED       107 /* all copied; not yet checked */
#define PEEPS_STEP_CUT_CHECKED      108 /* found good; cut not yet cleared */
#define PEEPS_STEP_CUT_CLEARED      109 /* cut is 0; lock held */
#define PEEPS_STEP_LOOK_SCANNED     111 /* passive: txns and write sets read; nothing copied */

#define PEEPS_MUTATION_NONE          0
#define PEEPS_MUTATION_NO_WAIT       1 /* reader: no wait for odd txns */
#define PEEPS_MUTATION_NO_MEMBARRIER 2 /* reader: no membarrier */
#define PEEPS_MUTATION_NO_RECHECK    3 /* reader: no second look at the slot's epoch */
#define PEEPS_MUTATION_NO_TOUCH      4 /* writer: no copy-on-first-write */
#define PEEPS_MUTATION_NO_QUARANTINE 5 /* writer: a retired slot is used again at once */
#define PEEPS_MUTATION_NO_EPOCH_TEST 6 /* reader: the naive read: hot words, whatever their epoch */
#define PEEPS_MUTATION_PUBLISH_FIRST 7 /* writer: an item is published before its section */
#define PEEPS_MUTATION_PLACE_FIRST   8 /* writer: a place is given back before its section */
#define PEEPS_MUTATION_PERMITS_FIRST 9 /* writer: permits are given back before their section */

#define PEEPS_MUTATION_UNLOCK_FIRST  13 /* writer: a rwlock is unlocked before its section */
#define PEEPS_MUTATION_NOTIFY_FIRST  14 /* writer: somebody is notified before the section that says so */

#ifndef PEEPS_MUTATION
#define PEEPS_MUTATION PEEPS_MUTATION_NONE
#endif
#define PEEPS_MUTATED(name) (PEEPS_MUTATION == PEEPS_MUTATION_##name)

#ifdef __cplusplus
}
#endif

#endif
