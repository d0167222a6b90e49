// SPDX-License-Identifier: MIT
// Global constructors and destructors, thread_local ones, members, templates, lambdas: as C++ uses a mutex.
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/e2e/way/early.h"

namespace
{

class Guarded
{
	peeps_mutex m_ = PEEPS_MUTEX_INIT("of an object");
	long count_ = 0;

      public:
	Guarded() = default;
	Guarded(const Guarded &) = delete;
	Guarded &operator=(const Guarded &) = delete;
	~Guarded()
	{
		(void)peeps_mutex_destroy(&m_);
	}

	long add(long what)
	{
		(void)peeps_mutex_lock(&m_);
		const long sum = count_ += what;
		(void)peeps_mutex_unlock(&m_);
		return sum;
	}
};

template <typename T> int lock_and_unlock(T &m)
{
	return peeps_mutex_lock(&m) + peeps_mutex_trylock(&m) + peeps_mutex_unlock(&m);
}

peeps_mutex shared = PEEPS_MUTEX_INIT("shared by C++");
peeps_rwlock table = PEEPS_RWLOCK_INIT("read by C++");
peeps_cond filled = PEEPS_COND_INIT("awaited by C++");
peeps_notify *told;
long entries; // under both locks to write, under any to read
long in_destructors;
bool wanted;

struct Global {
	int constructed;
	Guarded guarded;

	Global() : constructed(lock_and_unlock(shared))
	{
	}
	~Global()
	{
		if (wanted)
			way_say("global destructor: %d %ld", lock_and_unlock(shared),
				guarded.add(5));
	}
};

Global global;

struct PerThread {
	Guarded guarded;

	~PerThread()
	{
		(void)guarded.add(1);
		(void)peeps_mutex_lock(&shared);
		in_destructors++;
		(void)peeps_mutex_unlock(&shared);
	}
};

thread_local PerThread per_thread;

Guarded &local_static()
{
	static Guarded guarded;

	return guarded;
}

void fill()
{
	(void)peeps_mutex_lock(&shared);
	(void)peeps_rwlock_wrlock(&table);
	entries++;
	(void)peeps_rwlock_unlock(&table);
	(void)peeps_cond_broadcast(&filled);
	(void)peeps_mutex_unlock(&shared);
	peeps_notify_one(told);
}

long wait_until_filled(long wanted_entries)
{
	long found;

	(void)peeps_mutex_lock(&shared);
	while (entries < wanted_entries)
		(void)peeps_cond_wait(&filled, &shared);
	(void)peeps_mutex_unlock(&shared);
	(void)peeps_rwlock_rdlock(&table);
	found = entries;
	(void)peeps_rwlock_unlock(&table);
	return found;
}

} // namespace

extern "C" void early_cxx_run(void)
{
	std::vector<std::thread> threads;

	wanted = true;
	if (peeps_notify_new(&told, "told to C++") != 0)
		return;
	way_say("global constructor: %d", global.constructed);
	for (int i = 0; i < 20; i++)
		threads.emplace_back([i] {
			for (int round = 0; round < 200; round++) {
				(void)global.guarded.add(1);
				(void)local_static().add(i);
				(void)per_thread.guarded.add(1);
			}
			fill();
		});
	way_say("filled %ld", wait_until_filled(20));
	way_say("told %d", peeps_notify_wait(told));
	for (auto &thread : threads)
		thread.join();
	peeps_notify_free(told);
	way_say("counts %ld %ld, destructors %ld", global.guarded.add(0), local_static().add(0),
		in_destructors);
	(void)per_thread.guarded.add(1);
}
