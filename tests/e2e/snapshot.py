# SPDX-License-Identifier: MIT
"""A snapshot document as the tests of the scenarios look at it."""
import json
import os

OPERATION_KEYS = {'op_kind', 'state', 'pending_since_ptime_ms', 'last_change_ptime_ms', 'source', 'krate', 'poll_count',
                  'details'}
HOLD_KEYS = {'role', 'mode', 'count', 'held_since_ptime_ms', 'source'}
CHANNEL_ATTRIBUTES = {'name', 'bounded', 'capacity', 'queue_len', 'high_watermark', 'utilization', 'sender_count',
                      'send_waiters', 'recv_waiters', 'sender_closed', 'receiver_closed', 'sent_total', 'recv_total',
                      'created_at_ns', 'creator_task_id', 'discarded_total', 'close_cause'}
ONESHOT_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'state', 'age_ns', 'recv_waiters', 'sender_closed',
                      'receiver_closed', 'close_cause'}
WATCH_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'changes', 'receiver_count', 'age_ns', 'woken_at_ns',
                    'recv_waiters', 'sender_closed', 'receiver_closed', 'close_cause'}
SEMAPHORE_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'max', 'available', 'waiters', 'anonymous_releases',
                        'unattributed_out', 'unattributed_back', 'contended', 'wait_max_ns', 'wait_total_ns'}
NOTIFY_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'flavor', 'permits_stored', 'notifies', 'broadcasts', 'last_notifier',
                     'last_notified_ptime_ms', 'waits', 'waiters', 'wait_max_ns', 'wait_total_ns'}
RWLOCK_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'prefers', 'writer', 'written_since_ptime_ms', 'readers',
                     'read_waiters', 'write_waiters', 'anonymous_unlocks', 'acquires', 'contended', 'wait_max_ns',
                     'wait_total_ns'}
ONCE_CELL_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'state', 'initializer', 'initializing_since_ptime_ms',
                        'attempts', 'failures', 'waiters'}
TASK_ATTRIBUTES = {'name', 'created_at_ns', 'creator_task_id', 'thread_id', 'activity', 'sleep_until_ptime_ms'}


class Snapshot:
    def __init__(self, document):
        self.document = document
        self.nodes = {node['id']: node for node in document['nodes']}
        self.named = {(node['kind'], node['name']): node['id'] for node in document['nodes']}

    @classmethod
    def of(cls, answer):
        """None if the answer is no document."""
        return cls(json.loads(answer.out)) if answer.status in (0, 7) else None

    def attrs(self, kind, name):
        return self.nodes[self.named[kind, name]]['attrs']

    def edges(self, kind):
        return [edge for edge in self.document['edges'] if edge['kind'] == kind]

    def called(self, edge):
        """(who, what): the two ends by kind and name."""
        return tuple((self.nodes[edge[end]]['kind'], self.nodes[edge[end]]['name']) for end in ('src', 'dst'))

    def operations(self):
        """What has an op_kind; a link's structural `needs` has none."""
        return [edge for edge in self.edges('needs') if edge['meta'].get('op_kind')]

    def state(self, name):
        return [edge for edge in self.operations() if edge['meta']['state'] == name]

    def structural(self):
        return [edge for edge in self.edges('needs') if not edge['meta'].get('op_kind')]

    def pending(self):
        """{(actor, op_kind, resource)}, by name."""
        return {(self.called(edge)[0][1], edge['meta']['op_kind'], self.called(edge)[1][1])
                for edge in self.state('pending')}

    def owners(self, kind, name):
        """Whose an end is, by name."""
        return [self.called(edge)[1][1] for edge in self.edges('holds') if self.called(edge)[0] == (kind, name)]

    def activity(self, name, kind='thread'):
        return self.attrs(kind, name).get('activity') if (kind, name) in self.named else None


class Expectations:
    """What every document must keep to; beside unittest.TestCase."""

    def expect_line(self, source, text):
        path, line = source.rsplit(':', 1)
        self.assertTrue(os.path.isabs(path), source)
        with open(path, encoding='utf-8') as file:
            self.assertIn(text, file.read().splitlines()[int(line) - 1], source)

    def expect_pending(self, snapshot, edge, source, details):
        """The contract of operation edges (seeds/004), of one that is blocked."""
        meta = edge['meta']
        now_ms = snapshot.document['processes'][0]['ptime_now_ns'] // 1000000
        self.assertLessEqual(OPERATION_KEYS, set(meta))
        self.assertEqual(meta['state'], 'pending')
        self.assertIsInstance(meta['pending_since_ptime_ms'], int)
        self.assertLessEqual(meta['pending_since_ptime_ms'], meta['last_change_ptime_ms'])
        self.assertLessEqual(meta['last_change_ptime_ms'], now_ms)
        self.assertEqual(meta['krate'], 'examples')
        self.assertGreaterEqual(meta['poll_count'], 1)
        self.assertEqual(meta['details'], details)
        self.assertNotIn('age_ms', meta)
        self.expect_line(meta['source'], source)

    def expect_hold(self, edge, source, **expected):
        meta = edge['meta']
        self.assertLessEqual(HOLD_KEYS, set(meta))
        self.assertEqual({key: meta[key] for key in expected}, expected)
        self.expect_line(meta['source'], source)

    def expect_whole(self, snapshot):
        """Ids are unique, every reference is a node, nothing was lost."""
        document = snapshot.document
        self.assertEqual(document['quality'], 'cut')
        self.assertEqual(len(snapshot.nodes), len(document['nodes']))
        for process in document['processes']:
            self.assertEqual(set(process['counters'].values()), {0}, process['counters'])
        for node in document['nodes']:
            for name in ('holder', 'creator_task_id', 'current_task_id', 'thread_id'):
                self.assertIn(node['attrs'].get(name), {None, *snapshot.nodes}, node)
        for edge in document['edges']:
            self.assertIn(edge['src'], snapshot.nodes)
            self.assertIn(edge['dst'], snapshot.nodes)
        for finding in document['findings']:
            for node in finding['nodes'] + finding['victims']:
                self.assertIn(node, snapshot.nodes)

    def expect_links_once(self, snapshot, channels):
        """Each channel stands once as a channel_link and once as a structural `needs` (seeds/002)."""
        expected = sorted((('mpsc_tx', name), ('mpsc_rx', name)) for name in channels)
        self.assertEqual(sorted(map(snapshot.called, snapshot.edges('channel_link'))), expected)
        self.assertEqual(sorted(map(snapshot.called, snapshot.structural())), expected)

    def expect_ends_agree(self, snapshot, name):
        """Both ends show the same; returns it."""
        tx = snapshot.attrs('mpsc_tx', name)
        self.assertEqual(set(tx), CHANNEL_ATTRIBUTES)
        self.assertEqual(tx, snapshot.attrs('mpsc_rx', name))
        self.assertEqual(tx['queue_len'], tx['sent_total'] - tx['recv_total'] - tx['discarded_total'])
        return tx

    def expect_healthy(self, read, pid, count=20):
        """Nothing is found, however often one looks."""
        for _ in range(count):
            answer = read('check', pid)
            self.assertEqual(answer.status, 0, answer)
            self.assertIn('no deadlock', answer.out)
        answer = read('check', '--max-wait', '20s', pid)
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(read(pid).status, 0)
