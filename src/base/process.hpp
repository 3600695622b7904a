#pragma once

#ifndef __wasm__
#include <unistd.h>
#endif

namespace silhouette {

/// Number of this process, which is another one after `fork()`. Where there are no processes, always the same.
inline int process_number() noexcept {
#ifdef __wasm__
  return 1;
#else
  return ::getpid();
#endif
}

}  // namespace silhouette
