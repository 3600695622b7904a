#pragma once

#include <chrono>
#include <cstdint>

namespace silhouette {

/// How long a download may take before it is given up. Nothing at all coming for 30 s ends it in any case.
struct DownloadPatience {
  std::uint64_t least_rate = 1024;  ///< bytes a second, on average over 30 s of waiting for them; 0: any
  std::chrono::milliseconds longest{std::chrono::hours(6)};  ///< of all attempts together; 0: any
};

}  // namespace silhouette
