// Threads and what they wait for, as runtime/include/__external_threading declares them: memory that is waited for and
// woken up (WebAssembly's own instructions), and workers that JavaScript makes beforehand, since none can be made while
// the thread that asks for one blocks. Where memory isn't shared there is one thread, which never waits.
#include "export.hpp"

#include <__external_threading>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

namespace {

constexpr std::int64_t kForever = -1;
constexpr int kTimedOut = 2;

int load(const int* word) noexcept {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
void store(int* word, int value) noexcept {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
bool exchange_if(int* word, int expected, int value) noexcept {
  return __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
/// Sleeps while the word is `value`, or not at all.
int wait(int* word, int value, std::int64_t nanoseconds = kForever) noexcept {
  return __builtin_wasm_memory_atomic_wait32(word, value, nanoseconds);
}
void wake(int* word, unsigned count) noexcept {
  __builtin_wasm_memory_atomic_notify(word, count);
}

// Of a mutex.
constexpr int kFree = 0;
constexpr int kLocked = 1;
constexpr int kLockedAndWaitedFor = 2;

/// What a worker does.
enum State : int { kComing, kIdle, kRunning, kDone };

/// A worker, and the thread that it runs.
struct Slot {
  int state = kDone;
  void* (*start)(void*) = nullptr;
  void* argument = nullptr;
  int taken = 0;
};

constexpr std::size_t kMostWorkers = 255;
std::array<Slot, kMostWorkers> slots;
int slot_count = 0;

/// The first thread is 1, workers follow.
thread_local int self = 1;

constexpr std::size_t kMostKeys = 8;
using Destructor = void (*)(void*);
std::array<Destructor, kMostKeys> destructors;
int key_count = 0;
thread_local std::array<void*, kMostKeys> values;

/// Values may leave others behind: so often at most.
constexpr int kMostRounds = 4;

void destroy_values() noexcept {
  for (int round = 0; round < kMostRounds; ++round) {
    for (std::size_t i = 0; i < kMostKeys; ++i) {
      void* const value = values[i];
      values[i] = nullptr;
      if (value != nullptr && destructors[i] != nullptr) destructors[i](value);
    }
  }
}

}  // namespace

extern "C" {

void silhouette_mutex_lock(int* mutex) noexcept {
  if (exchange_if(mutex, kFree, kLocked)) return;
  while (__atomic_exchange_n(mutex, kLockedAndWaitedFor, __ATOMIC_ACQUIRE) != kFree) wait(mutex, kLockedAndWaitedFor);
}

bool silhouette_mutex_try_lock(int* mutex) noexcept {
  return exchange_if(mutex, kFree, kLocked);
}

void silhouette_mutex_unlock(int* mutex) noexcept {
  if (__atomic_exchange_n(mutex, kFree, __ATOMIC_RELEASE) == kLockedAndWaitedFor) wake(mutex, 1);
}

// Of three words: a mutex, who has it, how often.
bool silhouette_recursive_try_lock(int* words) noexcept {
  if (__atomic_load_n(&words[1], __ATOMIC_RELAXED) != self) {
    if (!silhouette_mutex_try_lock(words)) return false;
    __atomic_store_n(&words[1], self, __ATOMIC_RELAXED);
  }
  ++words[2];
  return true;
}

void silhouette_recursive_lock(int* words) noexcept {
  if (silhouette_recursive_try_lock(words)) return;
  silhouette_mutex_lock(words);
  __atomic_store_n(&words[1], self, __ATOMIC_RELAXED);
  ++words[2];
}

void silhouette_recursive_unlock(int* words) noexcept {
  if (--words[2] > 0) return;
  __atomic_store_n(&words[1], 0, __ATOMIC_RELAXED);
  silhouette_mutex_unlock(words);
}

// A condition is a number that every wake-up changes: who reads it before it unlocks doesn't miss one.
void silhouette_condition_wake(int* condition, unsigned count) noexcept {
  __atomic_add_fetch(condition, 1, __ATOMIC_ACQ_REL);
  wake(condition, count);
}

void silhouette_condition_wait(int* condition, int* mutex) noexcept {
  const int seen = load(condition);
  silhouette_mutex_unlock(mutex);
  wait(condition, seen);
  silhouette_mutex_lock(mutex);
}

int silhouette_condition_wait_until(int* condition, int* mutex, const std::timespec* until) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::timespec now{};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return EINVAL;
  const std::int64_t rest = (until->tv_sec - now.tv_sec) * kSecond + (until->tv_nsec - now.tv_nsec);
  const int seen = load(condition);
  silhouette_mutex_unlock(mutex);
  const bool timed_out = rest <= 0 || wait(condition, seen, rest) == kTimedOut;
  silhouette_mutex_lock(mutex);
  return timed_out ? ETIMEDOUT : 0;
}

// 0: not yet; 1: being done; 2: done.
void silhouette_once(int* flag, void (*routine)()) {
  if (load(flag) == 2) return;
  if (exchange_if(flag, 0, 1)) {
    routine();
    store(flag, 2);
    wake(flag, ~0U);
    return;
  }
  while (load(flag) == 1) wait(flag, 1);
}

int silhouette_thread_create(int* thread, void* (*start)(void*), void* argument) noexcept {
  const int count = load(&slot_count);
  for (int i = 0; i < count; ++i) {
    Slot& slot = slots[static_cast<std::size_t>(i)];
    if (!exchange_if(&slot.taken, 0, 1)) continue;
    slot.start = start;
    slot.argument = argument;
    // A worker that is still on its way finds it when it comes.
    store(&slot.state, kRunning);
    wake(&slot.state, 1);
    *thread = i + 2;
    return 0;
  }
  return EAGAIN;
}

void silhouette_thread_join(int thread) noexcept {
  Slot& slot = slots[static_cast<std::size_t>(thread - 2)];
  for (int state = load(&slot.state); state != kDone; state = load(&slot.state)) wait(&slot.state, state);
  store(&slot.state, kIdle);
  store(&slot.taken, 0);
}

int silhouette_thread_self() noexcept {
  return self;
}

void silhouette_thread_sleep(long long nanoseconds) noexcept {
  int word = 0;
  if (nanoseconds > 0) wait(&word, 0, nanoseconds);
}

int silhouette_key_create(int* key, Destructor destructor) noexcept {
  const int number = __atomic_fetch_add(&key_count, 1, __ATOMIC_ACQ_REL);
  if (static_cast<std::size_t>(number) >= kMostKeys) return EAGAIN;
  destructors[static_cast<std::size_t>(number)] = destructor;
  *key = number;
  return 0;
}

void* silhouette_key_get(int key) noexcept {
  return values[static_cast<std::size_t>(key)];
}

void silhouette_key_set(int key, void* value) noexcept {
  values[static_cast<std::size_t>(key)] = value;
}

// What JavaScript calls.

/// Of the first thread: a worker is on its way. Its number, or −1 if there are as many as there can be.
SILHOUETTE_EXPORT(silhouette_expect_worker) int silhouette_expect_worker() {
  const int number = slot_count;
  if (static_cast<std::size_t>(number) == kMostWorkers) return -1;
  slots[static_cast<std::size_t>(number)].state = kComing;
  store(&slot_count, number + 1);
  return number;
}

/// What a worker does when its stack and its thread-local memory are its own. Never returns: it is ended from outside.
SILHOUETTE_EXPORT(silhouette_run_worker) void silhouette_run_worker(int number) {
  Slot& slot = slots[static_cast<std::size_t>(number)];
  self = number + 2;
  exchange_if(&slot.state, kComing, kIdle);
  while (true) {
    for (int state = load(&slot.state); state != kRunning; state = load(&slot.state)) wait(&slot.state, state);
    slot.start(slot.argument);
    destroy_values();
    store(&slot.state, kDone);
    wake(&slot.state, ~0U);
  }
}

}  // extern "C"
