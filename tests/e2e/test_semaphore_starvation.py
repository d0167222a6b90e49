#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""semaphore-starvation: who waits for a permit, and who has it.

usage: test_semaphore_starvation.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import SEMAPHORE_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]
GATE = 'demo.api_gate'


def is_starved(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and snapshot.pending() == {('permit_waiter', 'acquire', GATE)}
            and snapshot.activity('permit_holder') == 'sleeping')


class Starvation(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_starved, 'dump', '-f', 'json')
        assert is_starved(answer), f'nobody starves within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_dump__starvation__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {('thread', 'main'), ('thread', 'permit_holder'),
                                                    ('thread', 'permit_waiter'), ('semaphore', GATE)})
        self.assertEqual(self.snapshot.named['semaphore', GATE], f'semaphore:semaphore-starvation-{self.pid}:{GATE}')

    def test_dump__starvation__none_is_available_and_one_waits(self):
        attrs = self.snapshot.attrs('semaphore', GATE)
        self.assertEqual(set(attrs), SEMAPHORE_ATTRIBUTES)
        expected = {'name': GATE, 'max': 1, 'available': 0, 'waiters': 1, 'anonymous_releases': 0,
                    'unattributed_out': 0, 'unattributed_back': 0,
                    'creator_task_id': self.snapshot.named['thread', 'main']}
        self.assertEqual({key: attrs[key] for key in expected}, expected)
        for name in ('created_at_ns', 'contended', 'wait_max_ns', 'wait_total_ns'):
            self.assertIsInstance(attrs[name], int)

    def test_dump__starvation__acquire_is_pending(self):
        edge, = self.snapshot.edges('needs')
        self.assertEqual(self.snapshot.called(edge), (('thread', 'permit_waiter'), ('semaphore', GATE)))
        self.assertEqual(edge['meta']['op_kind'], 'acquire')
        self.expect_pending(self.snapshot, edge, 'peeps_sem_acquire(',
                            {'permits': 1, 'available': 0, 'until_ptime_ms': None})

    def test_dump__starvation__the_permit_is_held(self):
        edge, = self.snapshot.edges('holds')
        self.assertEqual(self.snapshot.called(edge), (('semaphore', GATE), ('thread', 'permit_holder')))
        self.expect_hold(edge, 'peeps_sem_acquire(', role='permit', mode=None, count=1)
        self.assertIsInstance(edge['meta']['held_since_ptime_ms'], int)

    def test_dump__starvation__activity_of_each_thread(self):
        now_ms = self.snapshot.document['processes'][0]['ptime_now_ns'] // 1000000
        self.assertEqual(self.snapshot.activity('permit_waiter'), 'blocked')
        self.assertEqual(self.snapshot.activity('permit_holder'), 'sleeping')
        self.assertGreater(self.snapshot.attrs('thread', 'permit_holder')['sleep_until_ptime_ms'], now_ms)

    def test_dump__starvation__is_no_deadlock(self):
        self.assertEqual(self.snapshot.document['findings'], [])

    def test_no_verb__starvation__says_who_has_it(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +permit_waiter +acquire .*demo\.api_gate.*permit_holder')
        self.assertIn('no deadlock', answer.out)

    def test_blocked_tree__starvation__root_is_the_holder(self):
        answer = READ('blocked', '--tree', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^permit_holder \(sleeping[^\n]*\n +permit_waiter has waited ')

    def test_check__starvation__exits_0(self):
        answer = READ('check', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('no deadlock', answer.out)

    def test_check__starvation_beyond_max_wait__exits_1_and_names_the_holder(self):
        answer = READ.until(self.pid, lambda answer: answer.status == 1, 'check', '--max-wait', '100ms')
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'long wait .*permit_waiter has waited [\d.]+ m?s for 1 permit of semaphore '
                                     r'"demo\.api_gate" \(0 of 1 .*permit_holder')


class Sharing(unittest.TestCase, Expectations):
    def test_check__both_give_it_back__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--sharing') as target:
            self.expect_healthy(READ, target.pid)
            for _ in range(50):
                snapshot = Snapshot(READ.document(target.pid))
                self.expect_whole(snapshot)
                attrs = snapshot.attrs('semaphore', GATE)
                held = sum(edge['meta']['count'] for edge in snapshot.edges('holds'))
                self.assertIn(held, (0, 1))
                self.assertEqual(attrs['available'], 1 - held)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Starvation, Sharing))))
