#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""join-deadlock: a thread is waited for with the lock held that it needs to end.

usage: test_join_deadlock.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]

HELD = {('manager', 'join', 'worker'), ('worker', 'lock', 'workers')}
RING = {('anna', 'join', 'bert'), ('bert', 'join', 'carl'), ('carl', 'join', 'anna')}


def stuck(target, pending):
    def is_stuck(answer):
        snapshot = Snapshot.of(answer)
        return snapshot is not None and snapshot.pending() == pending
    answer = READ.until(target.pid, is_stuck, 'dump', '-f', 'json')
    assert is_stuck(answer), f'no deadlock within 10 s: {answer}'
    return Snapshot.of(answer)


class Join(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        cls.snapshot = stuck(cls.target, HELD)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_dump__join__edge_from_actor_to_actor(self):
        self.expect_whole(self.snapshot)
        edge, = (edge for edge in self.snapshot.state('pending') if edge['meta']['op_kind'] == 'join')
        self.assertEqual(self.snapshot.called(edge), (('thread', 'manager'), ('thread', 'worker')))
        self.expect_pending(self.snapshot, edge, 'peeps_thread_join(', {'until_ptime_ms': None})
        self.assertTrue(edge['meta']['blocks'])
        self.assertEqual(self.snapshot.activity('manager'), 'blocked')

    def test_dump__join__one_certain_deadlock_without_the_visitor(self):
        finding, = self.snapshot.document['findings']
        self.assertEqual((finding['kind'], finding['certainty']), ('deadlock', 'certain'))
        self.assertEqual(sorted(self.snapshot.nodes[node]['name'] for node in finding['nodes']),
                         ['manager', 'worker', 'workers'])
        self.assertEqual(len(finding['edges']), 3)

    def test_no_verb__join__says_whose_end_is_waited_for(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +manager +join +thread worker')
        self.assertIn('deadlock (certain): 2 threads wait for each other', answer.out)
        self.assertRegex(answer.out, r'manager has waited [\d.]+ m?s for the end of worker')

    def test_explain__each__says_when_it_ends(self):
        answer = READ('explain', 'manager', self.pid)
        self.assertRegex(answer.out, r'worker: join pending for')
        self.assertIn('it ends when worker ends', answer.out)
        answer = READ('explain', 'worker', self.pid)
        self.assertRegex(answer.out, r'(?s)waited for by\n  manager: join pending')

    def test_check__join__exits_1(self):
        self.assertEqual(READ('check', self.pid).status, 1)


class Ring(unittest.TestCase, Expectations):
    def test_check__ring_of_joins__certain_deadlock_of_all(self):
        with Target(EXAMPLE, '--ring') as target:
            snapshot = stuck(target, RING)
            self.expect_whole(snapshot)
            finding, = snapshot.document['findings']
            self.assertEqual((finding['kind'], finding['certainty']), ('deadlock', 'certain'))
            self.assertIn('which waits for the end of carl, which waits for the end of anna', finding['sentence'])


class UnlockFirst(unittest.TestCase, Expectations):
    def test_check__unlocked_first__exits_0(self):
        with Target(EXAMPLE, '--unlock-first') as target:
            self.expect_healthy(READ, target.pid)

    def test_dump__unlocked_first__whoever_is_joined_is_a_thread(self):
        seen = 0
        with Target(EXAMPLE, '--unlock-first') as target:
            for _ in range(200):
                snapshot = Snapshot(READ.document(target.pid))
                self.expect_whole(snapshot)
                for edge in snapshot.state('pending'):
                    if edge['meta']['op_kind'] != 'join':
                        continue
                    # The worker has a name only once it runs, and is unseen before.
                    kind, name = snapshot.called(edge)[1]
                    self.assertEqual(kind, 'thread')
                    self.assertIn(name, ('worker', 'unseen thread', 'join-deadlock'))
                    seen += 1
        self.assertGreater(seen, 0)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Join, Ring, UnlockFirst))))
