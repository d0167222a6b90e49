#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""channel-cycle: a certain deadlock without a lock.

usage: test_channel_cycle.py PEEPS_READ EXAMPLE
"""
import json
import sys
import unittest

import tap
from snapshot import Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]
CYCLE = {('ping', 'send', 'to_pong'), ('pong', 'send', 'to_ping')}


def is_deadlocked(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and snapshot.pending() >= CYCLE and ('thread', 'heartbeat') in snapshot.named and
            snapshot.attrs('mpsc_rx', 'pulse')['recv_total'] > 0)


class Cycle(unittest.TestCase, Expectations):
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

    def test_dump__cycle__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {
            *(('thread', name) for name in ('main', 'ping', 'pong', 'heartbeat')),
            *((end, name) for end in ('mpsc_tx', 'mpsc_rx') for name in ('to_ping', 'to_pong', 'pulse'))})
        self.expect_links_once(self.snapshot, ('to_ping', 'to_pong', 'pulse'))

    def test_dump__cycle__both_sends_are_pending_on_full_channels(self):
        for actor, channel in (('ping', 'to_pong'), ('pong', 'to_ping')):
            edge, = (edge for edge in self.snapshot.operations()
                     if self.snapshot.called(edge) == (('thread', actor), ('mpsc_tx', channel)))
            self.assertEqual(edge['meta']['op_kind'], 'send')
            self.expect_pending(self.snapshot, edge, 'peeps_mpsc_send(ask->tx',
                                {'occupancy': 4, 'capacity': 4, 'until_ptime_ms': None})
            attrs = self.expect_ends_agree(self.snapshot, channel)
            self.assertEqual((attrs['queue_len'], attrs['utilization'], attrs['send_waiters'], attrs['sent_total'],
                              attrs['recv_total']), (4, 1, 1, 4, 0))

    def test_dump__cycle__each_owns_the_end_that_the_other_waits_for(self):
        owners = {self.snapshot.called(edge) for edge in self.snapshot.edges('holds')}
        for end, channel, owner in (('mpsc_rx', 'to_pong', 'pong'), ('mpsc_tx', 'to_pong', 'ping'),
                                    ('mpsc_rx', 'to_ping', 'ping'), ('mpsc_tx', 'to_ping', 'pong'),
                                    ('mpsc_tx', 'pulse', 'heartbeat'), ('mpsc_rx', 'pulse', 'heartbeat')):
            self.assertIn(((end, channel), ('thread', owner)), owners)
        self.assertEqual(len(self.snapshot.edges('holds')), 6)

    def test_dump__cycle__one_certain_finding_without_the_heartbeat(self):
        finding, = self.snapshot.document['findings']
        self.assertEqual((finding['kind'], finding['certainty']), ('deadlock', 'certain'))
        names = {self.snapshot.nodes[node]['name'] for node in finding['nodes']}
        self.assertEqual(names, {'ping', 'pong', 'to_ping', 'to_pong'})
        self.assertEqual(finding['victims'], [])
        self.assertEqual(len(finding['steps']), 2)

    def expect_sentences(self, text):
        """A step of the cycle each: who waits for room in what, and who would have to make it."""
        for sender, channel, receiver in (('ping', 'to_pong', 'pong'), ('pong', 'to_ping', 'ping')):
            self.assertRegex(text, rf'{sender} has waited [\d.]+ (?:ms|s|m) to send to \S+ "{channel}"[^\n]*{receiver}')
        self.assertNotIn('heartbeat', text)
        self.assertNotIn('pulse', text)

    def test_check__cycle__exits_1_with_a_sentence_per_step(self):
        answer = READ('check', self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain)', answer.out)
        self.expect_sentences(answer.out)
        self.assertEqual(answer.err, '')

    def test_check__cycle_as_json__exits_1_with_the_same(self):
        answer = READ('check', '-J', self.pid)
        self.assertEqual(answer.status, 1, answer)
        document = json.loads(answer.out)
        self.assertEqual(document['verdict'], 'deadlock')
        self.expect_sentences('\n'.join(document['findings'][0]['steps']))

    def test_check__cycle_with_max_wait__exits_1(self):
        answer = READ('check', '--max-wait', '100ms', self.pid)
        self.assertEqual(answer.status, 1, answer)
        self.assertIn('deadlock (certain)', answer.out)

    def test_no_verb__cycle__exits_1_with_who_is_blocked_and_the_verdict(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 1, answer)
        for sender, channel, receiver in (('ping', 'to_pong', 'pong'), ('pong', 'to_ping', 'ping')):
            self.assertRegex(answer.out, rf'(?m)^ *[\d.]+ m?s +{sender} +send .*{channel}.*{receiver}')
        self.assertIn('deadlock (certain)', answer.out)

    def test_blocked_tree__cycle__closes_the_circle(self):
        answer = READ('blocked', '--tree', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('the circle closes', answer.out)

    def test_dump__heartbeat__goes_on(self):
        before = self.snapshot.attrs('mpsc_rx', 'pulse')['recv_total']
        answer = READ.until(self.pid, lambda answer: Snapshot.of(answer).attrs('mpsc_rx', 'pulse')['recv_total'] > before,
                            'dump', '-f', 'json')
        self.assertGreater(Snapshot.of(answer).attrs('mpsc_rx', 'pulse')['recv_total'], before)


class InTurns(unittest.TestCase, Expectations):
    def test_check__both_receive_in_between__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--in-turns') as target:
            self.expect_healthy(READ, target.pid)
            snapshot = Snapshot(READ.document(target.pid))
            self.expect_whole(snapshot)
            for channel in ('to_ping', 'to_pong'):
                self.assertGreater(self.expect_ends_agree(snapshot, channel)['recv_total'], 0)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Cycle, InTurns))))
