#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The named questions: each on something that it must answer, and on something of which it has nothing to say.

usage: test_questions.py PEEPS_READ DOC EXAMPLE...
"""
import json
import os
import re
import sys
import tempfile
import unittest

import tap
from made import Made
from snapshot import Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
DOC = sys.argv[2]
EXAMPLES = {os.path.basename(path): path for path in sys.argv[3:]}
NAMES = {line.split()[0] for line in READ('query').out.split('\n\n')[0].splitlines()}


def ask(question, target, *options):
    """Rows, each a map."""
    # The largest take a second, and 20 where a sanitizer or others slow them down: that they end is what is tested.
    answer = READ('query', question, '-J', '--max-rows', 100000, '--timeout', '3m', *options, target, timeout=200)
    assert answer.status in (0, 7), answer  # 7: what it could get is partial
    document = json.loads(answer.out)
    assert document['question'] == question and not document['more'], answer
    return document['rows']


def columns(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


class Questions(unittest.TestCase):
    """What all of them need."""
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def ask(self, question, made, *options):
        return ask(question, made.save(self.path('made.json')), *options)

    def series(self, *snapshots):
        """A database of them."""
        for made in snapshots:
            answer = READ('load', self.path('series'), made.save(self.path('made.json')))
            self.assertEqual(answer.status, 0, answer)
        return self.path('series')

    # What those do for whom the others wait, once it has come to that.
    SETTLED = {'channel-full-stall': {('thread', 'main'): 'sleeping', ('thread', 'stalled_receiver'): 'sleeping'},
               'semaphore-starvation': {('thread', 'permit_holder'): 'sleeping'},
               'task-hand-over': {('task', 'job_1'): 'suspended'}}

    def example(self, name, *waiters):
        """A dump of an example, taken once all wait that are named, and no others, and whom they wait for has settled."""
        def is_complete(answer):
            snapshot = Snapshot.of(answer)
            return (snapshot and {wait[0] for wait in snapshot.pending()} == set(waiters)
                    and all(snapshot.activity(who, kind) == activity
                            for (kind, who), activity in self.SETTLED.get(name, {}).items()))

        with Target(EXAMPLES[name]) as target:
            answer = READ.until(target.pid, is_complete, 'dump', '-f', 'json')
        self.assertTrue(is_complete(answer), answer)
        with open(self.path(f'{name}.json'), 'w', encoding='utf-8') as file:
            file.write(answer.out)
        return self.path(f'{name}.json')

    def stall(self):
        return self.example('channel-full-stall', 'bounded_sender', 'blocked_receiver')

    def starvation(self):
        return self.example('semaphore-starvation', 'permit_waiter')


def healthy():
    """Everybody works, and nobody waits."""
    made = Made()
    worker = made.thread('worker')
    made.hold(made.mutex('door'), worker)
    tx, rx = made.channel('jobs', capacity=4, queue_len=0, sender_count=1, sender_closed=False, receiver_closed=False)
    made.hold(tx, worker, 'sender')
    made.hold(rx, worker, 'receiver')
    made.hold(made.semaphore('gate', 2, 1), worker, 'permit')
    return made


def rpc():
    """One request is answered, one in flight whose server waits, one without a response; and a response of nobody."""
    made = Made('client')
    caller = made.task('caller')

    def call(number, kind, **attrs):
        return made.node(kind, f'conn_3:{number}', attrs={
            'request_id': str(number), 'correlation_key': f'conn_3:{number}', 'connection': 'conn_3', 'peer': 'server', **attrs})

    requests = [call(number, 'request', method=f'get_{number}', task_id=caller, direction='outgoing', elapsed_ns=number * 10**9)
                for number in (1, 2, 3)]
    made.process('server')
    server, hog = made.task('handler'), made.thread('hog', 'sleeping')
    responses = [call(1, 'response', status='ok', elapsed_ns=10**9, server_task_id=server),
                 call(2, 'response', status='in_flight', elapsed_ns=2 * 10**9, server_task_id=server),
                 call(9, 'response', status='in_flight', elapsed_ns=9 * 10**9, server_task_id=server)]
    made.link(requests[1], responses[1], 'rpc_link')
    lock = made.mutex('table')
    made.hold(lock, hog)
    made.wait(server, 'lock', lock)
    return made, requests, responses


class Blockers(Questions):
    def test_blockers__full_channel__names_who_owns_the_receiver(self):
        self.assertEqual(
            sorted(columns(ask('blockers', self.stall()), 'waiter', 'operation', 'kind', 'resource', 'held_by', 'others',
                           'holder_is')),
            [('blocked_receiver', 'recv', 'mpsc_rx', 'demo.idle_queue', 'main', 0, 'sleeping'),
             ('bounded_sender', 'send', 'mpsc_tx', 'demo.work_queue', 'stalled_receiver', 0, 'sleeping')])

    def test_blockers__nobody_waits__is_empty(self):
        self.assertEqual(self.ask('blockers', healthy()), [])

    def test_blockers__every_example__says_what_blocked_says(self):
        for name, waiters in (('channel-full-stall', ('bounded_sender', 'blocked_receiver')), ('channel-cycle', ('ping', 'pong')),
                              ('semaphore-starvation', ('permit_waiter',)), ('home-made-lock', ('alice', 'bob')),
                              ('mutex-lock-order-inversion', ('alpha', 'beta')), ('task-hand-over', ('job_2',))):
            path = self.example(name, *waiters)
            waits = json.loads(READ('blocked', '-J', path).out)['waits']
            expected = sorted((wait['actor'], wait['resource'], wait['holders'][0]['actor']) for wait in waits)
            with self.subTest(name):
                self.assertEqual(sorted(columns(ask('blockers', path), 'waiter_id', 'resource_id', 'holder_id')), expected)

    def test_blockers__several_holders__names_the_one_that_has_it_longest_and_counts_the_others(self):
        made = Made()
        gate = made.semaphore('gate', 3)
        for name, ms in (('a', 1), ('b', 30), ('c', 2)):
            made.hold(gate, made.thread(name), 'permit', ms)
        made.wait(made.thread('w'), 'acquire', gate)
        self.assertEqual(columns(self.ask('blockers', made), 'waiter', 'held_by', 'others', 'held_ms'), [('w', 'b', 2, 30)])

    def test_blockers__order__longest_first_and_unknown_last_and_min_leaves_out_shorter_ones(self):
        made = Made()
        lock = made.mutex('lock')
        for name, ms in (('a', 5), ('b', 700), ('c', None)):
            made.wait(made.thread(name), 'lock', lock, ms)
        made.hold(lock, made.thread('h'))
        self.assertEqual(columns(self.ask('blockers', made), 'waiter', 'waited_ms'), [('b', 700), ('a', 5), ('c', None)])
        self.assertEqual(columns(self.ask('blockers', made, '--min', '6ms'), 'waiter'), [('b',), ('c',)])

    def test_blockers__who_does_not_count__is_not_blamed(self):
        """As the analysis has it: the rules of reader/analysis/wakers.h."""
        made = Made()
        lock, gate = made.mutex('lock'), made.semaphore('gate')
        tx, rx = made.channel('jobs')
        lone_tx, _ = made.channel('lone', linked=False)
        lost, found = made.channel('lost'), made.channel('found')
        made.link(lost[0], found[1])  # contradicts
        holder = made.thread('h')
        for resource in (tx, rx, gate, lone_tx, lost[1], found[1]):
            made.hold(resource, holder, 'lock')
        made.hold(rx, holder, 'receiver', count=0)
        made.hold(lost[1], holder, 'receiver')
        made.hold(gate, holder, 'permit', count=0)
        for number, (operation, resource) in enumerate((('lock', lock), ('acquire', gate), ('send', tx), ('send', lone_tx),
                                                        ('send', lost[0]))):
            made.wait(made.thread(f'w{number}'), operation, resource)
        made.wait(made.thread('dead', exited=True), 'lock', lock)
        made.process('other')
        made.hold(gate, made.thread('far'), 'permit')
        self.assertEqual(columns(self.ask('blockers', made), 'waiter', 'held_by'), [(f'w{number}', None) for number in range(5)])
        waits = json.loads(READ('blocked', '-J', self.path('made.json')).out)['waits']
        self.assertEqual([wait['holders'] for wait in waits], [[]] * 5)

    def test_stale_blockers__longer_than_min__names_all_holders_and_where(self):
        made = Made()
        gate = made.semaphore('gate', 2)
        made.hold(gate, made.thread('a'), 'permit', 9000, source='/src/a.c:1')
        made.hold(gate, made.thread('b', 'sleeping'), 'permit', 8000, source='/src/a.c:2')
        made.wait(made.thread('late'), 'acquire', gate, 6000, source='/src/a.c:3', details={'until_ptime_ms': 61000})
        made.wait(made.thread('young'), 'acquire', gate, 4000, source='/src/a.c:4')
        shown = ('waiter', 'waited_ms', 'held_by', 'held_ms', 'holder_is', 'waits_at', 'held_at', 'gives_up_in_ms')
        late = [('late', 6000, 'a', 9000, 'running', '/src/a.c:3', '/src/a.c:1', 1000),
                ('late', 6000, 'b', 8000, 'sleeping', '/src/a.c:3', '/src/a.c:2', 1000)]
        self.assertEqual(columns(self.ask('stale-blockers', made), *shown), late)
        self.assertEqual(columns(self.ask('stale-blockers', made, '--min', '3s'), 'waiter'),
                         [('late',), ('late',), ('young',), ('young',)])

    def test_stale_blockers__of_a_moment__is_empty_unless_min_is_less(self):
        path = self.starvation()
        self.assertEqual(ask('stale-blockers', path), [])
        self.assertEqual(columns(ask('stale-blockers', path, '--min', '1ns'), 'waiter', 'held_by'), [('permit_waiter', 'permit_holder')])


class Channels(Questions):
    def test_blocked_senders__full_channel__shows_its_owner(self):
        self.assertEqual(columns(ask('blocked-senders', self.stall()), 'waiter', 'channel', 'queue_len', 'capacity', 'receiver',
                                 'receiver_is'), [('bounded_sender', 'demo.work_queue', 16, 16, 'stalled_receiver', 'sleeping')])

    def test_blocked_senders__no_channel__is_empty(self):
        self.assertEqual(ask('blocked-senders', self.starvation()), [])

    def test_blocked_receivers__idle_channel__shows_who_could_send(self):
        self.assertEqual(columns(ask('blocked-receivers', self.stall()), 'waiter', 'channel', 'queue_len', 'handles', 'sender',
                                 'others', 'sender_is'), [('blocked_receiver', 'demo.idle_queue', 0, 1, 'main', 0, 'sleeping')])

    def test_blocked_receivers__senders_wait__is_empty(self):
        self.assertEqual(ask('blocked-receivers', self.example('channel-cycle', 'ping', 'pong')), [])

    def test_channel_pressure__some_are_full__fullest_first(self):
        self.assertEqual(columns(ask('channel-pressure', self.stall()), 'channel', 'queue_len', 'capacity', 'percent',
                                 'blocked_senders', 'receiver'), [('demo.work_queue', 16, 16, 100, 1, 'stalled_receiver')])
        made = Made()
        for name, length, capacity in (('low', 1, 4), ('none', 0, 4), ('endless', 9000, None), ('high', 3, 4)):
            made.channel(name, queue_len=length, capacity=capacity)
        self.assertEqual(columns(self.ask('channel-pressure', made), 'channel', 'percent'),
                         [('high', 75), ('low', 25), ('endless', None)])

    def test_channel_pressure__all_are_empty__is_empty(self):
        self.assertEqual(self.ask('channel-pressure', healthy()), [])

    def test_channel_health__stall__is_full_and_idle(self):
        self.assertEqual(columns(ask('channel-health', self.stall()), 'channel', 'problem', 'blocked_senders', 'blocked_receivers'),
                         [('demo.work_queue', 'full', 1, 0), ('demo.idle_queue', 'receivers wait', 0, 1)])

    def test_channel_health__each_problem__is_told(self):
        made = Made()
        fine = {'queue_len': 0, 'capacity': 4, 'sender_closed': False, 'receiver_closed': False, 'discarded_total': 0}
        waiter = made.thread('w')
        made.wait(waiter, 'recv', made.channel('shut', **{**fine, 'sender_closed': True})[1])
        made.channel('lossy', **{**fine, 'discarded_total': 3})
        made.channel('deaf', **{**fine, 'receiver_closed': True, 'close_cause': 'receiver_closed'})
        made.channel('dumb', **{**fine, 'sender_closed': True, 'queue_len': 2, 'close_cause': 'senders_gone'})
        made.channel('over', **{**fine, 'sender_closed': True, 'receiver_closed': True})
        made.channel('lost', 'oneshot', state='sender_dropped', sender_closed=True, receiver_closed=False)
        made.channel('sent', 'oneshot', state='sent', sender_closed=True, receiver_closed=False)
        made.channel('fine', **fine)
        self.assertEqual(columns(self.ask('channel-health', made), 'problem', 'channel', 'items', 'lost', 'closed_because'), [
            ('closed, and somebody waits', 'shut', 0, 0, None), ('items lost', 'lossy', 0, 3, None),
            ('nobody receives', 'deaf', 0, 0, 'receiver_closed'), ('nobody sends', 'shut', 0, 0, None),
            ('nobody sends', 'dumb', 2, 0, 'senders_gone'), ('nobody sends', 'lost', None, 0, 'sender_dropped')])

    def test_channel_health__healthy__is_empty(self):
        self.assertEqual(self.ask('channel-health', healthy()), [])

    def oneshot(self, **attrs):
        made = Made()
        tx, rx = made.channel('answer_42', 'oneshot', **{'state': 'empty', 'sender_closed': False, 'age_ns': 5 * 10**9, **attrs})
        made.hold(tx, made.thread('keeper', 'sleeping'), 'sender', mode='owner')
        made.wait(made.thread('asker'), 'recv', rx)
        return made

    def test_oneshot_pending_alive__sender_lives__names_who_owns_it(self):
        self.assertEqual(columns(self.ask('oneshot-pending-alive', self.oneshot()), 'waiter', 'oneshot', 'sender_owner',
                                 'owner_is', 'known_as', 'age_ms'), [('asker', 'answer_42', 'keeper', 'sleeping', 'owner', 5000)])

    def test_oneshot_pending_alive__sender_gone_or_sent__is_empty(self):
        self.assertEqual(self.ask('oneshot-pending-alive', self.oneshot(state='sender_dropped', sender_closed=True)), [])
        self.assertEqual(self.ask('oneshot-pending-alive', self.oneshot(state='sent', sender_closed=True)), [])


class Locks(Questions):
    def test_lock_contention__inversion__shows_both_locks(self):
        rows = ask('lock-contention', self.example('mutex-lock-order-inversion', 'alpha', 'beta'))
        self.assertEqual(sorted(columns(rows, 'lock', 'kind', 'waiters', 'held_by', 'others')),
                         [('left', 'mutex', 1, 'alpha', 0), ('right', 'mutex', 1, 'beta', 0)])

    def test_lock_contention__was_contended__comes_after_what_is(self):
        made = Made()
        made.mutex('quiet')
        made.mutex('once', contended=5, acquires=50, wait_total_ns=3_000_000, wait_max_ns=1_000_000)
        made.wait(made.thread('w'), 'lock', made.mutex('now'))
        self.assertEqual(columns(self.ask('lock-contention', made), 'lock', 'waiters', 'percent', 'wait_total_ms', 'held_by'),
                         [('now', 1, 0, None, None), ('once', 0, 10, 3, None)])

    def rwlock(self, made, **attrs):
        return made.node('rwlock', 'table', attrs={'contended': 0, 'acquires': 1, 'read_waiters': 0, 'write_waiters': 0, **attrs})

    def test_lock_contention__many_readers__is_one_row_and_at_most_all_had_to_wait(self):
        made = Made()
        table = self.rwlock(made, contended=6, acquires=3, write_waiters=2)
        for number in range(40):
            made.hold(table, made.thread(f'r{number}'), mode='read', ms=100 + number)
        for number in range(2):
            made.wait(made.thread(f'w{number}'), 'lock', table, 500)
        self.assertEqual(columns(self.ask('lock-contention', made), 'lock', 'kind', 'waiters', 'held_by', 'others', 'percent'),
                         [('table', 'rwlock', 2, 'r39', 39, 100)])

    def test_longest_held__rwlock__counts_who_waits_to_read_and_to_write(self):
        made = Made()
        table = self.rwlock(made, read_waiters=2, write_waiters=1)
        made.hold(table, made.thread('w'), mode='exclusive')
        self.assertEqual(columns(self.ask('longest-held', made), 'holder', 'mode', 'waiters'), [('w', 'exclusive', 3)])

    def test_wait_chains__behind_a_reader_who_waits_for_a_notify__ends_at_that(self):
        made = Made()
        reader, writer = made.thread('reader'), made.thread('writer')
        table = self.rwlock(made, write_waiters=1)
        ready = made.node('notify', 'ready', attrs={'flavor': 'condvar', 'waiters': 1})
        made.hold(table, reader, mode='read')
        made.wait(writer, 'lock', table, 800)
        made.wait(reader, 'notify_wait', ready, 900)
        self.assertEqual(columns(self.ask('wait-chains', made), 'waiter', 'waits', 'root', 'root_is', 'path'),
                         [('reader', 1, 'ready', 'notified by anybody', 'reader -notify_wait-> ready'),
                          ('writer', 2, 'ready', 'notified by anybody',
                           'writer -lock-> table, held by reader -notify_wait-> ready')])
        self.assertEqual(columns(self.ask('root-blockers', made), 'root', 'root_is', 'victims'), [('ready', 'notified by anybody', 2)])
        self.assertEqual(columns(self.ask('blockers', made), 'waiter', 'resource', 'held_by', 'others'),
                         [('reader', 'ready', None, None), ('writer', 'table', 'reader', 0)])
        self.assertEqual(columns(self.ask('lock-contention', made), 'lock', 'waiters'), [('table', 1)])

    def test_lock_contention__never_waited_for__is_empty(self):
        self.assertEqual(self.ask('lock-contention', healthy()), [])

    def test_semaphore_starvation__one_permit__names_its_holder(self):
        self.assertEqual(
            columns(ask('semaphore-starvation', self.starvation()), 'semaphore', 'waiters', 'longest_waiter', 'asked', 'available',
                    'max', 'held_by', 'permits', 'holder_is', 'unattributed'),
            [('demo.api_gate', 1, 'permit_waiter', 1, 0, 1, 'permit_holder', 1, 'sleeping', 0)])

    def test_semaphore_starvation__several_holders__a_row_for_each(self):
        made = Made()
        gate = made.semaphore('gate', 5)
        made.hold(gate, made.thread('a'), 'permit', 10, count=2)
        made.hold(gate, made.thread('b'), 'permit', 20, count=3)
        made.wait(made.thread('old'), 'acquire', gate, 900, details={'permits': 4})
        made.wait(made.thread('new'), 'acquire', gate, 100, details={'permits': 1})
        self.assertEqual(columns(self.ask('semaphore-starvation', made), 'waiters', 'longest_waiter', 'asked', 'held_by', 'permits'),
                         [(2, 'old', 4, 'b', 3), (2, 'old', 4, 'a', 2)])

    def test_semaphore_starvation__permits_left__is_empty(self):
        made = Made()
        made.wait(made.thread('w'), 'acquire', made.semaphore('gate', 2, 1), details={'permits': 1})
        self.assertEqual(self.ask('semaphore-starvation', made), [])

    def test_holders__stall__both_ends(self):
        self.assertEqual(sorted(columns(ask('holders', self.stall()), 'holder', 'holds', 'mode', 'kind', 'resource', 'waiters')),
                         [('main', 'sender', 'creator', 'mpsc_tx', 'demo.idle_queue', 1),
                          ('stalled_receiver', 'receiver', 'owner', 'mpsc_rx', 'demo.work_queue', 1)])

    def test_holders__most_waited_for__first(self):
        made = Made()
        one, many = made.mutex('one'), made.mutex('many')
        made.hold(one, made.thread('a'), ms=9000)
        made.hold(many, made.thread('b'), ms=10)
        for name, lock in (('w1', one), ('w2', many), ('w3', many)):
            made.wait(made.thread(name), 'lock', lock)
        self.assertEqual(columns(self.ask('holders', made), 'holder', 'resource', 'waiters'), [('b', 'many', 2), ('a', 'one', 1)])

    def test_holders__nobody_waits__is_empty(self):
        self.assertEqual(self.ask('holders', healthy()), [])

    def test_longest_held__locks_and_permits__longest_first(self):
        made = healthy()
        made.hold(made.mutex('old'), made.thread('keeper', exited=True), ms=50_000, held_accuracy_ms=100)
        made.hold(made.mutex('ageless'), made.thread('other'), ms=None)
        self.assertEqual(columns(self.ask('longest-held', made), 'holder', 'holds', 'resource', 'held_ms', 'accuracy_ms', 'holder_is'),
                         [('keeper', 'lock', 'old', 50_000, 100, 'exited'), ('worker', 'lock', 'door', 2000, 0, 'running'),
                          ('worker', 'permit', 'gate', 2000, 0, 'running'), ('other', 'lock', 'ageless', None, None, 'running')])

    def test_longest_held__channels_alone__is_empty(self):
        self.assertEqual(ask('longest-held', self.stall()), [])


class Roots(Questions):
    ROOT = ('root', 'root_is', 'victims', 'in_circle', 'victim_names')

    def lock_chain(self, made, *names, ms=1000):
        """Each waits for a lock of the next."""
        actors = [made.thread(name) for name in names]
        for waiter, holder, name in zip(actors, actors[1:], names[1:]):
            lock = made.mutex(f'of_{name}')
            made.hold(lock, holder)
            made.wait(waiter, 'lock', lock, ms)
        return actors

    def test_root_blockers__examples__name_who_is_at_the_root(self):
        for name, waiters, expected in (
                ('channel-full-stall', ('bounded_sender', 'blocked_receiver'),
                 [('main', 'sleeping', 1, None, 'blocked_receiver'), ('stalled_receiver', 'sleeping', 1, None, 'bounded_sender')]),
                ('semaphore-starvation', ('permit_waiter',), [('permit_holder', 'sleeping', 1, None, 'permit_waiter')]),
                ('task-hand-over', ('job_2',), [('job_1', 'suspended', 1, None, 'job_2')])):
            with self.subTest(name):
                self.assertEqual(sorted(columns(ask('root-blockers', self.example(name, *waiters)), *self.ROOT)), expected)

    def test_root_blockers__deadlocks__are_one_root(self):
        for name, both in (('mutex-lock-order-inversion', ('alpha', 'beta')), ('channel-cycle', ('ping', 'pong')),
                           ('home-made-lock', ('alice', 'bob'))):
            rows = ask('root-blockers', self.example(name, *both))
            with self.subTest(name):
                self.assertEqual(columns(rows, *self.ROOT[1:]), [('deadlock (certain)', 0, 2, None)])
                self.assertEqual(sorted(rows[0]['root'].split(', ')), list(both))

    def test_root_blockers__nobody_waits__is_empty(self):
        self.assertEqual(self.ask('root-blockers', healthy()), [])

    def test_root_blockers__chain__all_of_it_are_victims_of_its_end(self):
        made = Made()
        self.lock_chain(made, 'a', 'b', 'c', 'd')
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT), [('d', 'running', 3, None, 'a, b, c')])

    def test_root_blockers__diamond__each_victim_once_for_each_root(self):
        made = Made()
        top, left, right, bottom, other = (made.thread(name) for name in ('top', 'left', 'right', 'bottom', 'other'))
        pair = made.semaphore('pair', 2)
        made.hold(pair, left, 'permit')
        made.hold(pair, right, 'permit')
        made.wait(top, 'acquire', pair)
        low, aside = made.mutex('low'), made.mutex('aside')
        made.hold(low, bottom)
        made.hold(aside, other)
        made.wait(left, 'lock', low)
        made.wait(right, 'lock', low, blocks=False)
        made.wait(right, 'lock', aside, blocks=False)
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT),
                         [('bottom', 'running', 3, None, 'left, right, top'), ('other', 'running', 2, None, 'right, top')])

    def test_root_blockers__deadlock_with_victims__are_counted_behind_it(self):
        made = Made()
        self.lock_chain(made, 'tail', 'behind', 'x')
        first, second = made.document['nodes'][2]['id'], made.thread('y')
        one, two = made.mutex('one'), made.mutex('two')
        for lock, holder, waiter in ((one, first, second), (two, second, first)):
            made.hold(lock, holder)
            made.wait(waiter, 'lock', lock)
        made.deadlock(first, two, second, one)
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT),
                         [('x, y', 'deadlock (certain)', 2, 2, 'behind, tail')])
        made.document['findings'] = []
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT), [('x, y', 'circle', 2, 2, 'behind, tail')])

    def test_root_blockers__circles_without_findings__each_is_found(self):
        made = Made()
        for ring in ('abcde', 'kl', 'z'):
            actors = [made.thread(name) for name in ring]
            for holder, waiter in zip(actors, actors[1:] + actors[:1]):
                lock = made.mutex(f'of_{holder[-1]}')
                made.hold(lock, holder)
                made.wait(waiter, 'lock', lock)
        made.wait(made.thread('v'), 'lock', 'mutex:shop-1:of_k')
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT), [
            ('a, b, c, d, e', 'circle', 0, 5, None), ('k, l', 'circle', 1, 2, 'v'), ('z', 'circle', 0, 1, None)])

    def test_root_blockers__nobody_holds_it_or_many_do__the_resource_is_the_root(self):
        made = Made()
        made.wait(made.thread('w1'), 'lock', made.mutex('free'))
        pool = made.semaphore('pool', 4)
        for name in 'abcd':
            made.hold(pool, made.thread(name), 'permit')
        made.wait(made.thread('w2'), 'acquire', pool)
        made.hold(made.mutex('ghost'), made.thread('gone', exited=True))
        made.wait(made.thread('w3'), 'lock', 'mutex:shop-1:ghost')
        self.assertEqual(sorted(columns(self.ask('root-blockers', made), *self.ROOT)), [
            ('free', 'held by nobody known', 1, None, 'w1'), ('gone', 'exited', 1, None, 'w3'),
            ('pool', 'held by several', 1, None, 'w2')])

    def test_root_blockers__many_holders_of_which_one_waits__leads_on(self):
        made = Made()
        pool, table = made.semaphore('pool', 5), made.mutex('table')
        holders = [made.thread(name) for name in 'abcde']
        for holder in holders:
            made.hold(pool, holder, 'permit')
        made.hold(table, made.thread('root'))
        made.wait(holders[0], 'lock', table)
        made.wait(made.thread('w'), 'acquire', pool)
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT),
                         [('root', 'running', 2, None, 'a, w'), ('pool', 'held by several', 1, None, 'w')])

    def test_root_blockers__task_inside__its_thread_goes_on_with_it(self):
        made = Made()
        inner = f'task:{made.key}:inner'
        thread = made.thread('runner', task=inner)
        made.task('inner', thread=thread)
        outer, inner_lock = made.mutex('outer'), made.mutex('inner_lock')
        made.hold(outer, thread)
        made.hold(inner_lock, made.thread('root'))
        made.wait(made.thread('w'), 'lock', outer, 2000)
        made.wait(inner, 'lock', inner_lock)
        self.assertEqual(columns(self.ask('root-blockers', made), *self.ROOT), [('root', 'running', 2, None, 'w, inner')])
        self.assertEqual(columns(self.ask('wait-chains', made), 'waiter', 'waits', 'root', 'path')[0], (
            'w', 2, 'root', 'w -lock-> outer, held by runner, inside which is inner -lock-> inner_lock, held by root'))

    def test_wait_chains__chain__each_to_its_root(self):
        made = Made()
        self.lock_chain(made, 'a', 'b', 'c')
        self.assertEqual(columns(self.ask('wait-chains', made), 'waiter', 'waits', 'root', 'root_is', 'path'), [
            ('a', 2, 'c', 'running', 'a -lock-> of_b, held by b -lock-> of_c, held by c'),
            ('b', 1, 'c', 'running', 'b -lock-> of_c, held by c')])

    def test_wait_chains__circle__closes(self):
        rows = ask('wait-chains', self.example('channel-cycle', 'ping', 'pong'))
        self.assertEqual(sorted(columns(rows, 'waiter', 'waits', 'root', 'root_is', 'path')), [
            ('ping', None, None, 'circle',
             'ping -send-> to_pong, served by pong -send-> to_ping, served by ping (the circle closes)'),
            ('pong', None, None, 'circle',
             'pong -send-> to_ping, served by ping -send-> to_pong, served by pong (the circle closes)')])

    def test_wait_chains__long_one__is_cut_and_says_where_to(self):
        made = Made()
        self.lock_chain(made, *(f't{number:02}' for number in range(20)))
        rows = {row['waiter']: row for row in self.ask('wait-chains', made)}
        self.assertEqual(len(rows), 19)
        self.assertEqual((rows['t00']['waits'], rows['t00']['root']), (19, 't19'))
        self.assertTrue(rows['t00']['path'].endswith('held by t08 ... and so on to t19'), rows['t00'])
        self.assertTrue(rows['t11']['path'].endswith('held by t19'), rows['t11'])

    def test_wait_chains__nobody_holds_it__ends_there(self):
        made = Made()
        made.wait(made.thread('w'), 'lock', made.mutex('free'))
        self.assertEqual(columns(self.ask('wait-chains', made), 'waiter', 'waits', 'root', 'root_is', 'path'),
                         [('w', 1, 'free', 'held by nobody known', 'w -lock-> free')])

    def test_wait_chains__nobody_waits__is_empty(self):
        self.assertEqual(self.ask('wait-chains', healthy()), [])

    def test_recursion__chain_of_ten_thousand__ends(self):
        made = Made()
        self.lock_chain(made, *(f't{number:05}' for number in range(10_001)))
        path = made.save(self.path('chain.json'))
        self.assertEqual(columns(ask('root-blockers', path), 'root', 'victims'), [('t10000', 10_000)])
        rows = ask('wait-chains', path)
        self.assertEqual(sorted(row['waits'] for row in rows), list(range(1, 10_001)))

    def test_recursion__ring_of_ten_thousand__is_one_circle(self):
        made = Made()
        actors = self.lock_chain(made, *(f't{number:05}' for number in range(10_000)))
        lock = made.mutex('last')
        made.hold(lock, actors[0])
        made.wait(actors[-1], 'lock', lock)
        path = made.save(self.path('ring.json'))
        self.assertEqual(columns(ask('root-blockers', path), 'root_is', 'victims', 'in_circle'), [('circle', 0, 10_000)])
        self.assertEqual({row['root_is'] for row in ask('wait-chains', path)}, {'circle'})

    def test_recursion__everybody_waits_for_everybody__ends(self):
        """A thousand who hold permits of the same ten semaphores and wait for all of them: a million ways each ten times over."""
        made = Made()
        gates = [made.semaphore(f'gate{number}', 1000) for number in range(10)]
        actors = [made.thread(f't{number:04}') for number in range(1000)]
        for number, actor in enumerate(actors):
            for gate in gates:
                made.hold(gate, actor, 'permit')
            made.wait(actor, 'acquire', gates[number % 10], blocks=False)
        path = made.save(self.path('dense.json'))
        self.assertEqual(columns(ask('root-blockers', path), 'root_is', 'victims', 'in_circle'), [('circle', 999, 1)])
        self.assertEqual(len(ask('wait-chains', path)), 1000)
        made.hold(gates[3], made.thread('free'), 'permit')
        made.save(path)
        self.assertEqual(columns(ask('root-blockers', path), 'root', 'victims'), [('free', 1000)])

    def test_recursion__layers_of_diamonds__ends(self):
        """Thirty layers of three, each of which waits for all of the next: 3^30 ways."""
        made = Made()
        layers = [[made.thread(f'l{layer:02}_{number}') for number in range(3)] for layer in range(30)]
        for number, (waiters, holders) in enumerate(zip(layers, layers[1:])):
            lock = made.node('rwlock', f'between_{number:02}')
            for holder in holders:
                made.hold(lock, holder, mode='read')
            for waiter in waiters:
                made.wait(waiter, 'lock', lock)
        path = made.save(self.path('layers.json'))
        self.assertEqual(columns(ask('root-blockers', path), 'root', 'victims'), [(f'l29_{number}', 87) for number in range(3)])
        self.assertEqual(len(ask('wait-chains', path)), 87)


class Rest(Questions):
    def test_stuck_requests__in_flight__says_what_the_server_waits_for(self):
        made, requests, responses = rpc()
        shown = ('method', 'elapsed_ms', 'status', 'caller', 'server', 'server_waits_for', 'held_by', 'request_node_id',
                 'response_id')
        self.assertEqual(columns(self.ask('stuck-requests', made), *shown), [
            ('get_3', 3000, None, 'caller', None, None, None, requests[2], None),
            ('get_2', 2000, 'in_flight', 'caller', 'handler', 'table', 'hog', requests[1], responses[1])])
        self.assertEqual(columns(self.ask('stuck-requests', made, '--min', '2500ms'), 'method'), [('get_3',)])

    def test_stuck_requests__by_key_alone__is_matched(self):
        made, _, responses = rpc()
        made.document['edges'] = [edge for edge in made.document['edges'] if edge['kind'] != 'rpc_link']
        self.assertEqual(columns(self.ask('stuck-requests', made), 'method', 'response_id'),
                         [('get_3', None), ('get_2', responses[1])])

    def test_stuck_requests__answered__is_empty(self):
        made, requests, responses = rpc()
        keep = {requests[0], responses[0]}
        made.document['nodes'] = [node for node in made.document['nodes']
                                  if node['kind'] not in ('request', 'response') or node['id'] in keep]
        made.document['edges'] = []
        self.assertEqual(self.ask('stuck-requests', made), [])
        self.assertEqual(self.ask('unmatched-requests', made), [])

    def test_unmatched_requests__halves__are_told(self):
        made, requests, responses = rpc()
        self.assertEqual(columns(self.ask('unmatched-requests', made), 'problem', 'method', 'elapsed_ms', 'peer', 'task', 'id'), [
            ('no request', None, 9000, 'server', 'handler', responses[2]),
            ('no response', 'get_3', 3000, 'server', 'caller', requests[2])])
        made.link(requests[2], responses[2], 'rpc_link')
        self.assertEqual(self.ask('unmatched-requests', made), [])

    def test_dangling_edges__each_problem__is_told(self):
        made = Made()
        dead = made.thread('dead', exited=True)
        lock, free = made.mutex('lock'), made.mutex('free')
        made.hold(lock, dead)
        made.wait(dead, 'lock', free)
        made.wait(made.thread('w1'), 'lock', lock)
        made.wait(made.thread('w2'), 'lock', free)
        made.wait(made.thread('w3'), 'lock', made.node('foreign', 'mutex:far-9:x'))
        made.wait(made.thread('w4'), 'send', made.channel('lone', linked=False)[0])
        self.assertEqual(columns(self.ask('dangling-edges', made), 'problem', 'source', 'edge', 'target', 'waiters'), [
            ('channel without other end', 'w4', 'send', 'lone', 1),
            ('foreign', 'w3', 'lock', 'mutex:far-9:x', 1),
            ('held by an exited actor', 'lock', 'lock', 'dead', 1),
            ('no holder', 'w2', 'lock', 'free', 1),
            ('of an exited actor', 'dead', 'lock', 'free', 1)])

    def test_dangling_edges__all_add_up__is_empty(self):
        self.assertEqual(self.ask('dangling-edges', healthy()), [])
        self.assertEqual(ask('dangling-edges', self.starvation()), [])

    def test_scope_membership__scopes__list_their_members(self):
        made = Made()
        free, stuck = made.thread('free'), made.thread('stuck', 'blocked')
        made.wait(stuck, 'lock', made.mutex('lock'))
        made.scope('connection', 'conn_3', free, stuck)
        made.scope('user', 'shop', free)
        self.assertEqual(columns(self.ask('scope-membership', made), 'scope', 'scope_kind', 'member', 'blocked', 'member_is'), [
            ('conn_3', 'connection', 'free', 0, 'running'), ('conn_3', 'connection', 'stuck', 1, 'blocked'),
            ('shop', 'user', 'free', 0, 'running')])

    def test_scope_membership__no_scopes__is_empty(self):
        self.assertEqual(self.ask('scope-membership', healthy()), [])

    def test_missing_scope_links__each_problem__is_told(self):
        made, requests, responses = rpc()
        made.scope('user', 'nobody')
        made.scope('connection', 'conn_3', *requests[1:], *responses)
        self.assertEqual(columns(self.ask('missing-scope-links', made), 'problem', 'name', 'kind', 'other'), [
            ('of another process', 'conn_3:2', 'request', 'conn_3'), ('of another process', 'conn_3:3', 'request', 'conn_3'),
            ('scope without members', 'nobody', 'user', None), ('without a connection', 'conn_3:1', 'request', 'conn_3')])

    def test_missing_scope_links__all_are_there__is_empty(self):
        made = Made()
        made.scope('connection', 'conn_3', made.node('request', 'conn_3:1'))
        self.assertEqual(self.ask('missing-scope-links', made), [])

    def test_coverage__several_processes__what_was_lost_first(self):
        made = Made('whole', quality='partial', notes=['one thread did not answer'])
        made.thread('t')
        made.process('lossy', counters={'dropped_entities': 7, 'dropped_edges': 0, 'torn': 2}, threads=5)
        self.assertEqual(columns(self.ask('coverage', made), 'process', 'quality', 'lost', 'missing', 'threads', 'entities', 'notes'), [
            ('lossy', 'partial', 9, '7 dropped_entities, 2 torn', 5, 0, 'one thread did not answer'),
            ('whole', 'partial', 0, None, 1, 1, 'one thread did not answer')])

    def test_coverage__no_process__is_empty(self):
        self.assertEqual(self.ask('coverage', Made(None)), [])

    @staticmethod
    def moment(wait=1, since_ms=1000, sent=5, names=('a',), lost=0):
        made = Made(counters=None)
        made.document['processes'][0]['counters'] = {'dropped_edges': lost}
        for name in names:
            made.thread(name)
        lock = made.mutex('lock')
        made.wait(made.thread('w'), 'lock', lock, since_ms, wait_sequence=wait)
        made.hold(lock, made.thread('h'))
        made.channel('jobs', sent_total=sent, queue_len=sent)
        return made

    def test_what_changed__one_after_the_other__tells_waits_and_what_came_and_went(self):
        shown = ('change', 'name', 'what', 'waited_ms', 'before', 'after')
        series = self.series(self.moment(names=('a', 'b')), self.moment(names=('b', 'c'), sent=9, lost=2),
                             self.moment(names=('b', 'c'), sent=9, lost=2, wait=2))
        self.assertEqual(columns(ask('what-changed', series, '--at', 2), *shown), [
            ('same wait', 'w', 'lock lock', 1000, None, None), ('lost', 'shop', 'dropped_edges', None, 0, 2),
            ('came', 'c', None, None, None, None), ('went', 'a', None, None, None, None), ('moved', 'jobs', 'sent_total', None, 5, 9)])
        self.assertEqual(columns(ask('what-changed', series), *shown), [
            ('new wait', 'w', 'lock lock', 1000, None, None), ('wait ended', 'w', 'lock lock', 1000, None, None)])

    def test_what_changed__nothing_did__is_empty(self):
        self.assertEqual(ask('what-changed', self.series(healthy(), healthy())), [])

    def test_what_changed__nothing_before_it__is_empty(self):
        self.assertEqual(self.ask('what-changed', self.moment()), [])


class Everything(Questions):
    # Those whose answer is about all rows, and what they read from one end to the other.
    ALL_OF = {'what-changed': {'now', 'entities'}, 'scope-membership': {'link'}}
    BIG_TABLES = ('entities', 'edges', 'entity_scope_links')
    # Of what is pending, held, busy or gone alone: read once, and never for each row of something else.
    SMALL = ('needs USING INDEX edges_pending ', 'hold USING INDEX edges_held ', ' INDEX entities_busy ',
             ' INDEX entities_exited ')

    def plan(self, question):
        sql = READ('query', '--show', question).out
        rows = READ('query', '-J', '-e', 'EXPLAIN QUERY PLAN ' + sql.replace(':min_ns', '0'), self.path('made.json'))
        self.assertEqual(rows.status, 0, rows)
        return sql, [row['detail'] for row in json.loads(rows.out)['rows']]

    def test_questions__all_of_them__are_tested_and_documented(self):
        self.assertGreaterEqual(len(NAMES), 20)
        with open(__file__, encoding='utf-8') as file:
            asked = set(re.findall(r"ask\('([a-z-]+)'", file.read()))
        self.assertEqual(NAMES - asked, set())
        with open(DOC, encoding='utf-8') as file:
            sections = re.findall(r'^## ([a-z-]+)\n\n(.*?)\n(?=\n```|\n## |\Z)', file.read(), re.MULTILINE | re.DOTALL)
        comments = {}
        for name in NAMES:
            comment = re.match(r'(?:-- .*\n)+', READ('query', '--show', name).out).group(0)
            comments[name] = ' '.join(line[3:] for line in comment.splitlines())
        self.assertEqual({name: ' '.join(text.split()) for name, text in sections}, comments)

    def test_questions__hostile_names__are_texts_like_others(self):
        made = Made()
        lock = made.mutex('"], "x": [\' OR 1 --')
        made.hold(lock, made.thread('$.a"\n\x1b'))
        made.wait(made.thread("'; DROP TABLE edges"), 'lock', lock, 9000)
        made.save(self.path('made.json'))
        for name in sorted(NAMES):
            ask(name, self.path('made.json'))
        self.assertEqual(columns(ask('wait-chains', self.path('made.json')), 'waiter', 'root'),
                         [("'; DROP TABLE edges", '$.a"\n\x1b')])

    def test_questions__plans__scan_no_big_table(self):
        healthy().save(self.path('made.json'))
        for name in sorted(NAMES):
            sql, plan = self.plan(name)
            parts = set(re.findall(r'(\w+)(?: \([\w, ]+\))? AS (?:MATERIALIZED )?\(', sql))
            parts |= set(re.findall(r'\) AS (\w+)', sql))
            parts |= {alias for part, alias in re.findall(r'(?:FROM|JOIN) (\w+) AS (\w+)', sql) if part in parts}
            named = re.findall(r'(\w+)(?: \([\w, ]+\))? AS (?:MATERIALIZED )?\(', sql)
            clash = set(named) & {alias for table, alias in re.findall(r'(?:FROM|JOIN) (\w+) AS (\w+)', sql)
                                  if table in self.BIG_TABLES}
            whole = [step for step in plan if re.match(r'SCAN \w+', step) and step.split()[1] not in parts
                     and 'VIRTUAL TABLE' not in step and 'CONSTANT ROW' not in step and 'SUBQUERY' not in step]
            whole += [step for step in plan if step.endswith('(snapshot_id=?)')
                      and not any(small in step for small in self.SMALL)
                      and step.split()[1] not in ({'finding', 'process', 'scope'} | self.ALL_OF.get(name, set()))]
            whole += [step for step in plan if re.fullmatch(r'SCAN \w+ LEFT-JOIN', step)]  # once for each row of another
            whole += [step for step in plan if step.startswith('EXCEPT USING TEMP B-TREE')]  # where both are in order already
            with self.subTest(name):
                self.assertEqual((clash, whole), (set(), []), '\n'.join(plan))


if __name__ == '__main__':
    loader = unittest.defaultTestLoader
    sys.exit(tap.run_suite(unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (
        Blockers, Channels, Locks, Roots, Rest, Everything))))
