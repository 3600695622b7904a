// What the C library's start-up code would do, and the little of a system that is asked for.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "export.hpp"

extern "C" {

/// The linker's: the constructors of everything that is constructed before it is used.
void __wasm_call_ctors();

/// Of the first thread, before any other call.
SILHOUETTE_EXPORT(_initialize) void silhouette_initialize() {
  __wasm_call_ctors();
}

/// JavaScript's: milliseconds since any moment that stays the same.
__attribute__((import_module("silhouette"), import_name("now"))) double silhouette_now();

/// There is one clock, which never goes back.
int clock_gettime(clockid_t, struct timespec* time) {
  const double milliseconds = silhouette_now();
  const double seconds = __builtin_floor(milliseconds / 1000);
  time->tv_sec = static_cast<time_t>(seconds);
  time->tv_nsec = static_cast<long>((milliseconds - seconds * 1000) * 1e6);
  return 0;
}

/// There is no environment.
char* getenv(const char*) {
  return nullptr;
}

/// JavaScript's: ends the instance with an error.
__attribute__((import_module("silhouette"), import_name("abort"))) void silhouette_abort();

void abort() {
  silhouette_abort();
  __builtin_trap();
}

/// The C++ library's last words, which nobody would hear.
void __abort_message(const char*, ...) {
  abort();
}

/// Nothing is destroyed at the end: an instance goes with its memory.
int __cxa_atexit(void (*)(void*), void*, void*) {
  return 0;
}

/// Of what fmt and the C++ library can write, only numbers in hexadecimal notation and the like are left to it. Nobody
/// here writes such.
int snprintf(char*, std::size_t, const char*, ...) {
  abort();
}

/// What an error of the system's is called.
int strerror_r(int, char* text, std::size_t size) {
  constexpr char kName[] = "the system refused";
  if (size < sizeof kName) return ERANGE;
  __builtin_memcpy(text, kName, sizeof kName);
  return 0;
}

}  // extern "C"
