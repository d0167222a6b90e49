#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Operations of the registry, and what is kept of those that are over (seeds/004).

usage: test_operations.py PEEPS_READ OPERATIONS
"""
import errno
import sys
import unittest

import tap
from snapshot import OPERATION_KEYS, TASK_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
PROGRAM = sys.argv[2]


class Operations(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(PROGRAM)
        answer = READ.until(cls.target.pid, lambda answer: 'lock' in cls.of_guest(answer, 'pending'), 'dump', '-f', 'json')
        cls.before = Snapshot.of(answer)
        cls.target.process.stdin.write(b'\n')
        cls.target.process.stdin.flush()
        answer = READ.until(cls.target.pid, lambda answer: 'lock' in cls.of_guest(answer, 'done') and
                            len(Snapshot.of(answer).state('done')) == 2, 'dump', '-f', 'json', '--history')
        cls.history = Snapshot.of(answer)
        cls.now = Snapshot(READ.document(cls.target.pid))

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    @staticmethod
    def of_guest(answer, state):
        snapshot = Snapshot.of(answer)
        return {edge['meta']['op_kind'] for edge in snapshot.state(state) if snapshot.called(edge)[0][1] == 'guest'}

    def operations(self, snapshot, state, actor='poller'):
        return [edge for edge in snapshot.state(state) if snapshot.called(edge)[0][1] == actor]

    def test_dump__two_identical_waits_of_one_actor__are_two_edges(self):
        self.expect_whole(self.now)
        waits = self.operations(self.now, 'pending')
        self.assertEqual([self.now.called(edge) for edge in waits], 2 * [(('task', 'poller'), ('notify', 'bell'))])
        self.assertEqual({edge['meta']['op_kind'] for edge in waits}, {'notify_wait'})
        self.assertNotEqual(waits[0]['meta']['slot'], waits[1]['meta']['slot'])
        for edge in waits:
            self.assertLessEqual(OPERATION_KEYS, set(edge['meta']))
            self.assertEqual(edge['meta']['poll_count'], 1)
            self.assertEqual(edge['meta']['krate'], 'e2e')
            self.expect_line(edge['meta']['source'], 'peeps_op_begin(')

    def test_dump__begun_and_not_blocked__is_active_since_no_time(self):
        edge, = self.operations(self.now, 'active')
        self.assertEqual(edge['meta']['op_kind'], 'recv')
        self.assertIsNone(edge['meta']['pending_since_ptime_ms'])
        self.assertIsInstance(edge['meta']['last_change_ptime_ms'], int)
        self.assertEqual(edge['meta']['poll_count'], 0)

    def test_dump__operations_that_are_over__are_not_shown(self):
        self.assertEqual({edge['meta']['state'] for edge in self.now.operations()}, {'pending', 'active'})

    def test_dump_history__operations_that_are_over__are_shown_with_how_they_ended(self):
        done, = self.operations(self.history, 'done')
        failed, = self.operations(self.history, 'failed')
        cancelled, = self.operations(self.history, 'cancelled')
        self.assertEqual(done['meta']['op_kind'], 'notify_wait')
        self.assertEqual(failed['meta']['errno'], errno.ETIMEDOUT)
        self.assertNotIn('errno', cancelled['meta'])
        self.assertEqual(len(self.operations(self.history, 'pending')), 2)

    def test_dump_history__begun_on_one_thread_and_ended_on_another__is_one_edge_of_its_actor(self):
        begun, = (edge for edge in self.operations(self.before, 'active') if edge['meta']['op_kind'] == 'notify_wait')
        done, = self.operations(self.history, 'done')
        for key in ('slot', 'wait_sequence', 'source', 'poll_count'):
            self.assertEqual(begun['meta'][key], done['meta'][key])
        self.assertEqual(begun['meta']['poll_count'], 3)

    def test_dump_history__finished_wait_of_a_wrapper__is_shown(self):
        edge, = self.operations(self.history, 'done', 'guest')
        self.assertEqual(self.history.called(edge), (('thread', 'guest'), ('mutex', 'door')))
        self.assertIsInstance(edge['meta']['pending_since_ptime_ms'], int)
        self.assertGreaterEqual(edge['meta']['last_change_ptime_ms'], edge['meta']['pending_since_ptime_ms'])

    def test_dump__made_inside_a_task__creator_is_the_tasks_node(self):
        task, main = self.now.named['task', 'poller'], self.now.named['thread', 'main']
        self.assertEqual(self.now.attrs('notify', 'bell')['creator_task_id'], task)
        attrs = self.now.attrs('task', 'poller')
        self.assertLessEqual(TASK_ATTRIBUTES, set(attrs))
        self.assertEqual(attrs['creator_task_id'], main)
        self.assertIsNone(attrs['thread_id'])
        self.assertIsNone(self.now.attrs('thread', 'main')['current_task_id'])

    def test_check__two_waits_polled_by_one_task__is_no_deadlock(self):
        answer = READ('check', self.target.pid)
        self.assertEqual(answer.status, 0, answer)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(Operations)))
