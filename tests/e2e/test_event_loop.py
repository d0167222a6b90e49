#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""event-loop: tasks of one thread with several operations each, on things of kinds of the program's own.

usage: test_event_loop.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]


def is_stuck(answer):
    """The kitchen has cooked one dish, and each wait was tried again since."""
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and len(snapshot.state('active')) == 1 and len(snapshot.state('pending')) == 5
            and all(edge['meta']['poll_count'] > 2 for edge in snapshot.state('pending')))


class LostEvent(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        answer = READ.until(cls.target.pid, is_stuck, 'dump', '-f', 'json')
        assert is_stuck(answer), f'not stuck within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)
        cls.later = Snapshot.of(READ.until(cls.target.pid, cls.has_polled_on, 'dump', '-f', 'json'))

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    @classmethod
    def has_polled_on(cls, answer):
        now = Snapshot.of(answer)
        return is_stuck(answer) and cls.polls(now)['guest', 'meal'] > cls.polls(cls.snapshot)['guest', 'meal']

    @staticmethod
    def polls(snapshot):
        called = ((snapshot.called(edge), edge['meta']['poll_count']) for edge in snapshot.state('pending'))
        return {(actor[1], resource[1]): count for (actor, resource), count in called}

    def test_dump__lost_event__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {
            ('thread', 'loop'), ('task', 'guest'), ('task', 'kitchen'), ('task', 'clock'),
            ('bell', 'orders'), ('bell', 'meal'), ('timer', 'closing'), ('timer', 'tick')})

    def test_dump__lost_event__exact_set_of_operations_each_of_which_would_do(self):
        self.assertEqual(self.snapshot.pending(), {
            ('guest', 'notify_wait', 'meal'), ('guest', 'notify_wait', 'closing'),
            ('kitchen', 'notify_wait', 'orders'), ('kitchen', 'notify_wait', 'closing'),
            ('clock', 'notify_wait', 'tick')})
        for edge in self.snapshot.operations():
            self.assertIs(edge['meta']['blocks'], False)
        for edge in self.snapshot.state('pending'):
            self.expect_pending(self.snapshot, edge, 'begin(&', {'until_ptime_ms': None, 'mutex': None, 'notifies': None})

    def test_dump__lost_event__the_meal_is_under_way_and_waits_for_nothing(self):
        edge, = self.snapshot.state('active')
        self.assertEqual(self.snapshot.called(edge), (('task', 'kitchen'), ('bell', 'meal')))
        self.assertEqual((edge['meta']['op_kind'], edge['meta']['poll_count']), ('send', 0))
        self.assertIsNone(edge['meta']['pending_since_ptime_ms'])

    def test_dump__again__the_stuck_waits_were_polled_on_and_are_the_same_waits(self):
        def waits(snapshot, actor):
            return {snapshot.called(edge)[1]: (edge['meta']['slot'], edge['meta']['wait_sequence'],
                                               edge['meta']['pending_since_ptime_ms'])
                    for edge in snapshot.state('pending') if snapshot.called(edge)[0][1] == actor}

        before, after = self.polls(self.snapshot), self.polls(self.later)
        for actor in ('guest', 'kitchen'):
            self.assertEqual(waits(self.snapshot, actor), waits(self.later, actor))
        for wait in (('guest', 'meal'), ('guest', 'closing'), ('kitchen', 'orders'), ('kitchen', 'closing')):
            self.assertGreater(after[wait], before[wait])

    def test_dump__again__the_clock_has_gone_on_meanwhile(self):
        def tick(snapshot):
            return next(edge['meta'] for edge in snapshot.state('pending') if snapshot.called(edge)[1][1] == 'tick')

        self.assertEqual(tick(self.snapshot)['slot'], tick(self.later)['slot'])
        self.assertGreater(tick(self.later)['wait_sequence'], tick(self.snapshot)['wait_sequence'])

    def test_dump__own_kinds__ids_and_attributes_are_theirs(self):
        meal, closing = self.snapshot.attrs('bell', 'meal'), self.snapshot.attrs('timer', 'closing')
        self.assertEqual((meal['rings'], self.snapshot.attrs('bell', 'orders')['rings']), (0, 2))
        self.assertEqual(closing['interval_ns'], 8 * 3600 * 10**9)
        self.assertNotIn('visibility', meal)
        self.assertEqual(closing['visibility'], 'internal')
        self.assertRegex(self.snapshot.named['bell', 'meal'], r'^bell:[^:]+:meal$')

    def test_blocked__internal_waits__are_counted_and_shown_if_asked_for(self):
        answer = READ('blocked', self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)guest +notify_wait +bell meal')
        self.assertRegex(answer.out, r'(?m)kitchen +notify_wait +bell orders')
        self.assertNotIn('closing', answer.out)
        self.assertIn('and 3 internal waits (--all shows them)\n', answer.out)
        answer = READ('blocked', '--all', self.target.pid)
        self.assertEqual(len([line for line in answer.out.splitlines() if 'timer closing' in line]), 2, answer)
        self.assertNotIn('internal', answer.out)

    def test_explain__bell__says_what_it_is_and_who_waits(self):
        answer = READ('explain', self.snapshot.named['bell', 'orders'], self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^bell "orders" ')
        self.assertRegex(answer.out, r'(?m)^ +rings +2$')
        self.assertRegex(answer.out, r'(?s)waited for by\n +kitchen')

    def test_explain__timer__shows_its_interval_as_a_duration_and_that_it_is_internal(self):
        answer = READ('explain', self.snapshot.named['timer', 'closing'], self.target.pid)
        self.assertRegex(answer.out, r'(?m)^ +interval +8 h 00 min$')
        self.assertRegex(answer.out, r'(?m)^ +visibility +internal$')

    def test_check_max_wait__lost_event__is_found(self):
        answer = READ.until(self.target.pid, lambda answer: answer.status == 1 and 'meal' in answer.out,
                            'check', '--max-wait', '200ms')
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'kitchen .*orders')
        self.assertRegex(answer.out, r'guest .*meal')

    def test_check__something_else_would_do__is_no_deadlock(self):
        answer = READ('check', self.target.pid)
        self.assertEqual(answer.status, 0, answer)


class Draining(unittest.TestCase, Expectations):
    def test_dump__no_event_is_lost__meals_go_on_and_on(self):
        with Target(EXAMPLE, '--draining') as target:
            first = Snapshot(READ.document(target.pid)).attrs('bell', 'meal')['rings']
            answer = READ.until(target.pid, lambda answer: Snapshot.of(answer).attrs('bell', 'meal')['rings'] > first + 10,
                                'dump', '-f', 'json')
            self.expect_whole(Snapshot.of(answer))
            self.assertGreater(Snapshot.of(answer).attrs('bell', 'meal')['rings'], first + 10)
            answer = READ('check', target.pid)
            self.assertEqual(answer.status, 0, answer)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (LostEvent, Draining))))
