#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""channel-full-stall: who waits for room, who should make it and sleeps, and who waits for nothing bad.

usage: test_channel_full_stall.py PEEPS_READ EXAMPLE
"""
import sys
import unittest

import tap
from snapshot import Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
EXAMPLE = sys.argv[2]
WORK, IDLE = 'demo.work_queue', 'demo.idle_queue'
STALLED = {('bounded_sender', 'send', WORK), ('blocked_receiver', 'recv', IDLE)}


def is_stalled(answer):
    snapshot = Snapshot.of(answer)
    return (snapshot is not None and snapshot.pending() == STALLED
            and snapshot.activity('stalled_receiver') == 'sleeping' and snapshot.activity('main') == 'sleeping')


class Stall(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, is_stalled, 'dump', '-f', 'json')
        assert is_stalled(answer), f'no stall within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)
        cls.key = f'channel-full-stall-{cls.pid}'

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def operation(self, op_kind):
        edge, = (edge for edge in self.snapshot.operations() if edge['meta']['op_kind'] == op_kind)
        return edge

    def hold(self, kind, name):
        edge, = (edge for edge in self.snapshot.edges('holds') if self.snapshot.called(edge)[0] == (kind, name))
        return edge

    def test_dump__stall__exact_set_of_nodes(self):
        self.expect_whole(self.snapshot)
        self.assertEqual(set(self.snapshot.named), {
            ('thread', 'main'), ('thread', 'bounded_sender'), ('thread', 'stalled_receiver'),
            ('thread', 'blocked_receiver'), ('mpsc_tx', WORK), ('mpsc_rx', WORK), ('mpsc_tx', IDLE), ('mpsc_rx', IDLE)})

    def test_dump__stall__ids_of_the_ends(self):
        for kind, end in (('mpsc_tx', 'tx'), ('mpsc_rx', 'rx')):
            for name in (WORK, IDLE):
                self.assertEqual(self.snapshot.named[kind, name], f'mpsc:{self.key}:{name}:{end}')

    def test_dump__stall__full_queue_on_both_ends(self):
        attrs = self.expect_ends_agree(self.snapshot, WORK)
        self.assertGreater(attrs['created_at_ns'], 0)
        self.assertEqual({key: value for key, value in attrs.items() if key != 'created_at_ns'}, {
            'name': WORK, 'bounded': True, 'capacity': 16, 'queue_len': 16, 'high_watermark': 16, 'utilization': 1,
            'sender_count': 1, 'send_waiters': 1, 'recv_waiters': 0, 'sender_closed': False, 'receiver_closed': False,
            'sent_total': 16, 'recv_total': 0, 'creator_task_id': self.snapshot.named['thread', 'main'],
            'discarded_total': 0, 'close_cause': None})

    def test_dump__stall__idle_queue_on_both_ends(self):
        attrs = self.expect_ends_agree(self.snapshot, IDLE)
        self.assertEqual({key: value for key, value in attrs.items() if key != 'created_at_ns'}, {
            'name': IDLE, 'bounded': True, 'capacity': 4, 'queue_len': 0, 'high_watermark': 0, 'utilization': 0,
            'sender_count': 1, 'send_waiters': 0, 'recv_waiters': 1, 'sender_closed': False, 'receiver_closed': False,
            'sent_total': 0, 'recv_total': 0, 'creator_task_id': self.snapshot.named['thread', 'main'],
            'discarded_total': 0, 'close_cause': None})

    def test_dump__stall__send_is_pending_on_the_sending_end(self):
        edge = self.operation('send')
        self.assertEqual(self.snapshot.called(edge), (('thread', 'bounded_sender'), ('mpsc_tx', WORK)))
        self.expect_pending(self.snapshot, edge, 'peeps_mpsc_send(work_tx',
                            {'occupancy': 16, 'capacity': 16, 'until_ptime_ms': None})

    def test_dump__stall__recv_is_pending_on_the_receiving_end(self):
        edge = self.operation('recv')
        self.assertEqual(self.snapshot.called(edge), (('thread', 'blocked_receiver'), ('mpsc_rx', IDLE)))
        self.expect_pending(self.snapshot, edge, 'peeps_mpsc_recv(idle_rx',
                            {'occupancy': 0, 'capacity': 4, 'until_ptime_ms': None})

    def test_dump__stall__who_owns_each_end(self):
        self.assertEqual(len(self.snapshot.edges('holds')), 4)
        for kind, name, owner, role, mode, source in (
                ('mpsc_tx', WORK, 'bounded_sender', 'sender', 'owner', 'peeps_mpsc_tx_moved(work_tx'),
                ('mpsc_rx', WORK, 'stalled_receiver', 'receiver', 'owner', 'peeps_mpsc_rx_moved(work_rx'),
                ('mpsc_tx', IDLE, 'main', 'sender', 'creator', 'peeps_mpsc_new(&idle_tx'),
                ('mpsc_rx', IDLE, 'blocked_receiver', 'receiver', 'owner', 'peeps_mpsc_rx_moved(idle_rx')):
            with self.subTest(end=kind, name=name):
                edge = self.hold(kind, name)
                self.assertEqual(self.snapshot.called(edge), ((kind, name), ('thread', owner)))
                self.expect_hold(edge, source, role=role, mode=mode, count=1)

    def test_dump__stall__each_link_stands_twice(self):
        self.expect_links_once(self.snapshot, (WORK, IDLE))

    def test_dump__stall__the_owner_of_the_receiver_sleeps(self):
        attrs = self.snapshot.attrs('thread', 'stalled_receiver')
        now_ms = self.snapshot.document['processes'][0]['ptime_now_ns'] // 1000000
        self.assertEqual(attrs['activity'], 'sleeping')
        self.assertGreater(attrs['sleep_until_ptime_ms'], now_ms)
        for name in ('bounded_sender', 'blocked_receiver'):
            self.assertEqual(self.snapshot.activity(name), 'blocked')
            self.assertIsNone(self.snapshot.attrs('thread', name)['sleep_until_ptime_ms'])

    def test_dump__stall__is_no_deadlock(self):
        self.assertEqual(self.snapshot.document['findings'], [])

    def test_no_verb__stall__says_how_full_and_who_sleeps(self):
        answer = READ(self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +bounded_sender +send .*demo\.work_queue.*'
                                     r'stalled_receiver')
        self.assertRegex(answer.out, r'(?m)^ *[\d.]+ m?s +blocked_receiver +recv .*demo\.idle_queue.*main')
        self.assertIn('no deadlock', answer.out)

    def test_blocked_tree__stall__root_is_the_sleeping_owner(self):
        answer = READ('blocked', '--tree', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^stalled_receiver \(sleeping[^\n]*\n +bounded_sender has waited [^\n]*16/16')

    def test_check__stall__exits_0(self):
        answer = READ('check', self.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('no deadlock', answer.out)

    def test_check__stall_beyond_max_wait__exits_1_and_names_both(self):
        answer = READ.until(self.pid, lambda answer: answer.status == 1 and answer.out.count('long wait') == 2,
                            'check', '--max-wait', '100ms')
        self.assertEqual(answer.status, 1, answer)
        self.assertRegex(answer.out, r'long wait .*bounded_sender has waited [\d.]+ m?s to send to .*"demo\.work_queue"')
        self.assertRegex(answer.out, r'long wait .*blocked_receiver has waited [\d.]+ m?s to receive from '
                                     r'.*"demo\.idle_queue"')
        self.assertIn('stalled_receiver', answer.out)


class Receiving(unittest.TestCase, Expectations):
    def test_check__somebody_receives__exits_0_again_and_again(self):
        with Target(EXAMPLE, '--receiving') as target:
            answer = READ.until(target.pid, lambda answer: Snapshot.of(answer).attrs('mpsc_tx', WORK)['sent_total'] > 9,
                                'dump', '-f', 'json')
            before = self.expect_ends_agree(Snapshot.of(answer), WORK)
            self.expect_healthy(READ, target.pid)
            snapshot = Snapshot(READ.document(target.pid))
            self.expect_whole(snapshot)
            after = self.expect_ends_agree(snapshot, WORK)
            self.assertGreater(after['recv_total'], before['recv_total'])
            self.assertLessEqual(after['queue_len'], 16)


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Stall, Receiving))))
