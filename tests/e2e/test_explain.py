#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""explain: one entity of a real program, by whatever of its id somebody remembers.

usage: test_explain.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION CHANNEL_FULL_STALL OPERATIONS
"""
import json
import re
import sys
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
INVERSION, STALL, OPERATIONS = sys.argv[2:5]


class Explain(unittest.TestCase):
    def started(self, *command):
        target = Target(*command)
        self.addCleanup(target.__exit__)
        return target

    def inverted(self):
        pid = self.started(INVERSION).pid
        answer = READ.until(pid, lambda answer: answer.status == 1, 'check')
        self.assertEqual(answer.status, 1, answer)
        return pid

    def test_explain__mutex_of_a_deadlock__says_holder_waiter_and_what_would_end_it(self):
        pid = self.inverted()
        answer = READ('explain', 'left', pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^mutex "left" \(mutex-lock-order-inversion\.c:\d+\)$')
        self.assertRegex(answer.out, rf'(?m)^  id +mutex:mutex-lock-order-inversion-{pid}:left$')
        self.assertRegex(answer.out, r'(?m)^  alpha: lock exclusive for .* at /.*\.c:\d+ in examples, which waits for "right"$')
        self.assertRegex(answer.out, r'(?m)^  beta: lock pending for [\d.]+ m?s at /.*\.c:\d+ in examples$')
        self.assertIn('\n  that ends when alpha unlocks it\n', answer.out)
        self.assertRegex(answer.out, r'(?m)^found\n  alpha has waited .*: a certain deadlock$')

    def test_explain__whole_id_without_a_target__finds_the_process(self):
        pid = self.inverted()
        answer = READ('explain', f'mutex:mutex-lock-order-inversion-{pid}:left')
        self.assertEqual(answer.status, 0, answer)
        self.assertIn(f'mutex-lock-order-inversion-{pid} (pid {pid})', answer.out)

    def test_explain__thread_by_its_number__says_what_it_waits_for_and_holds(self):
        pid = self.inverted()
        beta, = [node for node in READ.document(pid)['nodes'] if node['name'] == 'beta']
        answer = READ('explain', beta['attrs']['tid'], pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^waits for\n  mutex "left" .*: lock pending for .*\n    it ends when alpha unlocks it$')
        self.assertRegex(answer.out, r'(?m)^holds\n  mutex "right" .*: lock exclusive for .*\n    alpha has waited ')

    def test_explain_json__mutex_of_a_deadlock__names_the_same(self):
        pid = self.inverted()
        document = json.loads(READ('explain', '-J', 'left', pid).out)
        self.assertEqual([process['pid'] for process in document['processes']], [pid])
        self.assertEqual(document['entity']['name'], 'left')
        self.assertEqual([hold['actor_name'] for hold in document['holders']], ['alpha'])
        wait, = document['waiters']
        self.assertEqual((wait['actor_name'], wait['ends'], wait['pid']), ('beta', 'when alpha unlocks it', pid))
        operation, = document['operations']
        self.assertEqual((operation['op_kind'], operation['state'], operation['krate']), ('lock', 'pending', 'examples'))
        self.assertGreater(operation['pending_ns'], 0)
        self.assertEqual([finding['kind'] for finding in document['findings']], ['deadlock'])

    def test_explain__channel_by_its_name__tells_both_ends(self):
        target = self.started(STALL)
        answer = READ.until(target.pid, lambda answer: 'waiting to send' in answer.out and
                            re.search('stalled_receiver: .* is sleeping', answer.out), 'explain', 'demo.work_queue')
        self.assertEqual(answer.status, 0, answer)
        self.assertRegex(answer.out, r'(?m)^mpsc "demo\.work_queue" \(16/16, channel-full-stall\.c:\d+\)$')
        self.assertRegex(answer.out, r'(?m)^who can receive\n  stalled_receiver: receiver owner .*, which is sleeping, wakes in ')
        self.assertRegex(answer.out, r'(?m)^waiting to send\n  bounded_sender: send pending for .*, occupancy 16, capacity 16$')

    def test_explain_history__operations__tells_those_that_are_over(self):
        target = self.started(OPERATIONS)
        answer = READ('explain', 'bell', target.pid)
        self.assertNotIn('\nover\n', answer.out)
        self.assertRegex(answer.out, r'(?m)^under way\n(.*\n)*?  poller: recv active for ')
        answer = READ('explain', '--history', 'bell', target.pid)
        self.assertRegex(answer.out, r'(?m)^over\n(.*\n)*?  poller: notify_wait failed .* ago')
        self.assertRegex(answer.out, r'(?m)^over\n(.*\n)*?  poller: notify_wait cancelled .* ago')

    def test_explain__several_or_none__lists_what_could_be_meant(self):
        target = self.started(STALL)
        READ.until(target.pid, lambda answer: 'waiting to send' in answer.out, 'explain', 'demo.work_queue')
        answer = READ('explain', 'tx', target.pid)
        self.assertEqual((answer.status, answer.out), (2, ''), answer)
        self.assertRegex(answer.err, r"\A[^\n]*'tx' could be any of 2\n[^\n]*demo\.work_queue:tx[^\n]*\nhint: [^\n]*\n\Z")
        answer = READ('explain', 'demo.workqueue', target.pid)
        self.assertEqual((answer.status, answer.out), (3, ''), answer)
        self.assertRegex(answer.err, r"\A[^\n]*there is no 'demo\.workqueue'\n[^\n]*nearest: [^\n]*demo\.work_queue:[^\n]*\nhint: ")
        self.assertEqual(READ('explain', 'mutex:nobody-1:m').status, 3)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Explain)))
