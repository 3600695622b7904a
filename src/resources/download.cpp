#include "resources/download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "resources/file_lock.hpp"
#include "resources/partial_file.hpp"
#include "resources/retry.hpp"
#include "resources/sha256.hpp"
#include "resources/source.hpp"
#include "resources/transfer.hpp"

namespace silhouette {
namespace {

std::unexpected<Error> download_error(const std::string& url, std::string_view what) {
  return fail(ErrorCode::kDownloadFailed, fmt::format("download of '{}' failed: {}", display_source(url), what));
}

class MemorySink final : public BodySink {
 public:
  explicit MemorySink(const std::string& url) : url_(url) {}

  Result<void> begin(const ResponseHead& head) override {
    if (head.status == kStatusPartialContent)
      return download_error(url_, "the server sent a part where the whole was wanted");
    return {};
  }
  Result<void> write(std::span<const std::byte> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }
  void report() override {}

  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  const std::string& url_;
  std::vector<std::byte> bytes_;
};

class FileSink final : public BodySink {
 public:
  FileSink(const std::string& url, PartialFile& file, const ByteProgress& progress)
      : url_(url), file_(file), progress_(progress) {}

  Result<void> begin(const ResponseHead& head) override {
    begun_ = true;
    total_ = head.total();
    if (head.status != kStatusPartialContent) return file_.restart(head.etag, total_);
    const auto& info = file_.info();
    const bool continues = info && !head.encoded && head.range_start == file_.size() &&
                           (head.etag.empty() || head.etag == info->etag) &&
                           (!info->total || !head.range_total || info->total == head.range_total);
    if (continues) {
      total_ = total_ && head.range_total ? total_ : info->total;
      return {};
    }
    mismatch_ = true;
    return download_error(url_, "the server sent a part that doesn't follow on what was there");
  }

  Result<void> write(std::span<const std::byte> bytes) override {
    auto written = file_.append(bytes);
    // A fast connection fills many percent before it pauses.
    constexpr std::uint64_t kStep = 256 << 10;
    if (written && file_.size() >= reported_ + std::max(kStep, total_.value_or(0) / 100)) report();
    return written;
  }

  void report() override {
    if (!progress_ || !begun_ || mismatch_ || file_.size() == reported_) return;
    reported_ = file_.size();
    progress_(reported_, total_.value_or(0));
  }

  /// Bytes of the whole file, where the server told.
  [[nodiscard]] std::optional<std::uint64_t> total() const { return total_; }

  /// Whether the server answered a request for the rest with something that isn't it.
  [[nodiscard]] bool mismatch() const { return mismatch_; }

 private:
  const std::string& url_;
  PartialFile& file_;
  const ByteProgress& progress_;
  std::optional<std::uint64_t> total_;
  std::uint64_t reported_ = 0;
  bool begun_ = false;
  bool mismatch_ = false;
};

/// Brings the partial file to its end: one GET of what is missing, or of all.
std::expected<void, TransferFailure> complete(const FileRequest& request, PartialFile& file,
                                              const DownloadLimits& limits, const ByteProgress& progress,
                                              const std::stop_token& stop) {
  for (bool resuming = file.size() > 0 && file.info();; resuming = false) {
    if (resuming && file.info()->total == file.size()) return {};
    std::vector<std::string> headers;
    if (resuming) {
      headers.push_back(fmt::format("Range: bytes={}-", file.size()));
      headers.push_back(fmt::format("If-Range: {}", file.info()->etag));
    }
    FileSink sink(request.url, file, progress);
    auto result = transfer(request.url, headers, limits, sink, stop);
    if (!result) {
      const bool stale = sink.mismatch() || result.error().status == kStatusRangeNotSatisfiable;
      if (!resuming || !stale) return result;
      if (auto emptied = file.restart({}, std::nullopt); !emptied) {
        return std::unexpected(TransferFailure{std::move(emptied.error())});
      }
      continue;
    }
    if (sink.total() && file.size() != *sink.total()) {
      return std::unexpected(TransferFailure{
          download_error(request.url, fmt::format("ended after {} of {} bytes", file.size(), *sink.total())).error(),
          TransferFailure::Kind::kTemporary});
    }
    return {};
  }
}

Result<bool> has_sha256(const std::filesystem::path& path, const std::string& wanted) {
  if (wanted.empty()) return true;
  const auto found = sha256_of_file(path);
  if (!found) return std::unexpected(found.error());
  return *found == wanted;
}

/// Whether a file passes the request's check. What can't be read is an error of its own.
Result<void> check_file(const FileRequest& request, const std::filesystem::path& path) {
  if (!request.check) return {};
  // Another user's, in a cache that is shared, may be cut short at any moment.
  if (const auto file = MappedFile::open_private(path, UINT64_MAX)) return request.check(file->bytes());
  const auto bytes = read_large_file(path, UINT64_MAX);
  if (!bytes) return std::unexpected(bytes.error());
  return request.check(bytes->span());
}

Result<void> check_content(const FileRequest& request, const std::string& sha256) {
  if (auto sound = check_file(request, partial_path(request.path)); !sound) return sound;
  if (sha256.empty()) return {};
  const auto found = sha256_of_file(partial_path(request.path));
  if (!found) return std::unexpected(found.error());
  if (*found == sha256) return {};
  return download_error(request.url,
                        fmt::format("its SHA-256 is {} instead of {}; the file was deleted", *found, sha256));
}

Result<void> fetch(const FileRequest& request, const std::string& sha256, const DownloadLimits& limits,
                   const ByteProgress& progress, const std::stop_token& stop) {
  auto url_hash = sha256_hex(request.url);
  if (!url_hash) return std::unexpected(std::move(url_hash.error()));
  auto file = PartialFile::open(request.path, std::move(*url_hash));
  if (!file) return std::unexpected(std::move(file.error()));
  for (;;) {
    const bool resumed = file->size() > 0;
    auto fetched = with_retries(
        request.url, limits, stop, [&] { return complete(request, *file, limits, progress, stop); },
        [&] { return file->size(); });
    if (!fetched) {
      // What can't be resumed, or must not be, is of no use.
      if (!file->info() || fetched.error().code == ErrorCode::kLimitExceeded) file->discard();
      return fetched;
    }
    if (auto sound = check_content(request, sha256); !sound) {
      // What an earlier run left may be at fault: once from the start then.
      if (resumed) {
        if (auto emptied = file->restart({}, std::nullopt); !emptied) return emptied;
        continue;
      }
      file->discard();
      return sound;
    }
    return file->commit();
  }
}

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::kIoError, fmt::format("can't make the cache directory '{}': {}; choose another one with "
                                               "$SILHOUETTE_CACHE or the cache directory option",
                                               folder.string(), error.message()));
}

Result<void> ensure_file(const FileRequest& request, const DownloadLimits& limits, const ByteProgress& progress,
                         const std::stop_token& stop) {
  std::string sha256;
  if (!request.sha256.empty()) {
    auto normal = normalize_sha256(request.sha256);
    if (!normal) return std::unexpected(std::move(normal.error()));
    sha256 = std::move(*normal);
  }
  if (auto made = make_folder(request.path.parent_path()); !made) return made;
  const auto report_other = [&] {
    std::error_code error;
    const auto size = std::filesystem::file_size(partial_path(request.path), error);
    const auto info = read_partial_info(request.path);
    if (progress && !error && info) progress(size, info->total.value_or(0));
  };
  const auto lock = FileLock::acquire(lock_path(request.path), report_other, stop, limits.deadline);
  if (!lock) return std::unexpected(lock.error());
  if (!*lock) return std::unexpected(late_failure(request.url, limits).error);
  std::error_code error;
  if (std::filesystem::exists(request.path, error)) {
    const auto right = has_sha256(request.path, sha256);
    if (!right) return std::unexpected(right.error());
    if (*right && check_file(request, request.path)) return {};
  }
  return fetch(request, sha256, limits, progress, stop);
}

/// The limits of a download that starts now.
DownloadLimits starting_now(DownloadLimits limits) {
  if (limits.longest > std::chrono::milliseconds(0)) {
    const auto now = std::chrono::steady_clock::now();
    // Far more than anyone waits for, and no overflow.
    limits.deadline = now + std::min<std::chrono::milliseconds>(limits.longest, std::chrono::years(10));
  }
  return limits;
}

/// A whole number that a variable has.
std::optional<std::uint64_t> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const char* const end = text + std::strlen(text);
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text, end, number);
  if (error != std::errc{} || rest != end || text == end) return std::nullopt;
  return number;
}

/// Turns what is thrown, by the standard library where memory ends or by the caller's progress, into an error.
template <typename Body>
auto guarded(const std::string& url, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no memory to download '{}'; end other programs", display_source(url)));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, fmt::format("download of '{}' failed: {}", display_source(url), error.what()));
  } catch (...) {
    return fail(ErrorCode::kInternal,
                fmt::format("download of '{}' failed: the progress callback threw", display_source(url)));
  }
}

}  // namespace

void set_patience(DownloadLimits& limits, const DownloadPatience& patience, std::chrono::milliseconds longest) {
  if (const auto rate = number_in("SILHOUETTE_DOWNLOAD_RATE")) limits.least_rate = *rate;
  if (patience.least_rate) limits.least_rate = *patience.least_rate;
  limits.longest = longest;
  if (const auto seconds = number_in("SILHOUETTE_DOWNLOAD_TIMEOUT")) {
    constexpr std::uint64_t kMostSeconds = 1ULL << 32;
    limits.longest = std::chrono::seconds(std::min(*seconds, kMostSeconds));
  }
  if (patience.longest) limits.longest = *patience.longest;
}

Result<std::vector<std::byte>> download_bytes(const std::string& url, const DownloadLimits& limits,
                                              std::stop_token stop) {
  return guarded(url, [&]() -> Result<std::vector<std::byte>> {
    const auto bounds = starting_now(limits);
    MemorySink sink(url);
    const auto attempt = [&] {
      sink.bytes().clear();
      return transfer(url, {}, bounds, sink, stop);
    };
    auto fetched = with_retries(url, bounds, stop, attempt, [] { return std::uint64_t{0}; });
    if (!fetched) return std::unexpected(std::move(fetched.error()));
    return std::move(sink.bytes());
  });
}

Result<void> download_file(const FileRequest& request, const DownloadLimits& limits, const ByteProgress& progress,
                           std::stop_token stop) {
  return guarded(request.url, [&] { return ensure_file(request, starting_now(limits), progress, stop); });
}

}  // namespace silhouette
