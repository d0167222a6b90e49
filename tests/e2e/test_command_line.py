#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line: what is refused and how, and that help, man page and completions know the same words.

usage: test_command_line.py PEEPS_READ EXAMPLE MAN_PAGE|-
"""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

import tap
from target import PeepsRead, Target

PROGRAM = os.path.abspath(sys.argv[1])
READ = PeepsRead(PROGRAM)
EXAMPLE, MAN_PAGE = sys.argv[2:4]

GONE = '4194304'  # beyond what a PID can be
COLORS = re.compile(r'\x1b\[[0-9;]*m')


def words_of_help():
    """({verb}, {--option}, {-letter}) as --help has them: the lists that all else is compared with."""
    verbs, options, letters = set(), set(), set()
    section = None
    for line in READ('--help').out.splitlines():
        if not line.startswith('  '):
            section = line or section
        elif section.startswith('Options'):
            letters.update(re.findall(r'^  (-\w),', line))
            options.update(re.findall(r'^  .{3} (--[a-z-]+)', line))
        elif re.match(r'  [a-z]', line):
            verbs.add(line.split()[0])
    return verbs, options, letters


VERBS, OPTIONS, LETTERS = words_of_help()
QUESTIONS = {line.split()[0] for line in READ('query').out.split('\n\n')[0].splitlines()}


def on_terminal(*arguments, columns=100, rows=30, env=None, interrupt_after=None):
    """(status, what a terminal of that size was sent). Interrupted once it has been sent that twice; what had been written
    by then, and not been read, ^C throws away."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.pop('COLUMNS', None)
        os.environ.pop('NO_COLOR', None)
        os.environ.update({'TERM': 'xterm', **(env or {})})
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        os.execv(PROGRAM, [PROGRAM, *map(str, arguments)])
    sent = b''
    try:
        while True:
            piece = os.read(terminal, 65536)
            if not piece:
                break
            sent += piece
            if interrupt_after and sent.count(interrupt_after.encode()) >= 2:
                os.write(terminal, b'\x03')
                interrupt_after = None
    except OSError:  # Linux says EIO when the last writer has closed it
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sent.decode().replace('\r\n', '\n')


class Refusals(unittest.TestCase):
    # what is typed, exit status, and what must be among what is said
    TABLE = (
        # options that there are not
        ('--nope 1', 2, "'--nope'", 'peeps-read --help'),
        ('check --pasive 1', 2, "'--pasive'", 'did you mean --passive?'),
        ('check --maxwait=1s 1', 2, "'--maxwait=1s'", 'did you mean --max-wait?'),
        ('-x 1', 2, "'-x'", 'peeps-read --help'),
        ('blocked -min 5s 1', 2, "'-min'", 'did you mean --min?'),
        # that are another verb's
        ('check --tree 1', 2, '--tree is not an option of check', 'peeps-read help check'),
        ('dump --min 1s 1', 2, '--min is not an option of dump', 'peeps-read help dump'),
        ('ps -o x', 2, '--output is not an option of ps', 'peeps-read help ps'),
        ('-o x 1', 2, '--output is not an option of peeps-read TARGET', 'peeps-read help'),
        ('version -J', 2, '--json is not an option of version', 'peeps-read help version'),
        ('check -w 1', 2, '--watch is not an option of check', 'peeps-read help check'),
        # that contradict each other
        ('dump -J -f text 1', 2, '--json is not --format text', 'leave one of them out'),
        ('dump -f dot -J 1', 2, '--json is not --format dot', 'leave one of them out'),
        ('blocked --tree --columns actor 1', 2, '--tree prints none', 'leave one of them out'),
        ('blocked --tree --sort actor 1', 2, '--tree prints none', 'leave one of them out'),
        ('blocked --tree -J 1', 2, '--tree is for people', 'leave one of them out'),
        ('blocked -J --columns actor 1', 2, '--json has all of them', 'leave one of them out'),
        ('ps -J --sort pid', 2, '--json prints none', 'leave one of them out'),
        ('check --every 1s 1', 2, '--every is the time', 'add --confirm 3'),
        ('blocked -w -', 2, 'read once only', 'leave --watch out'),
        # arguments of options
        ('blocked --min 5 1', 2, "'5' has no unit", '5ms, 5s or 5m'),
        ('blocked --min 1.5 1', 2, "'1.5' has no unit", '1.5ms, 1.5s or 1.5m'),
        ('blocked --min soon 1', 2, "'soon' is none", '100ms'),
        ('check --max-wait 0s 1', 2, "'0s' is nothing", '100ms'),
        ('check 1 --max-wait', 2, '--max-wait takes a DURATION', '--help'),
        ('check --confirm 0 1', 2, "'0' is none", 'from 1'),
        ('check --confirm three 1', 2, "'three' is none", 'from 1'),
        ('blocked --watch=0s 1', 2, "'0s' is nothing", '100ms'),
        ('dump -f xml 1', 2, "'xml'", 'text, json, msgpack, dot, csv'),
        ('dump -f jsno 1', 2, "'jsno'", 'did you mean --format json?'),
        ('blocked --color red 1', 2, "'red'", 'auto, always or never'),
        ('dump 1 -o', 2, '--output takes a FILE', '--help'),
        ('check --passive=no 1', 2, "'--passive=no'", 'write --passive'),
        # of query
        ('query blokers 1', 2, "'blokers'", 'did you mean blockers?'),
        ('query hang.db', 2, "'hang.db'", 'peeps-read query root-blockers hang.db'),
        ('query 4711', 2, "'4711'", 'peeps-read query root-blockers 4711'),
        ('query zzzz 1', 2, "'zzzz'", 'peeps-read query lists them'),
        ('query --show', 2, 'query takes', 'peeps-read query'),
        ('query --show blockers 1', 2, "'1'", 'leave the targets out'),
        ('query --show -e x 1', 2, '--sql is SQL', 'leave one of them out'),
        ('query --show blockers -J', 2, '--json none', 'leave one of them out'),
        ('query blockers', 2, 'whom', 'peeps-read ps'),
        ('query -e x', 2, 'whom', 'peeps-read ps'),
        ('query blockers 1 -f dot', 2, 'query does not know dot', 'text, json, csv'),
        ('query blockers 1 -o x.msgpack', 2, 'query does not know msgpack', 'text, json, csv'),
        ('dump 1 -f csv', 2, 'dump does not know csv', 'text, json, msgpack, dot'),
        ('query -f csv', 2, 'no table', '-J'),
        ('query blockers 1 --timeout 0s', 2, "'0s' is nothing", '100ms'),
        ('query blockers 1 --max-rows 0', 2, "'0' is none", 'from 1'),
        # words
        ('dmup 1', 3, "'dmup'", 'did you mean the verb dump?'),
        ('blocked dmup', 3, "'dmup'", 'peeps-read ps lists'),
        ('1 check', 2, "'check' stands after '1'", 'peeps-read check'),
        ('check', 2, 'whom', 'peeps-read ps'),
        ('--passive', 2, 'whom', 'peeps-read ps'),
        ('ps 1', 2, "'1'", 'peeps-read ps'),
        ('explain', 2, 'ID [TARGET...]', 'peeps-read explain '),
        ('help nope', 2, "'nope'", 'peeps-read help'),
        ('help dmup', 2, "'dmup'", 'did you mean dump?'),
        ('help check dump', 2, "'dump'", 'peeps-read help [VERB]'),
        ('completion', 2, 'bash|zsh|fish', 'peeps-read completion bash'),
        ('completion csh', 2, "'csh'", 'bash, zsh and fish'),
        ('version 1', 2, "'1'", 'peeps-read version'),
        # nobody there
        (f'{GONE}', 3, GONE, ''),
        (f'blocked -w {GONE}', 3, GONE, ''),
        (f'check {GONE} --confirm 2 --every 1ms', 3, GONE, ''),
    )

    def expect_refusal(self, answer, status):
        lines = answer.err.splitlines()
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.out, '', answer)
        self.assertIn(len(lines), (2, 3), answer)
        self.assertTrue(all(line.startswith('peeps-read: ') for line in lines[:-1]), answer)
        self.assertTrue(lines[-1].startswith('hint: '), answer)
        self.assertTrue(all(len(line) < 160 for line in lines), answer)
        self.assertTrue(answer.err.endswith('\n'), answer)

    def test_bad_command_lines__say_what_why_and_how_to_go_on(self):
        for typed, status, why, hint in self.TABLE:
            with self.subTest(typed=typed):
                answer = READ(*typed.split())
                self.expect_refusal(answer, status)
                self.assertIn(why, answer.err)
                self.assertIn(hint, answer.err.splitlines()[-1])

    def test_empty_words__are_refused(self):
        for arguments in (('',), ('blocked', ''), ('ps', '--columns='), ('ps', '--sort', ''), ('dump', '1', '-o', ''),
                          ('blocked', '1', '--min='), ('help', ''), ('completion', '')):
            with self.subTest(arguments=arguments):
                self.expect_refusal(READ(*arguments), 2)

    def test_very_long_words__are_refused_in_few_bytes(self):
        long = 'x' * 100000
        for arguments in ((long,), ('--' + long,), ('blocked', '--min', long, '1'), ('help', long), ('1', long, 'check'),
                          ('dump', '1', '-f', long), ('completion', long)):
            with self.subTest(arguments=[argument[:10] for argument in arguments]):
                answer = READ(*arguments)
                self.assertIn(answer.status, (2, 3), answer)  # it may be the name of nobody
                self.assertLess(len(answer.err), 500)

    def test_too_many_words__are_refused(self):
        self.expect_refusal(READ('blocked', *map(str, range(1, 100))), 2)


class Words(unittest.TestCase):
    """Help, the man page and the completions come from one table: this is that they do."""

    def test_help__has_verbs_and_options(self):
        self.assertLessEqual({'ps', 'blocked', 'check', 'explain', 'dump', 'doctor', 'gc', 'completion', 'help', 'version'},
                             VERBS)
        self.assertLessEqual({'--json', '--tree', '--min', '--max-wait', '--confirm', '--every', '--format', '--output',
                              '--columns', '--sort', '--watch', '--color', '--passive', '--history'}, OPTIONS)
        self.assertLessEqual({'-J', '-f', '-o', '-w', '-h'}, LETTERS)

    def test_help__of_each_verb__has_usage_options_statuses_and_examples(self):
        seen = set()
        for verb in sorted(VERBS):
            with self.subTest(verb=verb):
                answer = READ('help', verb)
                self.assertEqual(answer.status, 0, answer)
                self.assertEqual(answer.err, '')
                self.assertEqual(answer.out, READ(verb, '--help').out)
                self.assertTrue(answer.out.startswith(f'usage: peeps-read {verb}'), answer)
                for title in ('Options:', 'Exit status:', 'Examples:'):
                    self.assertIn(f'\n{title}\n', answer.out)
                options = answer.out[answer.out.index('Options:'):answer.out.index('Exit status:')]
                seen.update(re.findall(r'--[a-z-]+', options))
                # The first example is understood: it fails for its target at most.
                example = re.search(r'Examples:\n  (?:\w+=\S+ )?peeps-read(.*)\n', answer.out)
                if example and verb != 'completion':
                    self.assertNotIn('option', READ(*example[1].split(), '--help').err)
        self.assertEqual(seen, OPTIONS)

    def test_man_page__has_every_verb_option_and_status(self):
        if MAN_PAGE == '-':
            self.skipTest('scdoc is not installed')
        with open(MAN_PAGE, encoding='utf-8') as file:
            # roff: no hyphens but minuses, and fonts
            text = re.sub(r'\\f[A-Z]|\\&', '', file.read()).replace('\\-', '-')
        self.assertNotIn('@', re.sub(r'\S+@\S+', '', text.replace('.\\"', '')).split('.TH')[-1].replace('@"', ''))
        for verb in VERBS:
            self.assertIn(f'peeps-read {verb}', text)
        for option in OPTIONS | LETTERS:
            self.assertRegex(text, rf'(?m)(^|\W){option}\b')
        for status in range(9):
            self.assertRegex(text, rf'(?m)^{status}$')
        for word in ('NO_COLOR', 'COLUMNS', 'PEEPS_DIR'):
            self.assertIn(word, text)

    def test_man_page__is_sound(self):
        if MAN_PAGE == '-' or not shutil.which('man'):
            self.skipTest('needs scdoc and man')
        result = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', MAN_PAGE],
                                capture_output=True, check=False, timeout=60, env={**os.environ, 'MANWIDTH': '80'})
        self.assertEqual((result.returncode, result.stderr), (0, b''))


class Completions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.path = {}
        for shell in ('bash', 'zsh', 'fish'):
            answer = READ('completion', shell)
            assert answer.status == 0, answer
            cls.path[shell] = os.path.join(cls.scratch.name, 'peeps-read.' + shell)
            with open(cls.path[shell], 'w', encoding='utf-8') as file:
                file.write(answer.out)
        # What is completed calls a program of that name for the PIDs: a stand-in, so that they are known.
        cls.stand_in = os.path.join(cls.scratch.name, 'peeps-read')
        with open(cls.stand_in, 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\n[ "$1" = ps ] || exit 2\necho " PID  NAME"\necho "4711  orders"\necho " 815  mail"\n')
        os.chmod(cls.stand_in, 0o755)
        os.mkdir(os.path.join(cls.scratch.name, 'files'))
        for name in ('hang.msgpack', 'with blank.json'):
            with open(os.path.join(cls.scratch.name, 'files', name), 'w', encoding='utf-8'):
                pass

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def bash(self, *words, program=None):
        """What bash would offer for the last of the words."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
                  '_peeps_read; printf "%s\\n" "${COMPREPLY[@]}"')
        result = subprocess.run(['bash', '-c', script, 'bash', self.path['bash'], program or self.stand_in, *words],
                                capture_output=True, check=False, timeout=60, text=True,
                                cwd=os.path.join(self.scratch.name, 'files'))
        self.assertEqual(result.stderr, '')
        return set(result.stdout.split('\n')) - {''}

    def test_bash__is_sound(self):
        subprocess.run(['bash', '-n', self.path['bash']], check=True, timeout=60)

    def test_bash__first_word__is_a_verb_or_a_pid(self):
        self.assertEqual(self.bash(''), VERBS | {'4711', '815'})
        self.assertEqual(self.bash('b'), {'blocked'})
        self.assertEqual(self.bash('47'), {'4711'})
        self.assertEqual(self.bash('ha'), {'hang.msgpack'})

    def test_bash__options__are_those_of_the_verb(self):
        self.assertEqual(self.bash('--'), OPTIONS)
        self.assertEqual(self.bash('-J', '--m'), {'--min', '--max-wait', '--max-rows', '--max-size'})
        for verb in sorted(VERBS):
            options = READ('help', verb).out
            options = options[options.index('Options:'):options.index('Exit status:')]
            self.assertEqual(self.bash(verb, '--'), set(re.findall(r'--[a-z-]+', options)), verb)
        self.assertEqual(self.bash('dump', '4711', '--f'), {'--format'})

    def test_bash__arguments_of_options__are_what_they_can_be(self):
        self.assertEqual(self.bash('dump', '-f', ''), {'text', 'json', 'msgpack', 'dot'})
        self.assertEqual(self.bash('query', '-f', ''), {'text', 'json', 'csv'})
        self.assertEqual(self.bash('-f', ''), {'text', 'json', 'msgpack', 'dot', 'csv'})
        self.assertEqual(self.bash('dump', '--format', 'j'), {'json'})
        self.assertEqual(self.bash('dump', '--format', '=', 'm'), {'msgpack'})
        self.assertEqual(self.bash('--color', '='), {'auto', 'always', 'never'})
        self.assertEqual(self.bash('dump', '4711', '-o', ''), {'hang.msgpack', 'with blank.json'})
        self.assertEqual(self.bash('check', '--max-wait', ''), set())

    def test_bash__targets__are_pids_and_files(self):
        for verb in ('blocked', 'check', 'dump', 'doctor'):
            self.assertEqual(self.bash(verb, ''), {'4711', '815', 'hang.msgpack', 'with blank.json'}, verb)
        self.assertEqual(self.bash('blocked', '-w', '8'), {'815'})
        self.assertEqual(self.bash('query', ''), QUESTIONS | {'4711', '815'})
        self.assertEqual(self.bash('query', 'hang'), {'hang.msgpack'})
        self.assertEqual(self.bash('query', 'blockers', ''), {'4711', '815', 'hang.msgpack', 'with blank.json'})
        self.assertEqual(self.bash('ps', ''), set())
        self.assertEqual(self.bash('completion', ''), {'bash', 'zsh', 'fish'})
        self.assertEqual(self.bash('help', ''), VERBS)

    def test_bash__a_real_process__is_offered(self):
        with Target(EXAMPLE) as target:
            if READ('ps').status != 0:
                self.skipTest('peeps-read ps fails')
            self.assertIn(str(target.pid), self.bash('blocked', '', program=PROGRAM))

    def test_zsh__is_sound_and_knows_the_words(self):
        with open(self.path['zsh'], encoding='utf-8') as file:
            text = file.read()
        for verb in VERBS:
            self.assertIn(f"\t'{verb}:", text)
        for question in QUESTIONS:
            self.assertIn(f"\t'{question}:", text)
        for option in OPTIONS:
            self.assertRegex(text, rf'{option}[=\[}}]')
        if not shutil.which('zsh'):
            self.skipTest('zsh is not installed')
        subprocess.run(['zsh', '-n', self.path['zsh']], check=True, timeout=60)
        # Loaded as the completion system would, without one complaint.
        result = subprocess.run(['zsh', '-f', '-c', 'autoload -U compinit && compinit -D -u && source "$1" && '
                                 'whence -w _peeps_read && print ${_comps[peeps-read]}', 'zsh', self.path['zsh']],
                                capture_output=True, check=False, timeout=60, text=True)
        self.assertEqual((result.stdout, result.stderr), ('_peeps_read: function\n_peeps_read\n', ''))

    def fish(self, line):
        """What fish would offer at the end of a line."""
        result = subprocess.run(['fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', self.path['fish'],
                                 line], capture_output=True, check=False, timeout=60, text=True,
                                cwd=os.path.join(self.scratch.name, 'files'),
                                env={**os.environ, 'HOME': self.scratch.name,
                                     'PATH': self.scratch.name + ':' + os.environ['PATH']})
        self.assertEqual(result.stderr, '')
        return {offered.split('\t')[0] for offered in result.stdout.splitlines()}

    def test_fish__offers_verbs_options_and_targets(self):
        if not shutil.which('fish'):
            self.skipTest('fish is not installed')
        subprocess.run(['fish', '--no-config', '-n', self.path['fish']], check=True, timeout=60)
        self.assertLessEqual(VERBS | {'4711', '815'}, self.fish('peeps-read '))
        self.assertEqual(self.fish('peeps-read --'), OPTIONS)
        self.assertEqual(self.fish('peeps-read check --m'), {'--max-wait'})
        self.assertEqual(self.fish('peeps-read dump -f '), {'text', 'json', 'msgpack', 'dot'})
        self.assertEqual(self.fish('peeps-read query -f '), {'text', 'json', 'csv'})
        self.assertLessEqual(QUESTIONS, self.fish('peeps-read query '))
        self.assertEqual(self.fish('peeps-read completion '), {'bash', 'zsh', 'fish'})
        self.assertEqual(self.fish('peeps-read blocked '), {'4711', '815', 'hang.msgpack', 'with blank.json'})


class Looks(unittest.TestCase):
    """Colors, widths and --watch, of a real process."""

    @classmethod
    def setUpClass(cls):
        cls.target = Target(EXAMPLE)
        cls.addClassCleanup(cls.target.__exit__)
        cls.pid = cls.target.pid
        answer = READ.until(cls.pid, lambda answer: answer.status == 1, 'check')
        assert answer.status == 1, answer

    @staticmethod
    def without_times(text):
        text = re.sub(r'20\d\d-\S+Z', 'TIME', text)
        text = re.sub(r'(?m)^ *[\d.]+ (ms|s)', 'WAITED', text)
        return re.sub(r' *[\d.]+ (ms|s)', ' HELD', text)

    def test_color__text_is_the_same_but_for_them(self):
        for arguments in ((self.pid,), ('blocked', self.pid), ('blocked', '--tree', self.pid), ('check', self.pid)):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.without_times(COLORS.sub('', READ(*arguments, '--color=always').out)),
                                 self.without_times(READ(*arguments).out))

    def watch(self, *arguments):
        return subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)

    def read_looks(self, process, count):
        """So many lines that head a look."""
        lines, seen = [], 0
        while seen < count:
            line = process.stdout.readline().decode()
            self.assertTrue(line, 'it ended')
            lines.append(line)
            seen += bool(re.fullmatch(r'20\d\d-\S+Z\n', line))
        return lines

    def test_color__wishes_and_environment__are_heard(self):
        plain = {'NO_COLOR': '1'}, {'TERM': 'dumb'}
        self.assertRegex(READ(self.pid, '--color', 'always').out, COLORS)
        self.assertNotRegex(READ(self.pid).out, COLORS)
        self.assertRegex(on_terminal(self.pid)[1], COLORS)
        self.assertRegex(on_terminal(self.pid, '--color=always', env=plain[0])[1], COLORS)
        self.assertNotRegex(on_terminal(self.pid, '--color=never')[1], COLORS)
        for env in plain:
            self.assertNotRegex(on_terminal(self.pid, env=env)[1], COLORS)
        self.assertRegex(on_terminal(self.pid, env={'NO_COLOR': ''})[1], COLORS)

    def test_width__of_a_terminal__is_kept_to_as_far_as_it_goes(self):
        table = READ('blocked', self.pid).out.split('\n\n')[1]
        widest = max(map(len, table.splitlines()))
        narrow = on_terminal('blocked', self.pid, '--color=never', columns=widest - 10)[1].split('\n\n')[1]
        self.assertLessEqual(max(map(len, narrow.splitlines())), widest - 10)
        self.assertEqual(len(narrow.splitlines()), len(table.splitlines()))
        self.assertNotIn('.c:', narrow)  # places go first
        wide = on_terminal('blocked', self.pid, '--color=never', columns=200)[1].split('\n\n')[1]
        self.assertEqual(self.without_times(wide), self.without_times(table))
        by_environment = READ('blocked', self.pid, env={**os.environ, 'COLUMNS': str(widest - 10)}).out.split('\n\n')[1]
        self.assertEqual(self.without_times(by_environment), self.without_times(narrow))

    def test_watch__interrupted__ends_with_the_last_status(self):
        for arguments, status in (((self.pid, '-w', '20ms'), 1), (('blocked', self.pid, '-w20ms'), 0)):
            with self.subTest(arguments=arguments):
                process = self.watch(*arguments)
                lines = self.read_looks(process, 3)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=20)
                self.assertEqual((process.returncode, err), (status, b''))
                self.assertTrue((lines[-1].encode() + out).endswith(b'\n'))
                # An empty line between looks, none before the first.
                self.assertRegex(lines[0], '^20')
                self.assertGreaterEqual(len([line for line in lines if line == '\n']), 2)

    def test_watch__nobody_reads_on__ends_quietly(self):
        process = self.watch('blocked', self.pid, '-w', '20ms')
        self.read_looks(process, 2)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(process.stderr.read(), b'')
        process.stderr.close()

    def test_watch__target_ends__says_so_and_exits_3(self):
        with Target(EXAMPLE) as target:
            process = self.watch('blocked', target.pid, '-w', '20ms')
            self.read_looks(process, 2)
        err = process.communicate(timeout=20)[1].decode()
        self.assertEqual(process.returncode, 3, err)
        self.assertIn(str(target.pid), err)
        self.assertLessEqual(len(err.splitlines()), 3)

    def test_watch__json__is_a_document_per_look(self):
        process = self.watch('blocked', '-J', self.pid, '-w', '20ms')
        for _ in range(3):
            self.assertIn('waits', json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=20)[0]
        self.assertEqual(process.returncode, 0)
        for line in out.splitlines():
            json.loads(line)

    def test_watch__on_a_terminal__each_look_takes_the_place_of_the_last(self):
        status, sent = on_terminal('blocked', self.pid, '-w', '20ms', '--color=never', interrupt_after='\x1b[H')
        self.assertEqual(status, 0)
        looks = sent.split('\x1b[H')
        self.assertGreaterEqual(len(looks), 3)
        self.assertEqual(looks[0], '')
        for look in looks[1:-1]:
            self.assertIn('\x1b[J', look)
            self.assertIn('left', look)
        # Whatever the last look lacks, lines are not cut any more.
        self.assertTrue(sent.endswith('\x1b[?7h'), sent)

    def test_watch__a_low_terminal__is_not_scrolled(self):
        sent = on_terminal(self.pid, '-w', '20ms', rows=6, interrupt_after='\x1b[H')[1]
        looks = sent.split('\x1b[H')[1:]
        self.assertGreaterEqual(len(looks), 2)
        for look in looks[:-1]:
            self.assertLess(look.split('\x1b[J')[0].count('\n'), 6)
            self.assertIn('more lines', look)


if __name__ == '__main__':
    sys.exit(tap.run_suite(unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in (Refusals, Words, Completions, Looks))))
