#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "resources/download.hpp"
#include "resources/response_head.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Takes the body of a successful response (status 200, 203 or 206). An error ends the transfer.
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

/// One GET; redirects are followed, with the cookies that come with them, and what is compressed all the same is
/// decompressed. `headers` are sent besides ("Range: bytes=7-"). Only status 200, 203 and 206 succeed. What the sink
/// throws comes out here, never through libcurl.
std::expected<void, TransferFailure> transfer(const std::string& url, std::span<const std::string> headers,
                                              const DownloadLimits& limits, BodySink& sink,
                                              const std::stop_token& stop);

/// That a download's deadline has passed.
TransferFailure late_failure(const std::string& url, const DownloadLimits& limits);

}  // namespace silhouette
