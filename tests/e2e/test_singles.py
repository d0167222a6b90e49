#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Oneshots, a watch and a broadcast, as peeps-read shows them: states, ages, who waits, who could wake them.

usage: test_singles.py PEEPS_READ SINGLES
"""
import sys
import unittest

import tap
from snapshot import ONESHOT_ATTRIBUTES, WATCH_ATTRIBUTES, Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
PROGRAM = sys.argv[2]
VIEWING = {*((f'viewer-{i}', 'recv', 'config') for i in range(2)), ('receiver', 'recv', 'events'),
           ('sender', 'send', 'events')}
# state: sender_closed, receiver_closed, close_cause, whether it ages
STATES = {
    'empty': (False, False, None, True),
    'sent': (True, False, None, True),
    'received': (True, False, None, False),
    'sender_dropped': (True, False, 'senders_gone', False),
    'receiver_dropped': (False, True, 'receiver_gone', False),
}


def pending(wanted):
    return lambda answer: Snapshot.of(answer) is not None and Snapshot.of(answer).pending() == wanted


class Standing(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(PROGRAM)
        answer = READ.until(cls.target.pid, pending(VIEWING), 'dump', '-f', 'json')
        assert pending(VIEWING)(answer), f'nobody waits within 10 s: {answer}'
        cls.snapshot = Snapshot.of(answer)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def test_dump__oneshots__each_state_on_both_ends(self):
        self.expect_whole(self.snapshot)
        now_ns = self.snapshot.document['processes'][0]['ptime_now_ns']
        for state, (sender_closed, receiver_closed, cause, ages) in STATES.items():
            with self.subTest(state=state):
                tx = self.snapshot.attrs('oneshot_tx', state)
                self.assertEqual(set(tx), ONESHOT_ATTRIBUTES)
                self.assertEqual(tx, self.snapshot.attrs('oneshot_rx', state))
                self.assertEqual((tx['state'], tx['sender_closed'], tx['receiver_closed'], tx['close_cause']),
                                 (state, sender_closed, receiver_closed, cause))
                if ages:
                    self.assertEqual(tx['age_ns'], now_ns - tx['created_at_ns'])
                else:
                    self.assertLess(tx['age_ns'], now_ns - tx['created_at_ns'])

    def test_dump__oneshots__whoever_is_spent_is_nobodys(self):
        for state, (sender_closed, receiver_closed, _, _) in STATES.items():
            with self.subTest(state=state):
                self.assertEqual(self.snapshot.owners('oneshot_tx', state), [] if sender_closed else ['main'])
                self.assertEqual(self.snapshot.owners('oneshot_rx', state), [] if receiver_closed else ['main'])

    def test_dump__again__what_is_over_is_as_old_as_it_was(self):
        again = Snapshot(READ.document(self.target.pid))
        for state, (_, _, _, ages) in STATES.items():
            before, now = (each.attrs('oneshot_tx', state)['age_ns'] for each in (self.snapshot, again))
            (self.assertGreater if ages else self.assertEqual)(now, before)

    def test_dump__watch__both_ends_say_how_often_it_changed(self):
        tx = self.snapshot.attrs('watch_tx', 'config')
        self.assertEqual(set(tx), WATCH_ATTRIBUTES)
        self.assertEqual(tx, self.snapshot.attrs('watch_rx', 'config'))
        self.assertEqual({key: value for key, value in tx.items() if not key.endswith('_ns')}, {
            'name': 'config', 'changes': 3, 'receiver_count': 2, 'recv_waiters': 2, 'sender_closed': False,
            'receiver_closed': False, 'close_cause': None, 'creator_task_id': self.snapshot.named['thread', 'main']})

    def test_dump__watch__one_receiving_end_of_two_owners(self):
        self.assertEqual(sorted(self.snapshot.owners('watch_rx', 'config')), ['viewer-0', 'viewer-1'])
        self.assertEqual(self.snapshot.owners('watch_tx', 'config'), ['main'])
        waits = [edge for edge in self.snapshot.state('pending') if self.snapshot.called(edge)[1][1] == 'config']
        self.assertEqual(len(waits), 2)
        for edge in waits:
            self.assertEqual(self.snapshot.called(edge)[1], ('watch_rx', 'config'))
            self.assertEqual(edge['meta']['details'], {'occupancy': None, 'capacity': None, 'until_ptime_ms': None})
            self.expect_line(edge['meta']['source'], 'peeps_watch_changed(watch_rx[me]')

    def test_dump__all__each_link_stands_twice(self):
        expected = sorted([((f'{kind}_tx', name), (f'{kind}_rx', name)) for kind, name in
                           [('watch', 'config'), *(('oneshot', state) for state in STATES),
                            ('broadcast', 'events'), ('broadcast', 'events')]])
        self.assertEqual(sorted(map(self.snapshot.called, self.snapshot.edges('channel_link'))), expected)
        self.assertEqual(sorted(map(self.snapshot.called, self.snapshot.structural())), expected)

    def receiving_ends(self):
        """By how far behind they are."""
        return {node['attrs']['lag']: node for node in self.snapshot.nodes.values() if node['kind'] == 'broadcast_rx'}

    def test_dump__broadcast__each_receiver_has_its_lag(self):
        tx = self.snapshot.attrs('broadcast_tx', 'events')
        shared = {'name': 'events', 'capacity': 4, 'back_pressure': True, 'sender_count': 1, 'receiver_count': 2,
                  'sent_total': 4, 'sender_closed': False, 'receiver_closed': False, 'close_cause': None,
                  'creator_task_id': self.snapshot.named['thread', 'main']}
        self.assertEqual({**tx, 'created_at_ns': 0}, {**shared, 'created_at_ns': 0, 'send_waiters': 1})
        ends = self.receiving_ends()
        self.assertEqual(set(ends), {0, 4})
        for lag, (received, waiters) in {4: (0, 0), 0: (4, 1)}.items():
            self.assertEqual({**ends[lag]['attrs'], 'created_at_ns': 0},
                             {**shared, 'created_at_ns': 0, 'lag': lag, 'recv_total': received, 'missed_total': 0,
                              'recv_waiters': waiters})

    def test_dump__broadcast__ends_are_linked_and_owned(self):
        tx = self.snapshot.named['broadcast_tx', 'events']
        ends = self.receiving_ends()
        owner = {edge['src']: self.snapshot.nodes[edge['dst']]['name'] for edge in self.snapshot.edges('holds')}
        self.assertEqual((owner[tx], owner[ends[4]['id']], owner[ends[0]['id']]), ('sender', 'main', 'receiver'))
        self.assertEqual({edge['dst'] for edge in self.snapshot.edges('channel_link') if edge['src'] == tx},
                         {ends[0]['id'], ends[4]['id']})
        waits = {self.snapshot.called(edge)[0][1]: edge for edge in self.snapshot.state('pending')}
        self.assertEqual(waits['receiver']['dst'], ends[0]['id'])
        self.assertEqual(waits['sender']['dst'], tx)
        self.assertEqual(waits['sender']['meta']['details'], {'occupancy': 4, 'capacity': 4, 'until_ptime_ms': None})

    def test_explain__broadcast__how_the_waits_could_end(self):
        sending = READ('explain', self.snapshot.named['broadcast_tx', 'events'], self.target.pid)
        self.assertIn('that ends when every receiver that is behind has taken an item, or is gone', sending.out)
        receiving = READ('explain', self.receiving_ends()[0]['id'], self.target.pid)
        self.assertIn('that ends when somebody sends, or the last sender is gone', receiving.out)
        self.assertRegex(receiving.out, r'who can send\n +sender: sender owner')

    def test_blocked__watch__says_what_is_waited_for_and_who_could(self):
        answer = READ('blocked', '--all', self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'viewer-0 +recv +watch config \(changed 3 times, singles\.c:\d+\) +main')

    def test_explain__watch__how_it_could_end(self):
        answer = READ('explain', 'config', self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('the longest ends when the value changes, or the sender is gone', answer.out)
        self.assertRegex(answer.out, r'who can send\n +main: sender owner')

    def test_check__nobody_is_stuck__exits_0(self):
        answer = READ('check', self.target.pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertIn('no deadlock', answer.out)


class Crossed(unittest.TestCase):
    def test_check__each_has_the_others_sender__is_a_certain_deadlock(self):
        with Target(PROGRAM, '--crossed') as target:
            answer = READ.until(target.pid, lambda answer: answer.status == 1, 'check')
            self.assertEqual(answer.status, 1, answer)
            self.assertRegex(answer.out, r'deadlock \(certain\).*2 threads')
            self.assertRegex(answer.out, r'first has waited .* to receive from oneshot "first\'s" \(empty, .*whose sender is '
                                         r'owned by second')


if __name__ == '__main__':
    loader = unittest.TestLoader()
    sys.exit(tap.run_suite(unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in (Standing, Crossed))))
