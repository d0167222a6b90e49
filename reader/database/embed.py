#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SQL files, as C: embed.py schema FILE.sql OUT.c, or embed.py questions FILE.sql... OUT.c

A question is called like its file. Its comment, up to the first line that is none, says what it answers: the first
line in short.
"""
import os
import sys


def literal(text):
    """C strings, a line each: a compiler need not take a long one."""
    lines = text.replace('\\', '\\\\').replace('"', '\\"').splitlines()
    return '\n'.join(f'\t"{line}\\n"' for line in lines)


def question(path):
    name = os.path.splitext(os.path.basename(path))[0]
    with open(path, encoding='ascii') as file:
        text = file.read()
    first = text.splitlines()[0]
    if not first.startswith('-- '):
        sys.exit(f'{path}: does not begin with a comment that says what it answers')
    return f'\t{{ "{name}",\n{literal(first[3:].rstrip("."))[:-3]}",\n{literal(text)} }},\n'


def main():
    what, *paths, out = sys.argv[1:]
    with open(out, 'w', encoding='ascii') as file:
        if what == 'schema':
            with open(paths[0], encoding='ascii') as schema:
                file.write('#include "reader/database/schema.h"\n\n'
                           f'const char peeps_schema_sql[] =\n{literal(schema.read())};\n')
        else:
            file.write('#include "reader/query/questions.h"\n\n'
                       'const struct peeps_question peeps_questions[] = {\n'
                       f'{"".join(question(path) for path in sorted(paths))}}};\n'
                       f'const size_t peeps_question_count = {len(paths)};\n')


main()
