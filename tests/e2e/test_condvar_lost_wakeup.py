#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""condvar-lost-wakeup: notified before it waited, and not since.

usage: test_condvar_lost_wakeup.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import NOTIFY_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]


def is_lost(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and snapshot.pending() == {('consumer', 'notify_wait', 'ready')}
            and snapshot.activity('producer') == 'sleeping')


class Lost(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_lost, 'dump', '-f', 'json')
        assert is_lost(answer), f'no wakeup is lost within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_dump__lost__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {('thread', 'consumer'), ('thread', 'producer'), ('mutex', 'store'),
                                                    ('notify', 'ready')})
        self.assertEqual(self.snapshot.named['notify', 'ready'], f'notify:condvar-lost-wakeup-{self.pid}:ready')

    def test_dump__lost__notified_once_by_the_producer(self):
        attrs = self.snapshot.attrs('notify', 'ready')
        self.assertEqual(set(attrs), NOTIFY_ATTRIBUTES)
        expected = {'flavor': 'condvar', 'notifies': 1, 'broadcasts': 0, 'waiters': 1, 'waits': 0, 'wait_total_ns': 0,
                    'last_notifier': self.snapshot.named['thread', 'producer']}
        self.assertEqual({key: attrs[key] for key in expected}, expected)

    def test_dump__lost__the_wait_names_its_mutex_and_what_was_before(self):
        edge, = self.snapshot.edges('needs')
        self.assertEqual(self.snapshot.called(edge), (('thread', 'consumer'), ('notify', 'ready')))
        self.expect_pending(self.snapshot, edge, 'peeps_cond_wait(',
                            {'until_ptime_ms': None, 'mutex': self.snapshot.named['mutex', 'store'], 'notifies': 1})

    def test_dump__lost__nobody_holds_the_mutex(self):
        self.assertEqual(self.snapshot.edges('holds'), [])
        self.assertIsNone(self.snapshot.attrs('mutex', 'store')['holder'])

    def test_dump__lost__is_no_finding_for_anybody_may_notify(self):
        self.assertEqual(self.snapshot.document['findings'], [])

    def test_blocked_tree__lost__says_that_it_was_before(self):
        answer = READ('blocked', '--tree', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'consumer has waited [\d.]+ m?s for notify "ready" \(notified once, [\d.]+ m?s ago '
                                     r'by producer, .*\), not notified since')

    def test_explain__lost__ends_when_anybody_notifies(self):
        answer = READ('explain', 'ready', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('ends when anybody notifies it', answer.out)

    def test_check__lost_beyond_max_wait__exits_1(self):
        answer = READ.until(self.pid, lambda answer: answer.status == 1, 'check', '--max-wait', '100ms')
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'long wait .*consumer has waited .* not notified since')


class LookAgain(unittest.TestCase, Expectations):
    def test_check__looked_again__exits_0_and_the_mutex_is_nobodys_who_waits(self):
        with Target(EXAMPLE, '--look-again') as target:
            self.expect_healthy(READ, target.pid)
            for _ in range(50):
                snapshot = Snapshot(READ.document(target.pid))
                self.expect_whole(snapshot)
                waiting = {who for who, what, _ in snapshot.pending() if what == 'notify_wait'}
                holding = {snapshot.called(edge)[1][1] for edge in snapshot.edges('holds')}
                self.assertFalse(waiting & holding)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Lost, LookAgain))))
