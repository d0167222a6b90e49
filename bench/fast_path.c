/* SPDX-License-Identifier: MIT */
/* The fast path by itself, for bench/fast_path_listing. */
#include <peeps/mutex.h>

int fast_path_lock(struct peeps_mutex *m);
int fast_path_unlock(struct peeps_mutex *m);

int fast_path_lock(struct peeps_mutex *m)
{
	return peeps_mutex_lock(m);
}

int fast_path_unlock(struct peeps_mutex *m)
{
	return peeps_mutex_unlock(m);
}
