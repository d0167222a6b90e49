#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever a program calls its things, peeps-read prints nothing that a terminal obeys or that hides something.

usage: test_hostile_names.py PEEPS_READ HOSTILE_NAMES
"""
import json
import os
import sys
import tempfile
import unicodedata
import unittest

import tap
from target import PeepsRead, Target

READ = PeepsRead(sys.argv[1])
PROGRAM = sys.argv[2]

NASTY = b'nasty\x1b[31m\r\n\xc2\x9b\xe2\x80\xae\xff'
# What may be among letters of scripts, or is an emoji's, is shown: the joiners, the variation selectors.
FORMATS_ALLOWED = {0x200c, 0x200d}


def forbidden(text, in_json):
    """The first character that must not be printed as it is; None if there is none."""
    for at, letter in enumerate(text):
        code = ord(letter)
        category = unicodedata.category(letter)
        if letter == '\n' and not in_json:
            continue
        if letter == '\n' and at == len(text) - 1:  # a document is one line
            continue
        if category == 'Cc' or category == 'Cs':
            return at, hex(code)
        # JSON is for programs; its strings are whole.
        if not in_json and (category in ('Zl', 'Zp') or (category == 'Cf' and code not in FORMATS_ALLOWED)):
            return at, hex(code)
    return None


class HostileNames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        # The kernel's name of the process, its command line and its PEEPS_NAME, too.
        program = os.path.join(os.fsencode(cls.scratch.name), b'k\x1b[31m\n\xff')
        os.symlink(os.path.abspath(PROGRAM), program)
        cls.target = Target(program, NASTY, b'-x\x1b]0;title\x07', env={'PEEPS_NAME': os.fsdecode(NASTY)})
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, lambda answer: answer.status == 1 and answer.out.count('nasty') > 20)
        assert answer.status == 1, answer
        cls.document = READ.document(cls.pid)

    @classmethod
    def tearDownClass(cls):
        cls.target.__exit__()
        cls.scratch.cleanup()

    def expect_clean(self, answer, in_json=False):
        for stream, text in (('stdout', answer.out), ('stderr', answer.err)):
            # Not even undecodable bytes: those would have become \udcXX or \xXX by now.
            found = forbidden(text, in_json and stream == 'stdout')
            self.assertIsNone(found, f'{stream}: {found and ascii(text[max(0, found[0] - 60):found[0] + 20])}')

    def look(self, *arguments, statuses=(0, 1, 7)):
        # As bytes: what is no UTF-8 must fail here.
        answer = READ(*arguments)
        self.assertIn(answer.status, statuses, ascii(str(answer)))
        return answer

    def test_names__in_every_text__are_harmless(self):
        for arguments in ((self.pid,), ('blocked', self.pid), ('blocked', '--tree', self.pid), (self.pid, '--tree'),
                          ('check', self.pid), ('check', '--max-wait', '1ms', self.pid), ('dump', self.pid),
                          ('dump', '--history', self.pid), ('--passive', self.pid)):
            with self.subTest(arguments=arguments):
                answer = self.look(*arguments)
                self.assertIn('nasty', answer.out)
                self.assertIn('\\x1b[31m', answer.out)
                self.expect_clean(answer)

    def test_names__on_a_narrow_terminal__are_harmless(self):
        for columns in ('20', '60', '100'):
            with self.subTest(columns=columns):
                self.expect_clean(READ(self.pid, env={**os.environ, 'COLUMNS': columns}))

    def test_names__in_colored_text__are_harmless_inside(self):
        answer = self.look('--color', 'always', self.pid)
        plain = self.look('--color', 'never', self.pid)
        ours = ('\x1b[1;31m', '\x1b[33m', '\x1b[2m', '\x1b[1m', '\x1b[0m')
        text = answer.out
        for sequence in ours:
            text = text.replace(sequence, '')
        answer.out = text
        self.expect_clean(answer)
        self.assertEqual(len(text.splitlines()), len(plain.out.splitlines()))

    def test_names__in_json__hold_no_control_byte(self):
        for arguments in (('-J', self.pid), ('blocked', '-J', self.pid), ('check', '-J', self.pid),
                          ('dump', '-J', self.pid), ('dump', '-J', '--history', self.pid)):
            with self.subTest(arguments=arguments):
                answer = self.look(*arguments)
                self.assertIn('nasty', answer.out)
                self.assertIn('\\u001b', answer.out.lower())
                self.expect_clean(answer, in_json=True)
                json.loads(answer.out)

    def test_json__of_names__is_what_they_are(self):
        names = {node['name'] for node in self.document['nodes']}
        self.assertTrue(any('\x1b[31m' in name and '\x9b' in name and '\x7f' in name for name in names), names)

    def test_explain__each_entity__is_harmless(self):
        for node in self.document['nodes']:
            with self.subTest(node=node['id']):
                self.expect_clean(READ('explain', node['id'], self.pid))

    def test_ps_and_doctor__beside_such_a_process__are_harmless(self):
        for arguments in (('ps',), ('doctor',), ('doctor', self.pid)):
            with self.subTest(arguments=arguments):
                self.expect_clean(READ(*arguments))
        self.expect_clean(READ('ps', '-J'), in_json=True)

    def test_complaints__of_what_was_typed__are_harmless(self):
        nobody = b'nobody ' + NASTY
        for arguments in ((nobody,), ('check', nobody), (b'--' + NASTY, '1'), ('help', NASTY), ('completion', NASTY),
                          (self.pid, nobody), ('dump', self.pid, '-f', NASTY),
                          ('dump', self.pid, '-o', b'/nowhere/' + NASTY), ('blocked', '--min', NASTY, self.pid),
                          ('check', '--confirm', NASTY, self.pid), (b'/nowhere/' + NASTY,)):
            with self.subTest(arguments=arguments):
                answer = READ(*(os.fsdecode(argument) if isinstance(argument, bytes) else argument
                                for argument in arguments))
                self.assertNotIn(answer.status, (0, 1), ascii(str(answer)))
                self.assertTrue(answer.err)
                self.expect_clean(answer)

    def test_dot__of_names__is_harmless(self):
        answer = READ('dump', '-f', 'dot', self.pid)
        self.expect_clean(answer)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(HostileNames)))
