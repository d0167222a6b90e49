#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""oneshot-sender-lost-in-map: who waits, at what, and who has the sender that will never send.

usage: test_oneshot_sender_lost_in_map.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import ONESHOT_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]
ANSWER, QUESTIONS = 'demo.answer.42', 'demo.questions'


def is_lost(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and snapshot.pending() == {('caller', 'recv', ANSWER)}
            and snapshot.activity('router') == 'sleeping' and snapshot.activity('main') == 'sleeping'
            and snapshot.owners('oneshot_tx', ANSWER) == ['router'])


class Lost(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_lost, 'dump', '-f', 'json')
        assert is_lost(answer), f'nothing is lost within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)
        cls.key = f'oneshot-sender-lost-in-map-{cls.pid}'

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def hold(self, kind, name):
        edge, = (edge for edge in self.snapshot.edges('holds') if self.snapshot.called(edge)[0] == (kind, name))
        return edge

    def test_dump__lost__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {
            ('thread', 'main'), ('thread', 'router'), ('thread', 'caller'), ('mpsc_tx', QUESTIONS), ('mpsc_rx', QUESTIONS),
            ('oneshot_tx', ANSWER), ('oneshot_rx', ANSWER)})

    def test_dump__lost__ids_of_the_ends(self):
        for kind, end in (('oneshot_tx', 'tx'), ('oneshot_rx', 'rx')):
            self.assertEqual(self.snapshot.named[kind, ANSWER], f'oneshot:{self.key}:{ANSWER}:{end}')

    def test_dump__lost__both_ends_say_empty_and_alive(self):
        tx = self.snapshot.attrs('oneshot_tx', ANSWER)
        self.assertEqual(set(tx), ONESHOT_ATTRIBUTES)
        self.assertEqual(tx, self.snapshot.attrs('oneshot_rx', ANSWER))
        now_ns = self.snapshot.document['processes'][0]['ptime_now_ns']
        self.assertEqual(tx['age_ns'], now_ns - tx['created_at_ns'])
        self.assertEqual({key: value for key, value in tx.items() if key not in ('created_at_ns', 'age_ns')}, {
            'name': ANSWER, 'state': 'empty', 'recv_waiters': 1, 'sender_closed': False, 'receiver_closed': False,
            'close_cause': None, 'creator_task_id': self.snapshot.named['thread', 'caller']})

    def test_dump__lost__recv_is_pending_on_the_receiving_end(self):
        edge, = self.snapshot.operations()
        self.assertEqual(self.snapshot.called(edge), (('thread', 'caller'), ('oneshot_rx', ANSWER)))
        self.expect_pending(self.snapshot, edge, 'peeps_oneshot_recv(answer_rx',
                            {'occupancy': 0, 'capacity': 1, 'until_ptime_ms': None})

    def test_dump__lost__the_sender_is_in_routers_hands(self):
        for kind, owner, role, source in (
                ('oneshot_tx', 'router', 'sender', 'peeps_oneshot_tx_moved(question->answer'),
                ('oneshot_rx', 'caller', 'receiver', 'peeps_oneshot_rx_moved(answer_rx')):
            with self.subTest(end=kind):
                edge = self.hold(kind, ANSWER)
                self.assertEqual(self.snapshot.called(edge), ((kind, ANSWER), ('thread', owner)))
                self.expect_hold(edge, source, role=role, mode='owner', count=1)

    def test_dump__lost__each_link_stands_twice(self):
        expected = sorted([(('mpsc_tx', QUESTIONS), ('mpsc_rx', QUESTIONS)),
                           (('oneshot_tx', ANSWER), ('oneshot_rx', ANSWER))])
        self.assertEqual(sorted(map(self.snapshot.called, self.snapshot.edges('channel_link'))), expected)
        self.assertEqual(sorted(map(self.snapshot.called, self.snapshot.structural())), expected)

    def test_dump__lost__nobody_else_is_to_blame(self):
        self.assertEqual(self.snapshot.document['findings'], [])
        self.assertEqual(self.snapshot.attrs('mpsc_rx', QUESTIONS)['queue_len'], 0)

    def test_no_verb__lost__says_empty_and_who_has_the_sender(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +caller +recv +oneshot demo\.answer\.42 \(empty\) +router')
        self.assertIn('no deadlock', answer.out)

    def test_explain__lost__whose_the_sender_is_and_how_it_could_end(self):
        answer = READ('explain', ANSWER, self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^oneshot "demo\.answer\.42" \(empty, oneshot-sender-lost-in-map\.c:\d+\)$')
        self.assertRegex(answer.out, r'who can send\n +router: sender owner for ')
        self.assertIn('that ends when the sender sends, or is freed', answer.out)

    def test_check__lost_beyond_max_wait__exits_1_and_names_the_owner(self):
        answer = READ.until(self.pid, lambda answer: answer.status == 1, 'check', '--max-wait', '100ms')
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'long wait .*caller has waited [\d.]+ m?s to receive from oneshot '
                                     r'"demo\.answer\.42" .*whose sender is owned by router')


class InPlace(unittest.TestCase, Expectations):
    def test_check__each_in_its_place__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--in-place') as target:
            answer = READ.until(target.pid, lambda answer: Snapshot.of(answer).attrs('mpsc_tx', QUESTIONS)['sent_total'] > 9,
                                'dump', '-f', 'json')
            before = Snapshot.of(answer).attrs('mpsc_tx', QUESTIONS)['sent_total']
            self.expect_healthy(READ, target.pid)
            snapshot = Snapshot(READ.document(target.pid))
            self.expect_whole(snapshot)
            self.assertGreater(snapshot.attrs('mpsc_tx', QUESTIONS)['sent_total'], before)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Lost, InPlace))))
