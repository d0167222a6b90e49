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

} // namespace

extern "C" void early_cxx_run(void)
{
	std::vector<std::thread> threads;

	wanted = true;
	way_say("global constructor: %d", global.constructed);
	for (int i = 0; i < 20; i++)
		threads.emplace_back([i] {
			for (int round = 0; round < 200; round++) {
				(void)global.guarded.add(1);
				(void)local_static().add(i);
				(void)per_thread.guarded.add(1);
			}
		});
	for (auto &thread : threads)
		thread.join();
	way_say("counts %ld %ld, destructors %ld", global.guarded.add(0), local_static().add(0),
		in_destructors);
	(void)per_thread.guarded.add(1);
}
