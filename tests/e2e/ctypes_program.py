#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Python program that uses libpeeps through ctypes, and stays as it is: two threads in a deadlock, and one of each.
Prints its PID.

usage: ctypes_program.py LIBPEEPS [--ordered]
"""
import ctypes
import os
import sys
import threading

NOTIFY_WAIT_OP, USER_SCOPE, RESOURCE_ROLE, COUNT_TYPE, INTERNAL = 5, 5, 2, 1, 1
PEEPS = ctypes.CDLL(sys.argv[1], use_errno=True)
ORDERED = '--ordered' in sys.argv


class Ref(ctypes.Structure):
    _fields_ = [('bits', ctypes.c_uint64)]


class Scope(ctypes.Structure):
    _fields_ = [('bits', ctypes.c_uint64)]


class Attribute(ctypes.Structure):
    _fields_ = [('name', ctypes.c_char_p), ('type', ctypes.c_uint32), ('bits', ctypes.c_uint32)]


class KindDef(ctypes.Structure):
    _fields_ = [('name', ctypes.c_char_p), ('prefix', ctypes.c_char_p), ('role', ctypes.c_uint32),
                ('visibility', ctypes.c_uint32), ('attributes', ctypes.POINTER(Attribute)),
                ('attribute_count', ctypes.c_size_t)]


for name, result, arguments in (
        ('task_new', Ref, [ctypes.c_char_p]), ('task_enter', Ref, [Ref]), ('task_leave', None, [Ref]),
        ('actor_self', Ref, []), ('thread_name', None, [ctypes.c_char_p]),
        ('entity_new_noted', Ref, [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_char_p]),
        ('entity_set', None, [Ref, ctypes.c_uint32, ctypes.c_uint64]),
        ('op_begin', Ref, [Ref, ctypes.c_uint32, Ref, ctypes.c_uint64]), ('op_pend', None, [Ref]),
        ('op_poll', None, [Ref]), ('scope_new', Scope, [ctypes.c_uint32, ctypes.c_char_p]),
        ('scope_add', None, [Scope, Ref]), ('kind_new', ctypes.c_uint32, [ctypes.POINTER(KindDef), ctypes.c_void_p]),
        ('sem_new', ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]),
        ('sem_acquire', ctypes.c_int, [ctypes.c_void_p, ctypes.c_uint32]),
        ('sem_release', ctypes.c_int, [ctypes.c_void_p, ctypes.c_uint32]),
        ('mpsc_new', ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t]),
        ('mpsc_send', ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]),
        ('mpsc_recv', ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]),
        ('mpsc_rx_moved', None, [ctypes.c_void_p])):
    function = getattr(PEEPS, 'peeps_' + name)
    function.restype, function.argtypes = result, arguments


class Lock:
    """A mutex or rwlock: memory that nobody moves, twice as large as any is."""

    def __init__(self, kind, name):
        self.kind = kind
        self.memory = ctypes.create_string_buffer(256)
        self('init', name.encode(), None)

    def __call__(self, what, *arguments):
        status = getattr(PEEPS, f'peeps_{self.kind}_{what}')(self.memory, *arguments)
        if status:
            raise OSError(status, os.strerror(status))


def cross(name, first, second, both):
    PEEPS.peeps_thread_name(name)
    first('lock')
    if not ORDERED:
        both.wait()
    second('lock')
    second('unlock')
    first('unlock')


def start(body, *arguments):
    thread = threading.Thread(target=body, args=arguments, daemon=True)
    thread.start()
    return thread


def hold_and_want(rwlock, tables, rx):
    """Waits for what nobody will send, as a task, with two locks and a permit."""
    item = ctypes.c_uint64()
    PEEPS.peeps_thread_name(b'worker')
    rwlock('rdlock')
    PEEPS.peeps_sem_acquire(tables, 2)
    PEEPS.peeps_mpsc_rx_moved(rx)
    task = PEEPS.peeps_task_new(b'job')
    before = PEEPS.peeps_task_enter(task)
    while PEEPS.peeps_mpsc_recv(rx, ctypes.byref(item)) == 0:
        pass
    PEEPS.peeps_task_leave(before)


def make_own():
    """An entity of a kind of Python's own, in a scope."""
    attribute = Attribute(b'users', COUNT_TYPE, 0)
    definition = KindDef(b'session', None, RESOURCE_ROLE, INTERNAL, ctypes.pointer(attribute), 1)
    number = ctypes.c_uint32()
    kind = PEEPS.peeps_kind_new(ctypes.byref(definition), ctypes.byref(number))
    session = PEEPS.peeps_entity_new_noted(kind, b'alice', b'of Python')
    scope = PEEPS.peeps_scope_new(USER_SCOPE, b'office')
    PEEPS.peeps_entity_set(session, number.value, 3)
    PEEPS.peeps_scope_add(scope, session)
    operation = PEEPS.peeps_op_begin(PEEPS.peeps_actor_self(), NOTIFY_WAIT_OP, session, 0)
    PEEPS.peeps_op_pend(operation)
    PEEPS.peeps_op_poll(operation)


def main():
    left, right, rwlock = Lock('mutex', 'left'), Lock('mutex', 'right'), Lock('rwlock', 'map')
    tables, tx, rx = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    item, both = ctypes.c_uint64(7), threading.Barrier(2)

    PEEPS.peeps_thread_name(b'python')
    if PEEPS.peeps_sem_new(ctypes.byref(tables), b'tables', 3) != 0:
        sys.exit('no semaphore')
    if PEEPS.peeps_mpsc_new(ctypes.byref(tx), ctypes.byref(rx), b'dishes', 8, 4) != 0:
        sys.exit('no channel')
    for _ in range(3):
        PEEPS.peeps_mpsc_send(tx, ctypes.byref(item))
    make_own()
    threads = [start(cross, b'alpha', left, right, both),
               start(cross, b'beta', left if ORDERED else right, right if ORDERED else left, both)]
    start(hold_and_want, rwlock, tables, rx)
    if ORDERED:
        for thread in threads:
            thread.join()
    print(os.getpid(), flush=True)
    threading.Event().wait()


main()
