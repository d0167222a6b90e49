#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scopes of each kind, and an entity with attributes of each type, in whatever shows them: dump, explain, the database.

usage: test_scopes.py PEEPS_READ SCOPES
"""
import json
import os
import sqlite3
import sys
import tempfile
import unittest

import tap
from snapshot import Expectations, Snapshot
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
PROGRAM = sys.argv[2]
ATTRIBUTES = {'phase': 'asking', 'peer': '10.0.0.1:4711', 'encrypted': True, 'limit': 0, 'quota': None,
              'note': 'came by night'}


class Scopes(unittest.TestCase, Expectations):
    @classmethod
    def setUpClass(cls):
        cls.target = Target(PROGRAM)
        cls.pid = cls.target.pid
        cls.snapshot = Snapshot(READ.document(cls.pid))
        key = cls.snapshot.document['processes'][0]['proc_key']
        named = cls.snapshot.named
        cls.session, cls.asker = named['session', 'alice'], named['task', 'asker']
        cls.members = {
            (f'scope:{key}:connection:conn_3', 'connection'): {cls.session, cls.asker},
            (f'scope:{key}:process:shop', 'process'): {cls.session},
            (f'scope:{key}:thread:main', 'thread'): {named['thread', 'main']},
            (f'scope:{key}:task:asker', 'task'): {cls.asker},
            (f'scope:{key}:user:group', 'user'): {cls.session},
            (f'scope:{key}:user:group~2', 'user'): {cls.asker},
            (f'scope:{key}:user:empty', 'user'): set(),
        }
        cls.connection = f'scope:{key}:connection:conn_3'

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()

    def explain(self, *arguments):
        answer = READ('explain', *arguments, self.pid)
        self.assertEqual(answer.status, 0, answer)
        return answer.out

    def test_dump_json__scope_of_each_kind__exact_members(self):
        self.expect_whole(self.snapshot)
        document = self.snapshot.document
        members = {(scope['id'], scope['kind']): {member['entity'] for member in document['memberships']
                                                  if member['scope'] == scope['id']} for scope in document['scopes']}
        self.assertEqual(members, self.members)
        self.assertEqual(len(document['memberships']), sum(map(len, self.members.values())))

    def test_dump_json__scopes__are_no_nodes_and_no_ends_of_edges(self):
        ids = {scope['id'] for scope in self.snapshot.document['scopes']}
        self.assertFalse(ids & set(self.snapshot.nodes))
        self.assertFalse(ids & {edge[end] for edge in self.snapshot.document['edges'] for end in ('src', 'dst')})

    def test_dump_text__scopes__are_listed_with_their_members(self):
        out = READ('dump', '-f', 'text', self.pid).out
        self.assertIn('\nscopes: 7\n', out)
        self.assertIn(f'\n  {self.connection}  conn_3\n', out)
        self.assertIn('\nmemberships: 7\n', out)
        self.assertIn(f'\n  {self.asker} in {self.connection}\n', out)
        self.assertNotIn(':over', out)

    def test_explain__entity__names_each_scope_that_it_is_in(self):
        scopes = {scope for (scope, _), members in self.members.items() if self.session in members}
        out = self.explain(self.session)
        self.assertEqual({line.split()[-1] for line in out.splitlines() if line.startswith('  in scope ')}, scopes)
        self.assertEqual(set(json.loads(self.explain('-J', self.session))['scopes']), scopes)

    def test_explain__scope__lists_its_members_and_what_they_do(self):
        for scope in (self.connection, 'conn_3'):
            out = self.explain(scope)
            self.assertRegex(out, r'(?m)^connection "conn_3"$')
            self.assertIn(f'\n  {self.session}\n', out)
            self.assertRegex(out, rf'(?m)^  {self.asker}, .*waits for "alice"')
        document = json.loads(self.explain('-J', self.connection))
        self.assertEqual(document['scope']['kind'], 'connection')
        self.assertEqual(set(document['members']), {self.session, self.asker})

    def test_explain__scope_without_members__says_what_it_is(self):
        self.assertRegex(self.explain('empty'), r'(?m)^user "empty"$')

    def test_dump__attributes_of_each_type__are_shown_as_what_they_are(self):
        attrs = self.snapshot.attrs('session', 'alice')
        self.assertEqual({name: attrs[name] for name in ATTRIBUTES}, ATTRIBUTES)
        self.assertEqual(attrs['owner'], self.snapshot.named['thread', 'main'])
        self.assertLessEqual(attrs['since_ptime_ms'], self.snapshot.document['processes'][0]['ptime_now_ns'] // 10**6)
        self.assertNotIn('visibility', attrs)
        self.assertTrue(self.session.startswith('sess:'))

    def test_explain__attributes_of_each_type__are_told(self):
        out = self.explain(self.session)
        for line in (r'phase +asking', r'peer +10\.0\.0\.1:4711', r'encrypted +yes', r'limit +0', r'since +.* ago',
                     r'note +came by night', rf'owner +{self.snapshot.named["thread", "main"]}'):
            self.assertRegex(out, rf'(?m)^  {line}$')
        self.assertNotIn('quota', out)

    def test_load__scopes_and_attributes__are_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'scopes.db')
            answer = READ('load', path, self.pid)
            self.assertEqual(answer.status, 0, answer)
            database = sqlite3.connect(path)
            rows = database.execute('SELECT s.id, s.kind, l.entity_id FROM scopes s LEFT JOIN entity_scope_links l'
                                    ' ON l.snapshot_id = s.snapshot_id AND l.scope_id = s.id').fetchall()
            attrs, = database.execute("SELECT attrs_json FROM entities WHERE kind = 'session'").fetchone()
            database.close()
        loaded = {}
        for scope, kind, entity in rows:
            loaded.setdefault((scope, kind), set()).update({entity} - {None})
        self.assertEqual(loaded, self.members)
        self.assertEqual(json.loads(attrs), self.snapshot.attrs('session', 'alice'))


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestLoader().loadTestsFromTestCase(Scopes)))
