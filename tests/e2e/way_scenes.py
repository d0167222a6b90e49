# SPDX-License-Identifier: MIT
"""The scenes of each theme of never_in_the_way.py, and what their segment must say of them.

status        the scene's exit status
reported      false: the scene ends where it can say nothing of its segment
at_least_one  what a segment with room for it must have recorded at least once
kept          0: with PEEPS_DIR it has a memfd all the same
losses        false: even room for one of everything is enough
"""
# What a user may have typed, or a script mangled: it is left at the default, or brought within bounds.
GARBAGE = [
    {'PEEPS_CAPACITY': text} for text in (
        '', ',', '=', ',,,=,=,', 'entities', 'entities=', 'entities=-5', 'entities=0x10', 'entities=1e6', 'entities=12,',
        'entities=99999999999999999999999999,threads=99999999999999999999', 'threads=18446744073709551615', 'text=1G',
        'entities=10Q,edges=7', 'text=18014398509481984K', 'sites=0,edges=0,threads=0,text=0,entities=0',
        'ENTITIES=5', ' entities=5', 'entities=5 ', 'entities=\xff', 'x' * 100000, 'entities=3,' * 5000)
] + [
    {'PEEPS_NAME': text} for text in (
        '', ' ', '/', '../../etc/passwd', 'a' * 10000, '\n\r\t\x1b[31m', '"}{', '%s%n%n', 'n\udcff\udcfe', '名前', '-', '.')
] + [
    {'PEEPS_DIR': text} for text in (
        '', '/', '.', 'dev/shm', '/dev/shm', '/proc', '/proc/self/fd', '/sys', '/etc/passwd', '/dev/null', '/tmp',
        '/dev/shm/there is none/of that', '/dev/shm/..', '/dev/shm/.', '//', '/dev/shm/' + 'x' * 300, '/' + 'y' * 10000,
        '%s%n')
] + [{'PEEPS': text} for text in ('', '1', '00', ' 0', 'no', '\n')]

LOCKS = {'at_least_one': ('acquires',)}
EDGES = {'at_least_one': ('edges',)}
WAITS = {'at_least_one': ('edges', 'waits')}

SCENES = {
    'fork': {
        'plain': LOCKS,
        'silent_child': {'at_least_one': (), 'losses': False},
        'threaded': {},
        'atfork': {},
        'nested': LOCKS,
        'no_handlers': LOCKS,
        'no_handlers_then_fork': LOCKS,
        'exec': LOCKS,
        'from_a_thread': LOCKS,
        'cancelled': {'at_least_one': (), 'losses': False},
        'changed_child': LOCKS,
        'first_locks_at_once': {'at_least_one': (), 'losses': False},
    },
    'descriptors': {
        'numbers': LOCKS,
        'closed': LOCKS,
        'replaced': LOCKS,
        'daemon_like': LOCKS,
        'low_numbers': LOCKS,
    },
    'threads': {
        'churn': {},
        'names': LOCKS,
        'alive_300': {},
        'alive_10000': {'at_least_one': ('acquires', 'waits', 'overflow_threads')},
        'main_leaves': {'reported': False},
        'main_leaves_at_once': {'reported': False},
        'main_leaves_a_child': LOCKS,
        'terminated': {'at_least_one': (), 'losses': False},
        'exit_amid': {'at_least_one': (), 'losses': False},
        'vanished': LOCKS,
        'cancelled': {},
        'cancelled_before': LOCKS,
        'destructors': LOCKS,
    },
    'mutex': {
        'normal': {},
        'recursive': {},
        'errorcheck': {},
        'robust': {'at_least_one': ('waits',)},
        'priority': {'at_least_one': ('waits',)},
        'process_shared': {'at_least_one': ()},
        'plain_symbols': {},
        'condition': LOCKS,
        'condition_cancelled': LOCKS,
        'behind_our_back': {},
        'contention': {},
    },
    'cond': {
        'kinds': WAITS,
        'misuse': EDGES,
        'in_turns': WAITS,
        'one_each': WAITS,
        'destroyed_at_once': WAITS,
        'cancelled': WAITS,
        'owner_dies': WAITS,
        'forked': WAITS,
        'process_shared': {'at_least_one': ()},
        'plain_symbols': WAITS,
    },
    'rwlock': {
        'readers_first': WAITS,
        'writers_first': WAITS,
        'waits': WAITS,
        'process_shared': {'at_least_one': ()},
        'forked': WAITS,
        'plain_symbols': WAITS,
        'behind_our_back': WAITS,
        'left_behind': EDGES,
        'contention': WAITS,
    },
    'sem': {
        'values': EDGES,
        'unnamed': EDGES,
        'plain_symbols': EDGES,
        'by_another_thread': EDGES,
        'signals': WAITS,
        'freed_at_once': EDGES,
        'contention': WAITS,
        'churn': EDGES,
        'cancelled': WAITS,
        'interrupted': WAITS,
        'starved': WAITS,
        'forked': WAITS,
        'forked_amid_contention': WAITS,
    },
    'tasks': {
        'nested': {'at_least_one': ('entities',)},
        'mutexes': LOCKS,
        'moved': {'at_least_one': ('acquires', 'waits')},
        'sleeps': {'at_least_one': ('entities',), 'losses': False},
        'interrupted': {'at_least_one': ('entities',), 'losses': False},
        'cancelled': {'at_least_one': ('entities',)},
        'forked': {'at_least_one': ('entities',)},
    },
    'mpsc': {
        'alone': WAITS,
        'plain_symbols': WAITS,
        'sizes': WAITS,
        'closed': WAITS,
        'receiver_gone': WAITS,
        'waits': WAITS,
        'waits_of_many': WAITS,
        'cancelled': WAITS,
        'handlers': WAITS,
        'growth': WAITS,
        'many_senders': WAITS,
        'races': WAITS,
        'forked': WAITS,
    },
    'oneshot': {
        'alone': WAITS,
        'plain_symbols': EDGES,
        'sizes': EDGES,
        'ends': EDGES,
        'misuse': EDGES,
        'waits': WAITS,
        'freed_amid': WAITS,
        'cancelled': WAITS,
        'calls': WAITS,
        'races': EDGES,
        'forked': EDGES,
    },
    'watch': {
        'alone': WAITS,
        'plain_symbols': EDGES,
        'sizes': EDGES,
        'receivers': WAITS,
        'misuse': EDGES,
        'waits': WAITS,
        'freed_amid': WAITS,
        'cancelled': WAITS,
        'changes': WAITS,
        'races': EDGES,
        'forked': EDGES,
    },
    'early': {
        'phases': LOCKS,
        'cxx': LOCKS,
    },
    'plugin': {
        'watched': LOCKS,
        'reopened': {'reader': False, 'at_least_one': ('acquires',)},
        'in_a_thread': {'reader': False, 'at_least_one': ('acquires',)},
        'in_a_child': {'reader': False, 'at_least_one': ('acquires',)},
        'main_leaves': {'reader': False, 'at_least_one': ('acquires',)},
    },
    'signals': {
        'trylock': LOCKS,
        'on_another_stack': LOCKS,
        'nested': LOCKS,
        'first_uses': LOCKS,
        'siglongjmp_away': {'at_least_one': ('acquires',)},
        'siglongjmp_from_a_wait': {'at_least_one': ('waits',)},
        'sigwaited': LOCKS,
        'masks': LOCKS,
    },
    'kept': {
        'sound': LOCKS,
        'unsound': LOCKS,
        'removed': LOCKS,
        'changed_root': LOCKS,
        'changed_user': LOCKS,
        'full': LOCKS,
        'filled': LOCKS,
        'covered': LOCKS,
        'ends': LOCKS,
    },
    'allocator': {
        'first_thread_alone': LOCKS,
        'threads': LOCKS,
        'mutexes': LOCKS,
        'forks': LOCKS,
    },
    'limits': {
        'plain_work': {'environments': GARBAGE},
        'few_descriptors': LOCKS,
        'small_files': LOCKS,
        'small_address_space': LOCKS,
        'no_more_memory': LOCKS,
        'full_tmpfs': LOCKS,
        'locked_memory': LOCKS,
        'sandbox': LOCKS,
        'sandbox_then_fork': LOCKS,
        'sandbox_at_once': {'reported': False},
        'nice_and_idle': LOCKS,
    },
}
