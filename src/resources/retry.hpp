#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "resources/transfer.hpp"

namespace silhouette {

/// Calls `attempt` until it succeeds, its failure is final, or `limits` forbid another try; waits in between, longer
/// each time ("exponential backoff and jitter"). `kept_bytes` tells how far the download is, so that attempts which
/// bring it on don't count. `url` is for messages.
Result<void> with_retries(const std::string& url, const DownloadLimits& limits, const std::stop_token& stop,
                          const std::function<std::expected<void, TransferFailure>()>& attempt,
                          const std::function<std::uint64_t()>& kept_bytes);

}  // namespace silhouette
