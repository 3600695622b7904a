#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace silhouette {

/// How long a download may take before it is given up. Nothing at all coming for 30 s ends it in any case.
struct DownloadPatience {
  /// Bytes a second, on average over 30 s of waiting for them; 0: any. If not set: $SILHOUETTE_DOWNLOAD_RATE, else
  /// 1024.
  std::optional<std::uint64_t> least_rate{};
  /// All attempts together; 0: any time. If not set: $SILHOUETTE_DOWNLOAD_TIMEOUT, in seconds, else 6 hours for a model
  /// and 5 minutes for an image.
  std::optional<std::chrono::milliseconds> longest{};
};

}  // namespace silhouette
