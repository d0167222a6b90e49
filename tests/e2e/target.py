# SPDX-License-Identifier: MIT
"""Starting programs to look at, and looking at them with the real peeps-read."""
import json
import os
import signal
import subprocess
import time

PATIENCE_S = 10


class Answer:
    def __init__(self, result):
        self.status = result.returncode
        self.out = result.stdout.decode(errors='backslashreplace')
        self.err = result.stderr.decode(errors='backslashreplace')

    def __str__(self):
        return f'exit status {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}'


class PeepsRead:
    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, timeout=20, **options):
        """An answer. Who gets none in time has hung, and fails; no test says how fast an answer is."""
        options.setdefault('stdout', subprocess.PIPE)
        result = subprocess.run([self.path, *map(str, arguments)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                timeout=timeout, check=False, **options)
        result.stdout = result.stdout or b''
        return Answer(result)

    def start(self, *arguments):
        """For those that take their time."""
        return subprocess.Popen([self.path, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def document(self, pid):
        answer = self('dump', '-f', 'json', pid)
        assert answer.status in (0, 7), answer
        return json.loads(answer.out)

    def until(self, pid, condition, *arguments):
        """The first answer that the condition accepts; the last one if none is."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self(*arguments, pid)
            if condition(answer) or time.monotonic() > deadline:
                return answer
            time.sleep(0.05)


class Target:
    """A program that runs until the end of a `with`."""

    def __init__(self, *command, env=None, ready=True):
        self.process = subprocess.Popen(list(command), stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                                        env={**os.environ, **(env or {})}, start_new_session=True)
        self.pid = self.process.pid
        if ready:
            self.said = self.process.stdout.readline().decode().strip()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()


def attribute(node, name):
    return node['attrs'][name]
