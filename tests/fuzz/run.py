#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A short run of one fuzzer, always the same one, as a test; `-` for the program: there is none, and this says why.

usage: run.py PROGRAM RUNS BYTES_MAX CORPUS [DICTIONARY]

What it finds stays in the working directory as crash-..., which the program reads as its one argument. Without a bound on
the runs, and with a corpus to keep, it is called by hand: PROGRAM -rss_limit_mb=1024 KEPT CORPUS
"""
import os
import subprocess
import sys
import tempfile


def main():
    program, runs, bytes_max, corpus = sys.argv[1:5]
    if program == '-':
        print('1..0 # SKIP needs clang and its libFuzzer')
        return 0
    program = os.path.abspath(program)
    name = os.path.basename(program)
    with tempfile.TemporaryDirectory() as fresh:
        options = [f'-runs={runs}', '-seed=1', f'-max_len={bytes_max}', '-timeout=20', '-rss_limit_mb=1024',
                   '-malloc_limit_mb=256', '-print_final_stats=1', '-verbosity=0']
        options += [f'-dict={dictionary}' for dictionary in sys.argv[5:]]
        ran = subprocess.run([program] + options + [fresh, corpus], capture_output=True, text=True, errors='replace',
                             check=False)
    print('1..1')
    print(f'{"ok" if ran.returncode == 0 else "not ok"} 1 - {name}__of_{runs}_inputs__finds_nothing')
    for line in ran.stderr.splitlines()[-60 if ran.returncode else -8:]:
        print('#', line)
    return 0


if __name__ == '__main__':
    sys.exit(main())
