# SPDX-License-Identifier: MIT
"""Snapshot documents made by hand (docs/snapshot.md): what no program of ours does yet, and graphs of any size."""
import json

NOW_NS = 60_000_000_000
MS = 1_000_000


class Made:
    """A snapshot; things are made in the process that was made last. All that makes something returns its id."""

    def __init__(self, process='shop', quality='cut', **more):
        self.document = {'schema': 'peeps.snapshot/1', 'quality': quality, 'taken_at_unix_ns': 1_700_000_000_000_000_000,
                         'processes': [], 'nodes': [], 'edges': [], 'scopes': [], 'memberships': [], 'findings': [], **more}
        self.key = None
        self.pid = 0
        self.slots = 0
        if process:
            self.process(process)

    def process(self, name, counters=None, **more):
        self.pid += 1
        self.key = f'{name}-{self.pid}'
        self.document['processes'].append({
            'proc_key': self.key, 'pid': self.pid, 'name': name, 'ptime_now_ns': NOW_NS, 'threads': 1,
            'coverage': 'all of it', 'counters': counters or {'dropped_entities': 0, 'dropped_edges': 0}, **more})
        return self.key

    def node(self, kind, name, prefix=None, suffix='', attrs=None, **more):
        key = f'{prefix or kind}:{self.key}:{name}{suffix}'
        self.document['nodes'].append({'id': key, 'kind': kind, 'process': self.key, 'name': name,
                                       'attrs': {'name': name, **(attrs or {})}, **more})
        return key

    def thread(self, name, activity='running', task=None, exited=False):
        return self.node('thread', name, attrs={'activity': 'exited' if exited else activity, 'current_task_id': task},
                         role='actor', exited=exited)

    def task(self, name, activity='running', thread=None):
        return self.node('task', name, attrs={'activity': activity, 'thread_id': thread}, role='actor')

    def mutex(self, name, **attrs):
        return self.node('mutex', name, attrs={'mutex_type': 'normal', 'contended': 0, 'acquires': 1, **attrs})

    def semaphore(self, name, maximum=1, available=0, **attrs):
        return self.node('semaphore', name, attrs={'max': maximum, 'available': available, 'unattributed_out': 0, **attrs})

    def channel(self, name, kind='mpsc', linked=True, **attrs):
        """(tx, rx): both ends with the same attributes, as they are shown."""
        ends = tuple(self.node(f'{kind}_{end}', name, prefix=kind.replace('_', '-'), suffix=f':{end}', attrs=attrs)
                     for end in ('tx', 'rx'))
        if linked:
            self.link(*ends)
        return ends

    def link(self, source, target, kind='channel_link'):
        self.edge(source, target, kind)
        self.edge(source, target, 'needs')

    def edge(self, src, dst, kind, **meta):
        self.document['edges'].append({'src': src, 'dst': dst, 'kind': kind, 'meta': meta})

    def wait(self, actor, op_kind, resource, ms=1000, **meta):
        """A pending operation, for so long; of unknown length with None."""
        since = None if ms is None else NOW_NS - ms * MS
        self.slots += 1
        self.edge(actor, resource, 'needs', **{
            'op_kind': op_kind, 'state': 'pending', 'pending_since_ptime_ns': since, 'slot': self.slots, 'wait_sequence': 1,
            'poll_count': 1, 'blocks': True, 'details': {}, **meta})

    def hold(self, resource, actor, role='lock', ms=2000, **meta):
        since = None if ms is None else NOW_NS - ms * MS
        self.edge(resource, actor, 'holds', **{'role': role, 'count': 1, 'held_since_ptime_ns': since, **meta})

    def scope(self, kind, name, *members):
        key = f'scope:{self.key}:{kind}:{name}'
        self.document['scopes'].append({'id': key, 'kind': kind, 'process': self.key, 'name': name, 'attrs': {}})
        self.document['memberships'] += [{'entity': member, 'scope': key} for member in members]
        return key

    def deadlock(self, *nodes, certainty='certain'):
        self.document['findings'].append({'kind': 'deadlock', 'certainty': certainty, 'sentence': 'they wait', 'steps': [],
                                          'nodes': list(nodes), 'edges': [], 'victims': []})

    def save(self, path):
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(self.document, file, separators=(',', ':'))
        return path
