#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""task-hand-over: what a task holds it holds on any thread, and on none.

usage: test_task_hand_over.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import TASK_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]


def is_jammed(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and ('job_2', 'acquire', 'demo.disk') in snapshot.pending()
            and snapshot.activity('storer') == 'sleeping')


class Jam(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        answer = READ.until(cls.target.pid, is_jammed, 'dump', '-f', 'json')
        assert is_jammed(answer), f'no jam within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_dump__jam__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {
            ('thread', 'main'), ('thread', 'fetcher'), ('thread', 'storer'), ('task', 'job_1'), ('task', 'job_2'),
            ('semaphore', 'demo.disk'), ('mpsc_tx', 'demo.hand_over'), ('mpsc_rx', 'demo.hand_over')})

    def test_dump__jam__the_job_that_waits_is_inside_its_thread(self):
        attrs = self.snapshot.attrs('task', 'job_2')
        self.assertLessEqual(TASK_ATTRIBUTES, set(attrs))
        fetcher = self.snapshot.named['thread', 'fetcher']
        self.assertEqual((attrs['activity'], attrs['thread_id'], attrs['creator_task_id']),
                         ('blocked', fetcher, fetcher))
        self.assertEqual(self.snapshot.attrs('thread', 'fetcher')['current_task_id'],
                         self.snapshot.named['task', 'job_2'])

    def test_dump__jam__the_job_put_aside_is_suspended_and_holds_the_permit(self):
        attrs = self.snapshot.attrs('task', 'job_1')
        self.assertEqual((attrs['activity'], attrs['thread_id']), ('suspended', None))
        edge, = (edge for edge in self.snapshot.edges('holds') if edge['meta']['role'] == 'permit')
        self.assertEqual(self.snapshot.called(edge), (('semaphore', 'demo.disk'), ('task', 'job_1')))
        self.expect_hold(edge, 'peeps_sem_acquire(', count=1)

    def test_dump__jam__the_wait_is_the_tasks(self):
        edge, = self.snapshot.operations()
        self.assertEqual(self.snapshot.called(edge), (('task', 'job_2'), ('semaphore', 'demo.disk')))
        self.expect_pending(self.snapshot, edge, 'peeps_sem_acquire(',
                            {'permits': 1, 'available': 0, 'until_ptime_ms': None})

    def test_no_verb__jam__says_that_the_holder_is_suspended(self):
        answer = READ(self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +job_2 +acquire .*demo\.disk.*job_1 \(suspended\)')
        tree = READ('blocked', '--tree', self.target.pid)
        self.assertRegex(tree.out, r'(?m)^job_1 \(suspended[^\n]*\n +job_2 \(on fetcher\) has waited ')


class Storing(unittest.TestCase, Expectations):
    def test_check__jobs_are_taken_up__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--storing') as target:
            self.expect_healthy(READ, target.pid)
            self.expect_whole(Snapshot(READ.document(target.pid)))


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Jam, Storing))))
