#include "resources/transfer.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): POSIX's uselocale

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/checked.hpp"
#include "resources/source.hpp"
#include "resources/trust.hpp"
#include "resources/url.hpp"
#include "silhouette/version.hpp"

namespace silhouette {
namespace {

using Kind = TransferFailure::Kind;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr long kReceiveBufferBytes = 64 * 1024;
/// Of all responses of a transfer together. libcurl allows a single line 100 kB, and from 8.3 on 300 kB in all.
constexpr std::uint64_t kMaxHeadBytes = 256 << 10;
constexpr std::string_view kLongHead = "the head of the server's answer has no end; check the address";
constexpr std::string_view kNoMemory = "no memory; end other programs, or download a smaller file";
constexpr int kFirstRedirect = 300;
constexpr int kFirstError = 400;
/// CURLE_TOO_LARGE of libcurl 8.
constexpr int kCurlTooLarge = 100;

template <auto kFunction>
struct Deleter {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFunction(object);
  }
};
using EasyHandle = std::unique_ptr<CURL, Deleter<curl_easy_cleanup>>;
using MultiHandle = std::unique_ptr<CURLM, Deleter<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, Deleter<curl_slist_free_all>>;

bool initialize_curl() {
  static const bool ready = ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

std::string_view status_meaning(int status) {
  switch (status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return "a redirection that doesn't say where to";
    case 400: return "bad request";
    case 401: return "the server wants a login";
    case 403: return "the server refuses access";
    case 404: return "not found";
    case 408: return "request timed out";
    case 410: return "gone for good";
    case 416: return "range not satisfiable";
    case 429: return "too many requests";
    case 500: return "error in the server";
    case 502: return "bad gateway";
    case 503: return "service unavailable";
    case 504: return "gateway timed out";
    default: return "";
  }
}

/// libcurl reads host names in the locale's encoding, and URLs have UTF-8. Null where the system has no such locale.
locale_t utf8_locale() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

/// The thread's locale until the end of the scope. Null: as it is.
class ScopedLocale {
 public:
  explicit ScopedLocale(locale_t locale) : previous_(::uselocale(locale)) {}
  ScopedLocale(const ScopedLocale&) = delete;
  ScopedLocale& operator=(const ScopedLocale&) = delete;
  ~ScopedLocale() { ::uselocale(previous_); }

 private:
  locale_t previous_;
};

class Transfer {
 public:
  Transfer(const std::string& url, const DownloadLimits& limits, BodySink& sink, const std::stop_token& stop)
      : url_(url), limits_(limits), sink_(sink), stop_(stop) {}

  std::expected<void, TransferFailure> run(std::span<const std::string> headers);

 private:
  static std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* self) noexcept;

  bool configure(std::span<const std::string> headers);
  bool configure_trust();
  bool add_header(const std::string& line);
  CURLMcode perform(CURLM* multi, int& running) const;
  Result<void> begin();
  Result<void> take(std::span<const std::byte> bytes);
  std::size_t hand_to_sink(std::span<const std::byte> bytes) noexcept;
  void received(std::size_t bytes);
  [[nodiscard]] bool too_slow();
  [[nodiscard]] bool in_head() const;
  [[nodiscard]] std::unexpected<TransferFailure> failure(ErrorCode code, Kind kind, std::string_view what) const;
  [[nodiscard]] std::expected<void, TransferFailure> conclude(CURLcode code);
  [[nodiscard]] std::unexpected<TransferFailure> status_failure() const;
  [[nodiscard]] std::unexpected<TransferFailure> stall_failure() const;
  [[nodiscard]] std::unexpected<TransferFailure> slow_failure() const;
  [[nodiscard]] std::unexpected<TransferFailure> proxy_failure(int status) const;
  [[nodiscard]] std::unexpected<TransferFailure> protocol_failure(std::string_view detail) const;
  [[nodiscard]] std::unexpected<TransferFailure> curl_failure(CURLcode code) const;
  [[nodiscard]] std::unexpected<TransferFailure> trust_failure(std::string_view detail) const;

  const std::string& url_;
  const DownloadLimits& limits_;
  BodySink& sink_;
  const std::stop_token& stop_;
  const Trust trust_ = current_trust();
  const locale_t callers_locale_ = ::uselocale(nullptr);
  HeaderList header_list_;
  EasyHandle easy_;
  std::array<char, CURL_ERROR_SIZE> curl_message_{};
  ResponseHead head_;
  bool begun_ = false;
  std::uint64_t head_bytes_ = 0;
  std::uint64_t received_ = 0;                  ///< of the body
  std::uint64_t recent_ = 0;                    ///< bytes of head and body since the rate was looked at last
  Clock::duration waited_{};                    ///< for them: time that the sink takes isn't the server's
  Clock::time_point last_sign_ = Clock::now();  ///< when the server last sent anything
  std::optional<Error> sink_error_;
  std::exception_ptr thrown_;  ///< by the sink, or what it calls: must not cross libcurl, which is C
};

bool Transfer::add_header(const std::string& line) {
  curl_slist* const list = ::curl_slist_append(header_list_.get(), line.c_str());
  if (list == nullptr) return false;
  // The first node stays the list's head, and its owner.
  if (!header_list_) header_list_.reset(list);
  return true;
}

bool Transfer::configure(std::span<const std::string> headers) {
  easy_.reset(::curl_easy_init());
  if (!easy_) return false;
  for (const auto& line : headers) {
    if (!add_header(line)) return false;
  }
  CURL* const easy = easy_.get();
  bool ok = true;
  const auto set = [&](CURLoption option, auto value) {
    ok = ok && ::curl_easy_setopt(easy, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, escape_url(url_).c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  // Range positions count bytes of what is sent, so nothing should be compressed on the way. What is all the same is
  // decompressed by libcurl.
  set(CURLOPT_ACCEPT_ENCODING, "identity");
  // Cookies live as long as the transfer: some servers redirect for ever whoever comes back without them.
  set(CURLOPT_COOKIEFILE, "");
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_MAXREDIRS, long{limits_.max_redirects});
  set(CURLOPT_CONNECTTIMEOUT, long{limits_.connect_timeout_s});
  set(CURLOPT_USERAGENT, fmt::format("silhouette/{}", kVersion).c_str());
  set(CURLOPT_HTTPHEADER, header_list_.get());
  set(CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  set(CURLOPT_ERRORBUFFER, curl_message_.data());
  // No signals in a process that isn't ours, and no waiting for a name server's answer when the caller has cancelled.
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  return ok && configure_trust();
}

bool Transfer::configure_trust() {
  CURL* const easy = easy_.get();
  bool ok = true;
  // A libcurl that knows no certificates, or none of proxies, has nothing to be told.
  const auto set = [&](CURLoption option, auto value) {
    const CURLcode code = ::curl_easy_setopt(easy, option, value);
    ok = ok && (code == CURLE_OK || code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN);
  };
  const char* const folder = trust_.folder.empty() ? nullptr : trust_.folder.c_str();
  set(CURLOPT_CAPATH, folder);
  set(CURLOPT_PROXY_CAPATH, folder);
  if (!trust_.pem.empty()) {
    // libcurl only reads it.
    const curl_blob blob{const_cast<char*>(trust_.pem.data()), trust_.pem.size(), CURL_BLOB_NOCOPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
    set(CURLOPT_PROXY_CAINFO_BLOB, &blob);
  } else {
    const char* const file = trust_.file.empty() ? nullptr : trust_.file.c_str();
    set(CURLOPT_CAINFO, file);
    set(CURLOPT_PROXY_CAINFO, file);
  }
  return ok;
}

void Transfer::received(std::size_t bytes) {
  last_sign_ = Clock::now();
  recent_ += bytes;
}

std::size_t Transfer::on_header(const char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  transfer->received(bytes);
  transfer->head_bytes_ += bytes;
  if (transfer->head_bytes_ > kMaxHeadBytes) return 0;
  try {
    // What comes behind a body tells nothing about it any more.
    if (!transfer->begun_) transfer->head_.read({data, bytes});
    return bytes;
  } catch (...) {
    transfer->thrown_ = std::current_exception();
    return 0;
  }
}

std::size_t Transfer::on_body(const char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  transfer->received(size * count);
  return transfer->hand_to_sink({reinterpret_cast<const std::byte*>(data), size * count});
}

std::size_t Transfer::hand_to_sink(std::span<const std::byte> bytes) noexcept {
  // The body of an error page is of no interest, and one call of libcurl may bring many megabytes after a stop.
  if (!head_.successful() || stop_.stop_requested()) return CURL_WRITEFUNC_ERROR;
  const ScopedLocale callers(callers_locale_);
  try {
    auto taken = take(bytes);
    if (taken) return bytes.size();
    sink_error_ = std::move(taken.error());
  } catch (...) {
    thrown_ = std::current_exception();
  }
  return CURL_WRITEFUNC_ERROR;
}

Result<void> Transfer::begin() {
  begun_ = true;
  head_.finish();
  return sink_.begin(head_);
}

Result<void> Transfer::take(std::span<const std::byte> bytes) {
  if (!begun_) {
    if (auto ready = begin(); !ready) return ready;
  }
  const std::uint64_t size = std::max<std::uint64_t>(received_ + bytes.size(), head_.content_length.value_or(0));
  if (!in_range(head_.start(), size, limits_.max_bytes)) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("'{}' is larger than the limit of {} bytes", display_source(url_), limits_.max_bytes));
  }
  received_ += bytes.size();
  return sink_.write(bytes);
}

std::expected<void, TransferFailure> Transfer::run(std::span<const std::string> headers) {
  MultiHandle multi(::curl_multi_init());
  if (!multi || !configure(headers) || ::curl_multi_add_handle(multi.get(), easy_.get()) != CURLM_OK) {
    // Which of its options it has was found out before the first release: it lacks memory.
    return failure(ErrorCode::kLimitExceeded, Kind::kFinal, kNoMemory);
  }
  // libcurl wants the transfer taken out of the multi handle before either goes.
  const auto detach = [&](CURL* easy) { ::curl_multi_remove_handle(multi.get(), easy); };
  const std::unique_ptr<CURL, decltype(detach)> attached(easy_.get(), detach);
  const std::stop_callback wake(stop_, [&] { ::curl_multi_wakeup(multi.get()); });

  for (int running = 1;;) {
    CURLMcode code = perform(multi.get(), running);
    if (thrown_) std::rethrow_exception(thrown_);
    // Looked at before the report, whose callbacks may take their time.
    const auto now = Clock::now();
    const auto patience = std::min(last_sign_ + limits_.stall_timeout, limits_.deadline) - now;
    sink_.report();
    if (stop_.stop_requested()) return failure(ErrorCode::kCancelled, Kind::kFinal, "cancelled");
    if (code == CURLM_OK && running == 0) break;
    if (now >= limits_.deadline) return std::unexpected(late_failure(url_, limits_));
    if (patience <= Clock::duration::zero()) return stall_failure();
    if (too_slow()) return slow_failure();
    // A stop that is asked for here already wakes the poll at once.
    const auto wait_ms = std::min<milliseconds::rep>(std::chrono::ceil<milliseconds>(patience).count(), INT_MAX);
    const auto start = Clock::now();
    if (code == CURLM_OK) code = ::curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(wait_ms), nullptr);
    // Until the answer begins only the stall counts.
    if (recent_ > 0 || waited_ > Clock::duration::zero()) waited_ += Clock::now() - start;
    if (code == CURLM_OUT_OF_MEMORY) return failure(ErrorCode::kLimitExceeded, Kind::kFinal, kNoMemory);
    if (code != CURLM_OK) return failure(ErrorCode::kInternal, Kind::kFinal, ::curl_multi_strerror(code));
  }
  int left = 0;
  const CURLMsg* const message = ::curl_multi_info_read(multi.get(), &left);
  if (message == nullptr || message->msg != CURLMSG_DONE) {
    return failure(ErrorCode::kInternal, Kind::kFinal, "libcurl ended without a result");
  }
  return conclude(message->data.result);
}

CURLMcode Transfer::perform(CURLM* multi, int& running) const {
  const ScopedLocale locale(utf8_locale());
  return ::curl_multi_perform(multi, &running);
}

bool Transfer::too_slow() {
  if (waited_ < limits_.rate_window) return false;
  const auto seconds = std::chrono::duration<double>(waited_).count();
  const bool slow = static_cast<double>(recent_) < static_cast<double>(limits_.least_rate) * seconds;
  if (slow) return true;
  recent_ = 0;
  waited_ = Clock::duration::zero();
  return false;
}

std::expected<void, TransferFailure> Transfer::conclude(CURLcode code) {
  if (sink_error_) {
    return std::unexpected(TransferFailure{*sink_error_, Kind::kFinal, head_.status});
  }
  if (head_bytes_ > kMaxHeadBytes) return failure(ErrorCode::kDownloadFailed, Kind::kFinal, kLongHead);
  long proxy_status = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status >= kFirstRedirect) return proxy_failure(static_cast<int>(proxy_status));
  // A status that isn't an answer: what stopped the redirection that it asked for tells more.
  const bool redirected =
      head_.status >= kFirstRedirect && head_.status < kFirstError && code != CURLE_OK && code != CURLE_WRITE_ERROR;
  if (head_.status != 0 && !head_.successful() && !redirected) return status_failure();
  if (code != CURLE_OK) return curl_failure(code);
  if (!begun_) {
    if (auto ready = begin(); !ready) {
      return std::unexpected(TransferFailure{std::move(ready.error()), Kind::kFinal, head_.status});
    }
  }
  return {};
}

std::unexpected<TransferFailure> Transfer::failure(ErrorCode code, Kind kind, std::string_view what) const {
  return std::unexpected(TransferFailure{
      Error{code, fmt::format("download of '{}' failed: {}", display_source(url_), what)}, kind, head_.status});
}

std::unexpected<TransferFailure> Transfer::status_failure() const {
  const int status = head_.status;
  const bool temporary = status == 408 || status == 429 || status >= 500;
  const auto meaning = status_meaning(status);
  auto result =
      failure(ErrorCode::kDownloadFailed, temporary ? Kind::kTemporary : Kind::kFinal,
              fmt::format("HTTP status {}{}; {}", status, meaning.empty() ? "" : fmt::format(" ({})", meaning),
                          temporary ? "try again later" : "check the address"));
  curl_off_t seconds = 0;
  if (::curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
    result.error().retry_after = std::chrono::seconds(seconds);
  }
  return result;
}

std::unexpected<TransferFailure> Transfer::stall_failure() const {
  curl_off_t connected_us = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &connected_us);
  return failure(ErrorCode::kDownloadFailed, connected_us > 0 ? Kind::kTemporary : Kind::kUnreachable,
                 fmt::format("nothing came for {} ms; check the network", limits_.stall_timeout.count()));
}

std::unexpected<TransferFailure> Transfer::slow_failure() const {
  return failure(ErrorCode::kDownloadFailed, Kind::kTemporary,
                 fmt::format("fewer than {} bytes a second came for {} ms; check the network, or allow a lower rate",
                             limits_.least_rate, limits_.rate_window.count()));
}

std::unexpected<TransferFailure> Transfer::proxy_failure(int status) const {
  return failure(ErrorCode::kDownloadFailed, status >= 500 ? Kind::kTemporary : Kind::kFinal,
                 fmt::format("the proxy answers with HTTP status {}; check $https_proxy and $no_proxy", status));
}

std::unexpected<TransferFailure> Transfer::trust_failure(std::string_view detail) const {
  if (trust_.nothing) {
    return failure(ErrorCode::kDownloadFailed, Kind::kFinal,
                   "this system has no certificates to know the server by; install them (the package is called "
                   "ca-certificates) or set $SSL_CERT_FILE to a file that has them");
  }
  return failure(ErrorCode::kDownloadFailed, Kind::kFinal,
                 fmt::format("{}; trusted are {}, $SSL_CERT_FILE can name a file with others", detail, trust_.origin));
}

std::unexpected<TransferFailure> Transfer::curl_failure(CURLcode code) const {
  const std::string_view detail = curl_message_[0] != '\0' ? curl_message_.data() : ::curl_easy_strerror(code);
  switch (code) {
    case CURLE_TOO_MANY_REDIRECTS:
      return failure(ErrorCode::kDownloadFailed, Kind::kFinal,
                     fmt::format("redirected more than {} times", limits_.max_redirects));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return protocol_failure(detail);
    case CURLE_BAD_CONTENT_ENCODING:
      return failure(ErrorCode::kDownloadFailed, Kind::kFinal,
                     fmt::format("what the server sends compressed can't be decompressed: {}", detail));
    case CURLE_SSL_CONNECT_ERROR:
      return failure(ErrorCode::kDownloadFailed, Kind::kFinal,
                     fmt::format("{}; check that the server speaks https at this address", detail));
    case CURLE_URL_MALFORMAT:
      return std::unexpected(TransferFailure{
          Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is no valid URL: {}", display_source(url_), detail)},
          Kind::kFinal, 0});
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return failure(ErrorCode::kDownloadFailed, Kind::kUnreachable,
                     fmt::format("{}; check the address and the network", detail));
    case CURLE_OPERATION_TIMEDOUT:
      return failure(ErrorCode::kDownloadFailed, Kind::kUnreachable, fmt::format("{}; check the network", detail));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return trust_failure(detail);
    case CURLE_OUT_OF_MEMORY:
      // So libcurl 7 calls a line of the head that is longer than it takes.
      if (in_head()) return failure(ErrorCode::kDownloadFailed, Kind::kFinal, kLongHead);
      return failure(ErrorCode::kLimitExceeded, Kind::kFinal, kNoMemory);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      if (begun_) {
        const auto total = head_.total();
        return failure(ErrorCode::kDownloadFailed, Kind::kTemporary,
                       fmt::format("ended after {} {}", head_.start() + received_,
                                   total ? fmt::format("of {} bytes", *total) : "bytes, before its end"));
      }
      return failure(ErrorCode::kDownloadFailed, Kind::kTemporary, detail);
    default:
      if (static_cast<int>(code) == kCurlTooLarge && in_head()) {
        return failure(ErrorCode::kDownloadFailed, Kind::kFinal, kLongHead);
      }
      return failure(ErrorCode::kDownloadFailed, Kind::kFinal, detail);
  }
}

/// Whether an answer has begun and its head not ended.
bool Transfer::in_head() const {
  curl_off_t first_byte_us = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us);
  return !begun_ && first_byte_us > 0;
}

std::unexpected<TransferFailure> Transfer::protocol_failure(std::string_view detail) const {
  const char* url = nullptr;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_EFFECTIVE_URL, &url);
  const std::string_view last = url == nullptr ? "" : url;
  if (!starts_with_ignoring_case(last, "http://") && !starts_with_ignoring_case(last, "https://")) {
    return failure(ErrorCode::kDownloadFailed, Kind::kFinal, "redirected to something other than http and https");
  }
  return failure(
      ErrorCode::kDownloadFailed, Kind::kFinal,
      fmt::format("what answers there speaks no HTTP that is understood ({}); check address and port", detail));
}

}  // namespace

TransferFailure late_failure(const std::string& url, const DownloadLimits& limits) {
  return {Error{ErrorCode::kDownloadFailed,
                fmt::format("download of '{}' failed: it isn't done after {} s; allow it more time or try again later",
                            display_source(url), std::chrono::ceil<std::chrono::seconds>(limits.longest).count())}};
}

std::expected<void, TransferFailure> transfer(const std::string& url, std::span<const std::string> headers,
                                              const DownloadLimits& limits, BodySink& sink,
                                              const std::stop_token& stop) {
  if (!initialize_curl()) {
    return std::unexpected(TransferFailure{Error{ErrorCode::kInternal, "libcurl can't be started"}});
  }
  return Transfer(url, limits, sink, stop).run(headers);
}

}  // namespace silhouette
