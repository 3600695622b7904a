#include "resources/retry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>

#include "resources/source.hpp"
#include "resources/wait.hpp"

namespace silhouette {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kProgressBytes = 1ULL << 20;

int allowed_retries(const DownloadLimits& limits) {
  const char* const text = std::getenv("SILHOUETTE_DOWNLOAD_RETRIES");
  if (text == nullptr) return limits.retries;
  int cap = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, cap);
  return error == std::errc{} && rest == end && cap >= 0 ? std::min(cap, limits.retries) : limits.retries;
}

milliseconds backoff(const DownloadLimits& limits, int failures) {
  constexpr int kMaxDoublings = 20;
  const auto longest =
      std::min<milliseconds>(limits.first_delay * (1LL << std::min(failures, kMaxDoublings)), limits.max_delay);
  thread_local std::minstd_rand random{std::random_device{}()};
  return longest - milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, longest.count() / 2)(random));
}

}  // namespace

Result<void> with_retries(const std::string& url, const DownloadLimits& limits, const std::stop_token& stop,
                          const std::function<std::expected<void, TransferFailure>()>& attempt,
                          const std::function<std::uint64_t()>& kept_bytes) {
  const int retries = allowed_retries(limits);
  const std::uint64_t at_first = kept_bytes();
  std::uint64_t best = at_first;
  int failures = 0;
  for (int attempts = 1;; ++attempts) {
    auto result = attempt();
    if (result) return {};
    auto& failure = result.error();
    if (const auto kept = kept_bytes(); kept >= best + kProgressBytes) {
      best = kept;
      failures = 0;
    }
    // A host that can't be reached is worth another try only if it could be reached a moment ago.
    const bool temporary = failure.kind == TransferFailure::Kind::kTemporary ||
                           (failure.kind == TransferFailure::Kind::kUnreachable && best > at_first);
    if (!temporary || failures >= retries) {
      if (attempts > 1) failure.error.message += fmt::format(" ({} attempts)", attempts);
      return std::unexpected(std::move(failure.error));
    }
    if (failure.retry_after > limits.max_retry_after) {
      failure.error.message += fmt::format(" (the server asks to wait {} s)", failure.retry_after.count());
      return std::unexpected(std::move(failure.error));
    }
    const auto pause = std::max<milliseconds>(backoff(limits, failures), failure.retry_after);
    if (std::chrono::steady_clock::now() + pause >= limits.deadline) {
      failure.error.message += " (no time is left for another attempt)";
      return std::unexpected(std::move(failure.error));
    }
    if (!wait_for(pause, stop)) {
      return fail(ErrorCode::kCancelled, fmt::format("download of '{}' failed: cancelled", display_source(url)));
    }
    ++failures;
  }
}

}  // namespace silhouette
