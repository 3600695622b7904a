#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "silhouette/download_patience.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Told with bytes received and bytes in all (0 = unknown), on the calling thread. The bytes received fall when a
/// download has to start anew.
using ByteProgress = std::function<void(std::uint64_t received, std::uint64_t total)>;

/// Bounds of one download. Proxies come from the environment (http_proxy, https_proxy, all_proxy, no_proxy).
struct DownloadLimits {
  std::uint64_t max_bytes = 4ULL << 30;
  int max_redirects = 5;
  int connect_timeout_s = 20;
  std::chrono::milliseconds stall_timeout{30'000};  ///< gives up when nothing came for so long

  /// Gives up when fewer bytes a second came on average, for `rate_window` of waiting for them; 0: never.
  std::uint64_t least_rate = 1024;
  std::chrono::milliseconds rate_window{30'000};

  /// Of all attempts together, and of waiting for another process that downloads the same; 0: without end.
  std::chrono::milliseconds longest{0};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();  ///< `longest` from
                                                                                                  ///< the start

  /// New attempts after a dropped connection, HTTP status 408, 429 or 5xx; those that bring the download on by 1 MiB
  /// don't count. $SILHOUETTE_DOWNLOAD_RETRIES caps it.
  int retries = 4;
  std::chrono::milliseconds first_delay{500};         ///< before the first new attempt; doubled for each further one
  std::chrono::milliseconds max_delay{8'000};         ///< up to this; each delay is shortened at random by up to a half
  std::chrono::milliseconds max_retry_after{60'000};  ///< a server that asks to wait longer is given up
};

/// Takes over what the caller, or else the environment, says. `longest`: if neither does.
void set_patience(DownloadLimits& limits, const DownloadPatience& patience, std::chrono::milliseconds longest);

/// GET of an http(s) URL into memory. kDownloadFailed (status, connection, short body, redirects), kLimitExceeded,
/// kCancelled, kInvalidArgument (the URL).
Result<std::vector<std::byte>> download_bytes(const std::string& url, const DownloadLimits& limits,
                                              std::stop_token stop);

/// What to download whereto, and how to know that it is right.
struct FileRequest {
  std::string url;
  std::filesystem::path path;
  std::string sha256{};  ///< 64 hexadecimal digits, or empty: not checked

  /// Whether a file is what it should be, whole and sound, before it is taken; also asked of one that is there already,
  /// which is replaced if it isn't. May be empty.
  std::function<Result<void>(std::span<const std::byte> file)> check{};
};

/// Sees to it that `request.path` holds the URL's file, downloading it if there is none yet or, where a SHA-256 or a
/// check is given, another one. `path` is whole or absent at any moment, whatever ends the process.
///
/// The bytes go into "PATH.part" until all are there and checked. Where the server names a version of the file (a
/// strong ETag), an interrupted download goes on from there later, even after a restart; "PATH.part.info" keeps that
/// version. Of several processes or threads that want the same path one downloads and the others wait for it
/// ("PATH.lock").
///
/// Errors as download_bytes, and kIoError (disk full, no permission); a wrong SHA-256 is kDownloadFailed, what
/// the check says is handed on.
Result<void> download_file(const FileRequest& request, const DownloadLimits& limits, const ByteProgress& progress,
                           std::stop_token stop);

}  // namespace silhouette
