/* SPDX-License-Identifier: MIT */
/*
 * PEEPS_DISABLE is per program: the wrappers' types differ, so files compiled with and without it
 * must not meet. A file without it refers to the thread-local peeps_tls; this definition, which is
 * not thread-local, makes the linker refuse ("TLS reference ... mismatches non-TLS definition").
 */
#ifndef PEEPS_DISABLED_H
#define PEEPS_DISABLED_H

#ifdef __cplusplus
extern "C" {
#endif

extern char peeps_tls;
__attribute__((weak)) char peeps_tls = 0;

#ifdef __cplusplus
}
#endif

#endif
