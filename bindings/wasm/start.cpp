// What the C library's start-up code would do, and the little of a system that is asked for.
#include <cstdlib>
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

[[noreturn]] void abort() {
  silhouette_abort();
  __builtin_trap();
}

}  // extern "C"
