#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dump -f dot: Graphviz reads it, and what it reads is the program.

usage: test_dot.py PEEPS_READ MUTEX_LOCK_ORDER_INVERSION CHANNEL_FULL_STALL WAITERS
"""
import json
import shutil
import subprocess
import sys
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
INVERSION, STALL, WAITERS = sys.argv[2:5]


@unittest.skipUnless(shutil.which('dot'), 'Graphviz is not installed')
class Dot(unittest.TestCase):
    def picture(self, command, is_ready):
        target = Target(*command)
        self.addCleanup(target.__exit__)
        answer = READ.until(target.pid, is_ready, 'dump', '-f', 'dot')
        self.assertEqual(answer.status, 0, answer)
        result = subprocess.run(['dot', '-Tdot_json'], input=answer.out.encode(), capture_output=True, timeout=60, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, b''), answer)
        read = json.loads(result.stdout)
        names = {thing['_gvid']: thing.get('label', '').split('\\n') for thing in read['objects']}
        edges = [(names[edge['tail']], edge, names[edge['head']]) for edge in read['edges']]
        return read, names, edges

    def test_dot__deadlock__four_red_edges(self):
        _, names, edges = self.picture([INVERSION], lambda answer: answer.out.count('#c00000') == 8)
        self.assertIn(['heartbeat', 'running'], names.values())
        called = lambda name: name[1] if name[0] == 'mutex' else name[0]
        cycle = {(called(tail), edge['label'].split('\\n')[1].split()[0], called(head))
                 for tail, edge, head in edges if edge['color'] == '#c00000'}
        self.assertEqual(cycle, {('alpha', 'pending', 'right'), ('right', 'held', 'beta'),
                                 ('beta', 'pending', 'left'), ('left', 'held', 'alpha')})

    def test_dot__channels__are_one_node_each_and_pending_stands_out(self):
        _, names, edges = self.picture([STALL], lambda answer: answer.out.count('pending') == 2)
        channels = [name[1] for name in names.values() if name[0] == 'mpsc']
        self.assertEqual(sorted(channels), ['demo.idle_queue', 'demo.work_queue'])
        pending = {(tail[0], edge['label'].split('\\n')[0], head[1]) for tail, edge, head in edges if edge['style'] == 'bold'}
        self.assertEqual(pending, {('bounded_sender', 'send', 'demo.work_queue'),
                                   ('blocked_receiver', 'recv', 'demo.idle_queue')})

    def test_dot__hostile_name__stays_within_its_quotes(self):
        name = 'a"]; evil [label="\\\n&lt;\\N'
        _, names, _ = self.picture([WAITERS, '1', name], lambda answer: answer.out.count('pending') == 1)
        self.assertEqual(sorted(label[0] for label in names.values() if len(label) > 1), ['main', 'mutex', 'patient'])


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Dot)))
