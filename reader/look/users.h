/* SPDX-License-Identifier: MIT */
/* Users by name, as /etc/passwd has them: the C library would ask daemons, through sockets. */
#ifndef PEEPS_READER_USERS_H
#define PEEPS_READER_USERS_H

#include <sys/types.h>

#define PEEPS_USER_BYTES 33

/**
 * peeps_user_name - a user's name; the number if it has none there
 *
 * Returns name.
 */
const char *peeps_user_name(char name[static PEEPS_USER_BYTES], uid_t uid);

#endif
