#include "resources/download.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <new>
#include <stdexcept>
#include <thread>

#include "resources/test_util.hpp"
#include "silhouette/version.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::impatient;
using test::ScopedEnv;
using test::ScratchFolder;
using test::to_string;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Error error_of(const std::string& url, const DownloadLimits& limits = impatient()) {
  const auto result = download_bytes(url, limits, {});
  EXPECT_FALSE(result);
  return result ? Error{} : result.error();
}

FileRequest file_request(const std::string& url, const std::filesystem::path& path) {
  return {.url = url, .path = path, .sha256 = {}, .check = {}};
}

TEST(Download, GetsBytesOverBothAddressFamilies) {
  const auto body = test::pattern(3'000'000);
  const auto handler = [&](const HttpRequest&) { return HttpReply{.body = body}; };
  const HttpServer server(handler);
  EXPECT_EQ(to_string(download_bytes(server.url("/a"), impatient(), {}).value()), body);
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.headers.at("user-agent"), fmt::format("silhouette/{}", kVersion));
  EXPECT_EQ(request.headers.at("accept-encoding"), "identity");

  std::unique_ptr<HttpServer> server6;
  try {
    server6 = std::make_unique<HttpServer>(handler, true);
  } catch (const std::runtime_error&) {
    GTEST_SKIP() << "there is no IPv6 loopback address here";
  }
  EXPECT_EQ(to_string(download_bytes(server6->url("/a"), impatient(), {}).value()), body);
}

TEST(Download, TakesABodyWithoutLength) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = "content", .omit_length = true}; });
  EXPECT_EQ(to_string(download_bytes(server.url("/a"), impatient(), {}).value()), "content");
}

TEST(Download, TakesAnEmptyBody) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{}; });
  EXPECT_THAT(download_bytes(server.url("/a"), impatient(), {}).value(), IsEmpty());
}

TEST(Download, FollowsFiveRedirects) {
  const HttpServer server([](const HttpRequest& request) {
    const int hop = std::stoi(request.target.substr(1));
    if (hop == 0) return HttpReply{.body = "content"};
    return HttpReply{.status = 302, .headers = {{"Location", fmt::format("/{}", hop - 1)}}, .body = "elsewhere"};
  });
  EXPECT_EQ(to_string(download_bytes(server.url("/5"), impatient(), {}).value()), "content");
  const auto error = error_of(server.url("/6"));
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.url("/6")), HasSubstr("more than 5")));
}

TEST(Download, BreaksRedirectLoops) {
  const HttpServer server(
      [](const HttpRequest& request) { return HttpReply{.status = 301, .headers = {{"Location", request.target}}}; });
  const auto error = error_of(server.url("/loop"));
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr("/loop"), HasSubstr("redirected more than")));
  EXPECT_EQ(server.requests().size(), 6U);
}

TEST(Download, RefusesRedirectsToFiles) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{.status = 302, .headers = {{"Location", "file:///etc/passwd"}}}; });
  const auto error = error_of(server.url("/a"));
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.url("/a")), HasSubstr("other than http and https")));
}

TEST(Download, NamesUrlAndStatus) {
  const HttpServer server([](const HttpRequest& request) {
    return HttpReply{.status = std::stoi(request.target.substr(1)), .body = "an error page"};
  });
  for (const int status : {204, 304, 400, 401, 403, 404, 410, 418}) {
    const auto error = error_of(server.url(fmt::format("/{}", status)));
    EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
    EXPECT_THAT(error.message, AllOf(HasSubstr(server.url()), HasSubstr(fmt::format("status {}", status))));
  }
  EXPECT_EQ(server.requests().size(), 8U) << "such statuses must not be tried again";
}

TEST(Download, TriesAgainAfterServerErrors) {
  int calls = 0;
  const HttpServer server([&](const HttpRequest&) {
    constexpr std::array kStatuses = {500, 429, 503, 200};
    return HttpReply{.status = kStatuses.at(static_cast<std::size_t>(calls++)), .body = "content"};
  });
  EXPECT_EQ(to_string(download_bytes(server.url("/a"), impatient(), {}).value()), "content");
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(Download, GivesUpAfterTheRetriesAllowed) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.status = 503}; });
  auto limits = impatient();
  limits.retries = 2;
  EXPECT_THAT(error_of(server.url("/a"), limits).message, AllOf(HasSubstr("503"), HasSubstr("3 attempts")));
  EXPECT_EQ(server.requests().size(), 3U);
  const ScopedEnv none("SILHOUETTE_DOWNLOAD_RETRIES", "0");
  EXPECT_THAT(error_of(server.url("/a"), limits).message, HasSubstr("503"));
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(Download, HonoursRetryAfterUpToItsBound) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{.status = 429, .headers = {{"Retry-After", "120"}}}; });
  EXPECT_THAT(error_of(server.url("/a")).message, AllOf(HasSubstr("429"), HasSubstr("wait 120 s")));
  EXPECT_EQ(server.requests().size(), 1U);

  // Within the bound it does wait: nothing but a stop ends this.
  auto limits = impatient();
  limits.max_retry_after = std::chrono::hours(1);
  std::stop_source stop;
  std::jthread canceller([&] {
    server.wait_for_requests(2);
    stop.request_stop();
  });
  const auto result = download_bytes(server.url("/a"), limits, stop.get_token());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(Download, NamesARefusedConnection) {
  const test::ClosedPort port;
  const auto error = error_of(port.url("/a"));
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr(port.url("/a")), HasSubstr("check the address and the network")));
}

TEST(Download, NamesAnUnknownHost) {
  const ScopedEnv no_proxy("no_proxy", "*");
  const auto error = error_of("http://host.invalid/a");
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, HasSubstr("http://host.invalid/a"));
}

TEST(Download, NamesAnImpossibleUrl) {
  for (const char* const url : {"http://", "http://[::1", "http://host:99999/", "http://a\nb/"}) {
    EXPECT_EQ(error_of(url).code, ErrorCode::kInvalidArgument) << url;
  }
}

TEST(Download, NoticesAShortBody) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = "12345", .content_length = 9}; });
  auto limits = impatient();
  limits.retries = 1;
  const auto error = error_of(server.url("/short"), limits);
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.url("/short")), HasSubstr("ended after 5 of 9 bytes")));
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(Download, NoticesAServerThatStops) {
  const HttpServer server([](const HttpRequest& request) {
    HttpReply reply{.body = test::pattern(100'000)};
    if (request.target == "/head") reply.send_only = 20;
    if (request.target == "/silent") reply.send_only = 0;
    if (request.target == "/body") reply.body_only = 50'000;
    return reply;
  });
  auto limits = impatient();
  limits.retries = 0;
  EXPECT_THAT(error_of(server.url("/body"), limits).message, HasSubstr("ended after 50000 of 100000 bytes"));
  EXPECT_EQ(error_of(server.url("/head"), limits).code, ErrorCode::kDownloadFailed);
  EXPECT_EQ(error_of(server.url("/silent"), limits).code, ErrorCode::kDownloadFailed);
}

TEST(Download, RefusesAnEndlessBody) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{.body = std::string(10'000, 'x'), .endless = true}; });
  auto limits = impatient();
  limits.max_bytes = 1'000'000;
  const auto error = error_of(server.url("/endless"), limits);
  EXPECT_EQ(error.code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.url("/endless")), HasSubstr("1000000")));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Download, TakesExactlyTheLimit) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = std::string(1000, 'x')}; });
  auto limits = impatient();
  limits.max_bytes = 1000;
  EXPECT_EQ(download_bytes(server.url("/a"), limits, {}).value().size(), 1000U);
  limits.max_bytes = 999;
  EXPECT_EQ(error_of(server.url("/a"), limits).code, ErrorCode::kLimitExceeded);
}

TEST(Download, GivesUpAStalledServer) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{.body = "12345", .content_length = 9, .hang = true}; });
  auto limits = impatient();
  limits.stall_timeout = std::chrono::milliseconds(50);
  limits.retries = 0;
  const auto error = error_of(server.url("/stall"), limits);
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.url("/stall")), HasSubstr("nothing came for 50 ms")));
}

TEST(Download, IsCancelledWhileTheServerIsSilent) {
  for (const std::size_t sent : {std::size_t{0}, std::size_t{10}, std::size_t{60}}) {
    const HttpServer server([&](const HttpRequest&) {
      return HttpReply{.body = "12345", .content_length = 9, .send_only = sent, .hang = true};
    });
    std::stop_source stop;
    std::jthread canceller([&] {
      server.wait_for_requests(1);
      stop.request_stop();
    });
    auto limits = impatient();
    limits.stall_timeout = std::chrono::hours(1);
    const auto result = download_bytes(server.url("/slow"), limits, stop.get_token());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
    EXPECT_THAT(result.error().message, HasSubstr(server.url("/slow")));
  }
}

TEST(Download, UsesTheProxyOfTheEnvironment) {
  const HttpServer proxy([](const HttpRequest& request) { return HttpReply{.body = request.target}; });
  const ScopedEnv no_proxy("no_proxy", std::nullopt);
  const ScopedEnv no_proxy_too("NO_PROXY", std::nullopt);
  const ScopedEnv http_proxy("http_proxy", proxy.url());
  EXPECT_EQ(to_string(download_bytes("http://host.invalid/a", impatient(), {}).value()), "http://host.invalid/a");
}

TEST(DownloadFile, WritesWholeFileAndNothingElse) {
  const auto body = test::pattern(1'000'000);
  const HttpServer server([&](const HttpRequest& request) { return test::serve_ranges(request, body, "\"v1\""); });
  const ScratchFolder folder;
  const auto path = folder.path() / "new" / "ä model.bin";
  std::vector<std::uint64_t> received;
  const auto progress = [&](std::uint64_t bytes, std::uint64_t total) {
    EXPECT_EQ(total, body.size());
    received.push_back(bytes);
  };
  ASSERT_TRUE(download_file(file_request(server.url("/a"), path), impatient(), progress, {}));
  EXPECT_EQ(test::file_text(path), body);
  EXPECT_THAT(test::names_in(path.parent_path()), ElementsAre("ä model.bin"));
  EXPECT_TRUE(std::ranges::is_sorted(received));
  EXPECT_EQ(received.back(), body.size());

  ASSERT_TRUE(download_file(file_request(server.url("/a"), path), impatient(), {}, {}));
  EXPECT_EQ(server.requests().size(), 1U) << "what is there is not fetched again";
}

TEST(DownloadFile, WhatProgressThrowsStopsItAndIsAnError) {
  // Large enough that progress is told in the middle of a block, inside libcurl.
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = test::pattern(4 << 20)}; });
  const ScratchFolder folder;
  const auto download = [&](auto thrown) {
    int calls = 0;
    const auto progress = [&](std::uint64_t received, std::uint64_t) {
      ++calls;
      if (received > 0) throw thrown;
    };
    const auto result = download_file(file_request(server.url("/a"), folder.path() / "a"), impatient(), progress, {});
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "a"));
    return result;
  };
  const auto odd = download(42);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, ErrorCode::kInternal);
  EXPECT_THAT(odd.error().message, AllOf(HasSubstr(server.url("/a")), HasSubstr("callback")));
  const auto known = download(std::runtime_error("no more"));
  EXPECT_EQ(known.error().code, ErrorCode::kInternal);
  EXPECT_THAT(known.error().message, HasSubstr("no more"));
  EXPECT_EQ(download(std::bad_alloc()).error().code, ErrorCode::kLimitExceeded);
  EXPECT_TRUE(download_file(file_request(server.url("/a"), folder.path() / "a"), impatient(), {}, {}));
}

TEST(DownloadFile, LeavesNothingAfterFailures) {
  const ScratchFolder folder;
  const auto path = folder.path() / "model.bin";
  const HttpServer server([](const HttpRequest& request) {
    if (request.target == "/404") return HttpReply{.status = 404, .body = "an error page"};
    if (request.target == "/endless") return HttpReply{.headers = {{"ETag", "\"v\""}}, .body = "xxxx", .endless = true};
    return HttpReply{.body = "12345", .content_length = 9};
  });
  auto limits = impatient();
  limits.max_bytes = 100'000;
  for (const auto& [target, code] : {std::pair{"/404", ErrorCode::kDownloadFailed},
                                     {"/endless", ErrorCode::kLimitExceeded},
                                     {"/short", ErrorCode::kDownloadFailed}}) {
    const auto result = download_file(file_request(server.url(target), path), limits, {}, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr(server.url(target)));
    EXPECT_THAT(test::names_in(folder.path()), IsEmpty()) << target;
  }
}

TEST(DownloadFile, NamesAFolderThatCantBeMade) {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = "content"}; });
  for (const auto& parent : {folder.path() / "file" / "below", std::filesystem::path("/proc/silhouette")}) {
    const auto result = download_file(file_request(server.url("/a"), parent / "model.bin"), impatient(), {}, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kIoError);
    EXPECT_THAT(result.error().message, AllOf(HasSubstr(parent.string()), HasSubstr("SILHOUETTE_CACHE")));
  }
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(DownloadFile, NamesAFolderThatCantBeWritten) {
  // Nobody, not even root, makes files there.
  const auto result = download_file(file_request("http://127.0.0.1/a", "/proc/self/model.bin"), impatient(), {}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIoError);
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("/proc/self"), HasSubstr("SILHOUETTE_CACHE")));
}

/// No file of this process may grow larger; a stand-in for a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_{};
  void (*handler_)(int);
};

TEST(DownloadFile, NamesAFullDisk) {
  const ScratchFolder folder;
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = test::pattern(200'000)}; });
  Result<void> result;
  {
    const FileSizeLimit limit(100'000);
    result = download_file(file_request(server.url("/a"), folder.path() / "model.bin"), impatient(), {}, {});
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIoError);
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("model.bin"), HasSubstr("make room")));
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_THAT(test::names_in(folder.path()), IsEmpty());
}

TEST(DownloadFile, ChecksTheSha256) {
  const ScratchFolder folder;
  const auto path = folder.path() / "model.bin";
  const HttpServer server([](const HttpRequest& request) { return test::serve_ranges(request, "abc", "\"v1\""); });
  auto request = file_request(server.url("/a"), path);
  request.sha256 = std::string(64, '0');
  const auto wrong = download_file(request, impatient(), {}, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(wrong.error().message, AllOf(HasSubstr(request.sha256), HasSubstr("ba7816bf"), HasSubstr(request.url)));
  EXPECT_THAT(test::names_in(folder.path()), IsEmpty());

  std::ofstream(path) << "an older version";
  request.sha256 = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
  ASSERT_TRUE(download_file(request, impatient(), {}, {}));
  EXPECT_EQ(test::file_text(path), "abc");
  const auto fetches = server.requests().size();
  ASSERT_TRUE(download_file(request, impatient(), {}, {}));
  EXPECT_EQ(server.requests().size(), fetches) << "the right file is there";
  request.sha256 = "abc";
  EXPECT_EQ(download_file(request, impatient(), {}, {}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace silhouette
