#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette {

/// Told with bytes received and bytes in all (0 = unknown), on the calling thread.
using ByteProgress = std::function<void(std::uint64_t received, std::uint64_t total)>;

struct DownloadLimits {
  std::uint64_t max_bytes = 4ULL << 30;
  int max_redirects = 5;
  int connect_timeout_s = 20;
  int stall_timeout_s = 30;  ///< gives up when less than 1 byte a second came for so long
};

/// GET of an http(s) URL into memory. kDownloadFailed (status, connection, short body, redirects), kLimitExceeded,
/// kCancelled.
Result<std::vector<std::byte>> download_bytes(const std::string& url, const DownloadLimits& limits,
                                              std::stop_token stop);

/// GET into `path`: a temporary file beside it, checked for length, synced, then renamed, so that `path` is whole or
/// absent.
Result<void> download_file(const std::string& url, const std::filesystem::path& path, const DownloadLimits& limits,
                           const ByteProgress& progress, std::stop_token stop);

}  // namespace silhouette
