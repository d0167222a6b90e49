#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rwlock-upgrade: who reads asks to write, and waits for himself.

usage: test_rwlock_upgrade.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import RWLOCK_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]


def is_deadlocked(answer):
    snapshot = Snapshot.of(answer)
    return snapshot is not None and snapshot.pending() == {('left', 'lock', 'config'), ('right', 'lock', 'config')}


class Upgrade(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_deadlocked, 'dump', '-f', 'json')
        assert is_deadlocked(answer), f'no deadlock within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def readers(self, lock):
        return {self.snapshot.called(edge)[1][1]: edge for edge in self.snapshot.edges('holds')
                if self.snapshot.called(edge)[0] == ('rwlock', lock)}

    def test_dump__upgrade__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {('thread', 'left'), ('thread', 'right'), ('thread', 'router'),
                                                    ('rwlock', 'config'), ('rwlock', 'routes')})
        self.assertEqual(self.snapshot.named['rwlock', 'config'], f'rwlock:rwlock-upgrade-{self.pid}:config')

    def test_dump__upgrade__two_read_and_two_wait_to_write(self):
        attrs = self.snapshot.attrs('rwlock', 'config')
        self.assertEqual(set(attrs), RWLOCK_ATTRIBUTES)
        expected = {'name': 'config', 'prefers': 'readers', 'writer': None, 'written_since_ptime_ms': None, 'readers': 2,
                    'read_waiters': 0, 'write_waiters': 2, 'anonymous_unlocks': 0, 'acquires': 2, 'contended': 0,
                    'wait_max_ns': 0, 'wait_total_ns': 0}
        self.assertEqual({key: attrs[key] for key in expected}, expected)

    def test_dump__upgrade__each_reader_is_a_holder(self):
        readers = self.readers('config')
        self.assertEqual(set(readers), {'left', 'right'})
        for edge in readers.values():
            self.expect_hold(edge, 'peeps_rwlock_rdlock(', role='lock', mode='read', count=1)
            self.assertIsInstance(edge['meta']['held_since_ptime_ms'], int)

    def test_dump__upgrade__both_ask_to_write(self):
        edges = self.snapshot.state('pending')
        self.assertEqual(len(edges), 2)
        for edge in edges:
            self.assertEqual(edge['meta']['op_kind'], 'lock')
            self.expect_pending(self.snapshot, edge, 'peeps_rwlock_wrlock(',
                                {'mode': 'exclusive', 'until_ptime_ms': None})

    def test_dump__upgrade__one_certain_deadlock_of_the_two(self):
        finding, = self.snapshot.document['findings']
        self.assertEqual((finding['kind'], finding['certainty']), ('deadlock', 'certain'))
        names = {self.snapshot.nodes[node]['name'] for node in finding['nodes']}
        self.assertEqual(names, {'left', 'right', 'config'})

    def test_no_verb__upgrade__says_who_reads_and_who_would_write(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +left +write lock +rwlock config')
        self.assertIn('deadlock (certain)', answer.out)
        self.assertRegex(answer.out, r'(?m)left has waited [\d.]+ m?s to write rwlock "config".*'
                                     r', read for [\d.]+ m?s by right .*\(and by 1 other\)')

    def test_explain__config__lists_its_readers(self):
        answer = READ('explain', 'config', self.pid)
        self.assertIn(answer.status, (0, 1), answer)
        self.assertRegex(answer.out, r'left.*lock read for')
        self.assertRegex(answer.out, r'right.*lock read for')


class DropFirst(unittest.TestCase, Expectations):
    def test_check__dropped_first__exits_0_and_no_writer_is_beside_a_reader(self):
        with Target(EXAMPLE, '--drop-first') as target:
            self.expect_healthy(READ, target.pid)
            for _ in range(50):
                snapshot = Snapshot(READ.document(target.pid))
                self.expect_whole(snapshot)
                attrs = snapshot.attrs('rwlock', 'config')
                holds = [edge['meta']['mode'] for edge in snapshot.edges('holds')
                         if snapshot.called(edge)[0] == ('rwlock', 'config')]
                self.assertIn(holds, ([], ['exclusive'], ['read'], ['read', 'read']))
                self.assertEqual(attrs['readers'], holds.count('read'))
                self.assertEqual(attrs['writer'] is not None, 'exclusive' in holds)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Upgrade, DropFirst))))
