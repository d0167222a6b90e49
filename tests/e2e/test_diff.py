#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""diff: what stood still, what moved, and what is not the same process, of real programs.

usage: test_diff.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION CHANNEL_FULL_STALL BUSY
"""
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
INVERSION, STALL, BUSY = sys.argv[2:5]


def is_deadlocked(answer):
    return answer.status == 1 and 'deadlock (certain)' in answer.out


def waits_twice(answer):
    return answer.status == 0 and len(json.loads(answer.out)['waits']) == 2


class Diff(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix='test-diff-', dir='.')).resolve()
        self.addCleanup(shutil.rmtree, self.work)

    def start(self, *command, **options):
        target = Target(*command, **options)
        self.addCleanup(target.__exit__)
        return target

    def start_deadlock(self, **options):
        target = self.start(INVERSION, **options)
        self.assertTrue(is_deadlocked(READ.until(target.pid, is_deadlocked, 'check')))
        return target

    def start_stall(self):
        target = self.start(STALL)
        self.assertTrue(waits_twice(READ.until(target.pid, waits_twice, 'blocked', '-J')))
        return target

    def dump(self, target, name='before.msgpack'):
        path = self.work / name
        answer = READ('dump', target.pid, '-o', path)
        self.assertEqual(answer.status, 0, answer)
        return path

    def diff(self, *arguments, status=0):
        answer = READ('diff', '-J', *arguments)
        self.assertEqual(answer.status, status, answer)
        return json.loads(answer.out)

    def expect_same(self, document, actors):
        self.assertEqual({key: document['tally'][key] for key in ('same', 'unproved', 'new', 'ended')},
                         {'same': len(actors), 'unproved': 0, 'new': 0, 'ended': 0}, document['waits'])
        self.assertEqual({(wait['change'], wait['proved'], wait['wait']['actor_name']) for wait in document['waits']},
                         {('same', True, actor) for actor in actors})
        self.assertEqual(max(wait['wait']['pending_ns'] for wait in document['waits']), document['tally']['longest_ns'])

    def test_diff__a_deadlock_persists__same_waits_same_finding_and_the_heartbeat_moves(self):
        target = self.start_deadlock()
        before = self.dump(target)
        document = self.diff(before, target.pid)
        self.expect_same(document, {'alpha', 'beta'})
        self.assertEqual([(finding['change'], finding['kind']) for finding in document['findings']], [('same', 'deadlock')])
        self.assertEqual(document['before']['origin'], str(before))
        self.assertIsNone(document['after']['origin'])
        self.assertGreater(document['elapsed_ns'], 0)
        self.assertEqual((document['came'], document['went']), ([], []))
        answer = READ('diff', before, target.pid)
        self.assertIn('2 waits are the same as before (no progress), the longest has waited ', answer.out)
        self.assertIn('1 deadlock is still there (certain).', answer.out)

    def test_diff__a_process_alone__is_looked_at_twice(self):
        target = self.start_deadlock()
        for arguments in ((target.pid,), (target.pid, target.pid)):
            document = self.diff('--every', '250ms', *arguments)
            self.expect_same(document, {'alpha', 'beta'})
            self.assertGreaterEqual(document['elapsed_ns'], 250000000)
            self.assertIn(('pulse', 'acquires'),
                          {(change['name'], change['attribute']) for change in document['counters']})

    def test_diff__the_later_one_first__is_put_in_order(self):
        target = self.start_deadlock()
        before = self.dump(target)
        after = self.dump(target, 'after.json.zst')
        self.assertEqual(self.diff(after, before), self.diff(before, after))
        self.assertEqual(self.diff(after, before)['before']['origin'], str(before))

    def test_diff__a_stall__nothing_moves(self):
        target = self.start_stall()
        document = self.diff(self.dump(target), target.pid)
        self.expect_same(document, {'bounded_sender', 'blocked_receiver'})
        self.assertEqual((document['counters'], document['findings']), ([], []))
        answer = READ('diff', '--every', '10ms', target.pid)
        self.assertIn('2 waits are the same as before (no progress)', answer.out)
        self.assertIn('Nothing moved meanwhile', answer.out)
        self.assertIn('demo.work_queue (16/16)', answer.out)

    def test_diff__a_busy_program__its_locks_move(self):
        target = self.start(BUSY)  # its locks come into being when they are first locked
        READ.until(target.pid, lambda answer: all(f':{name} ' in answer.out for name in ('first', 'second')), 'dump')
        document = self.diff('--every', '300ms', target.pid)
        moved = {(change['name'], change['attribute']): change['value_after'] - change['value_before']
                 for change in document['counters']}
        self.assertGreater(moved['first', 'acquires'], 0)
        self.assertGreater(moved['second', 'acquires'], 0)
        answer = READ('diff', '--every', '300ms', target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'Meanwhile 2 of \d+ mutexes were acquired \([0-9,]+ times\)')
        self.assertRegex(answer.out, r'mutex +acquires +2 of ')

    def test_diff__waits_of_a_busy_program__a_same_wait_began_before_both(self):
        target = self.start(BUSY)
        for _ in range(20):
            document = self.diff('--every', '1ms', target.pid)
            for wait in document['waits']:
                if wait['change'] == 'same':
                    self.assertGreaterEqual(wait['wait']['pending_ns'], document['elapsed_ns'], wait)

    def test_diff__it_was_started_anew__is_another_process(self):
        first = self.start_deadlock()
        before = self.dump(first)
        second = self.start_deadlock()
        document = self.diff(before, second.pid)
        self.assertEqual([(process['change'], process['pid']) for process in document['processes']],
                         [('came', second.pid), ('went', first.pid)])
        self.assertEqual((document['waits'], document['came'], document['went'], document['elapsed_ns']), ([], [], [], None))
        answer = READ('diff', before, second.pid)
        self.assertIn('No process is in both', answer.out)
        self.assertRegex(answer.out, rf'Process [a-z-]+{first.pid} went, with \d+ entities, 2 waits\.\n')
        self.assertRegex(answer.out, rf'Process [a-z-]+{second.pid} came, with \d+ entities, 2 waits\.\n')

    def test_diff__two_programs__have_nothing_in_common(self):
        document = self.diff(self.start_deadlock().pid, self.start_stall().pid)
        self.assertEqual({process['change'] for process in document['processes']}, {'came', 'went'})

    def test_diff__what_is_left_of_it__is_the_same_process(self):
        kept = pathlib.Path(tempfile.mkdtemp(prefix='test-diff-', dir='/dev/shm'))
        self.addCleanup(shutil.rmtree, kept)
        target = self.start_deadlock(env={'PEEPS_DIR': str(kept)})
        before = self.dump(target)
        os.kill(target.pid, signal.SIGKILL)
        target.process.wait(timeout=60)
        segment, = kept.iterdir()
        document = self.diff(before, segment)
        self.assertEqual([process['change'] for process in document['processes']], ['stayed'])
        self.assertEqual(READ('diff', before, target.pid).status, 3)

    def test_diff__passive__says_what_is_not_proved(self):
        target = self.start_stall()
        document = self.diff('--passive', '--every', '10ms', target.pid)
        self.assertIn(document['after']['quality'], ('quiescent', 'passive'))
        self.assertEqual(document['tally']['same'] + document['tally']['unproved'], 2)

    def expect_refusal(self, answer, status, text):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.out, '')
        self.assertIn(text, answer.err)
        self.assertLessEqual(len(answer.err.splitlines()), 3)

    def test_diff__nothing_to_compare_with__is_refused(self):
        target = self.start_stall()
        before = self.dump(target)
        self.expect_refusal(READ('diff', before), 2, 'nothing to compare with')
        self.expect_refusal(READ('diff', before, before), 2, 'nothing to compare with')
        self.expect_refusal(READ('diff', before, target.pid, 1), 2, 'too many targets')
        self.expect_refusal(READ('diff'), 2, 'no target given')
        self.expect_refusal(READ('diff', self.work / 'none', target.pid), 3, 'none')


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Diff)))
