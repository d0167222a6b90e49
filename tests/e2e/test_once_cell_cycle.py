#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""once-cell-cycle: two things are made once, each with the other's help.

usage: test_once_cell_cycle.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import ONCE_CELL_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]

STUCK = {('configurer', 'oncecell_wait', 'catalog'), ('cataloguer', 'oncecell_wait', 'settings'),
         ('visitor', 'oncecell_wait', 'settings')}


def is_stuck(answer):
    snapshot = Snapshot.of(answer)
    return snapshot is not None and snapshot.pending() == STUCK


class Cycle(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_stuck, 'dump', '-f', 'json')
        assert is_stuck(answer), f'no deadlock within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_dump__cycle__cells_say_who_fills_them(self):
        self.expect_whole(self.snapshot)
        for cell, actor, waiters in (('settings', 'configurer', 2), ('catalog', 'cataloguer', 1)):
            attrs = self.snapshot.attrs('once_cell', cell)
            self.assertEqual(set(attrs), ONCE_CELL_ATTRIBUTES)
            expected = {'state': 'initializing', 'initializer': self.snapshot.named['thread', actor], 'attempts': 1,
                        'failures': 0, 'waiters': waiters}
            self.assertEqual({key: attrs[key] for key in expected}, expected)
            self.assertIsInstance(attrs['initializing_since_ptime_ms'], int)

    def test_dump__cycle__who_fills_it_holds_it(self):
        holds = self.snapshot.edges('holds')
        self.assertEqual({self.snapshot.called(edge) for edge in holds},
                         {(('once_cell', 'settings'), ('thread', 'configurer')),
                          (('once_cell', 'catalog'), ('thread', 'cataloguer'))})
        for edge in holds:
            self.expect_hold(edge, 'peeps_once_cell_get_or_init(', role='lock', mode='exclusive', count=1)
        for edge in self.snapshot.state('pending'):
            self.expect_pending(self.snapshot, edge, 'peeps_once_cell_get_or_init(', {'until_ptime_ms': None})

    def test_check__cycle__one_certain_deadlock_and_a_victim(self):
        finding, = self.snapshot.document['findings']
        self.assertEqual((finding['kind'], finding['certainty']), ('deadlock', 'certain'))
        self.assertEqual([self.snapshot.nodes[node]['name'] for node in finding['victims']], ['visitor'])
        answer = READ('check', self.pid)
        self.assertEqual(answer.status, 1, answer)

    def test_no_verb__cycle__says_who_makes_what(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'configurer has waited [\d.]+ m?s for once_cell "catalog".*'
                                     r'being initialized for [\d.]+ m?s by cataloguer')

    def test_explain__cell__says_when_a_wait_ends(self):
        answer = READ('explain', 'settings', self.pid)
        self.assertIn('when it is initialized, or that fails', answer.out)
        self.assertRegex(answer.out, r'configurer: lock')


class OneWay(unittest.TestCase, Expectations):
    def test_check__one_way__both_are_filled_once(self):
        def is_filled(answer):
            snapshot = Snapshot.of(answer)
            return snapshot is not None and all(
                ('once_cell', cell) in snapshot.named and snapshot.attrs('once_cell', cell)['state'] == 'initialized'
                for cell in ('settings', 'catalog'))

        with Target(EXAMPLE, '--one-way') as target:
            answer = READ.until(target.pid, is_filled, 'dump', '-f', 'json')
            self.assertTrue(is_filled(answer), answer)
            self.expect_healthy(READ, target.pid)
            snapshot = Snapshot(READ.document(target.pid))
            for cell in ('settings', 'catalog'):
                attrs = snapshot.attrs('once_cell', cell)
                self.assertEqual((attrs['initializer'], attrs['initializing_since_ptime_ms']), (None, None))
                self.assertEqual((attrs['attempts'], attrs['failures'], attrs['waiters']), (1, 0, 0))
            self.assertEqual(snapshot.edges('holds'), [])


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Cycle, OneWay))))
