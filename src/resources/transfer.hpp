#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "resources/download.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// What a server says before the body.
struct ResponseHead {
  int status = 0;
  std::optional<std::uint64_t> content_length;  ///< of this body
  std::optional<std::uint64_t> range_start;     ///< from Content-Range
  std::optional<std::uint64_t> range_total;     ///< size of the whole file, from Content-Range
  std::string etag;                             ///< with its quotes; empty if absent or weak

  [[nodiscard]] std::uint64_t start() const noexcept { return range_start.value_or(0); }

  /// Size of the whole file, where it is known.
  [[nodiscard]] std::optional<std::uint64_t> total() const noexcept {
    return range_total ? range_total : content_length;
  }
};

/// Takes the body of a successful response (status 200 or 206). An error ends the transfer.
class BodySink {
 public:
  BodySink() = default;
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  virtual ~BodySink() = default;

  /// Once, before the body's first byte.
  virtual Result<void> begin(const ResponseHead& head) = 0;
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;

  /// From time to time, between two blocks of the body or when the transfer pauses, so that the callbacks that it calls
  /// may do as they like.
  virtual void report() = 0;
};

struct TransferFailure {
  enum class Kind : std::uint8_t {
    kFinal,        ///< the same would happen again
    kUnreachable,  ///< no connection
    kTemporary,    ///< a dropped connection, a server that is busy
  };
  Error error{};
  Kind kind = Kind::kFinal;
  int status = 0;                      ///< of HTTP, 0 if none came
  std::chrono::seconds retry_after{};  ///< asked for by the server
};

/// One GET, redirects followed. `headers` are sent besides ("Range: bytes=7-"). Only status 200 and 206 succeed. What
/// the sink throws comes out here, never through libcurl.
std::expected<void, TransferFailure> transfer(const std::string& url, std::span<const std::string> headers,
                                              const DownloadLimits& limits, BodySink& sink,
                                              const std::stop_token& stop);

}  // namespace silhouette
