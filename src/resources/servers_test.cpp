#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "resources/download.hpp"
#include "resources/file_lock.hpp"
#include "resources/partial_file.hpp"
#include "resources/test_util.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

// Servers and proxies that don't do as they should, or as one expects.

namespace silhouette {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::impatient;
using test::ScopedEnv;
using test::ScratchFolder;
using test::to_string;
using std::string_literals::operator""s;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// 100,000 times 'x', compressed.
const std::string& gzipped() {
  static constexpr char kBytes[] =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x0d\x0f"
      "\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x80\x57\x03\x71\x11\x07\xfe\xa0\x86\x01\x00";
  static const std::string text(kBytes, sizeof kBytes - 1);
  return text;
}

std::string message_of(const std::string& url, DownloadLimits limits = impatient()) {
  limits.retries = 0;
  const auto result = download_bytes(url, limits, {});
  EXPECT_FALSE(result) << url;
  if (result) return {};
  EXPECT_EQ(result.error().code, ErrorCode::kDownloadFailed) << result.error().message;
  EXPECT_THAT(result.error().message, HasSubstr(url));
  return result.error().message;
}

HttpReply raw(std::string text) {
  return {.raw = std::move(text)};
}

TEST(Servers, WhatIsCompressedAllTheSameIsDecompressed) {
  const HttpServer server([](const HttpRequest& request) {
    HttpReply reply{.headers = {{"Content-Encoding", "gzip"}, {"ETag", "\"v1\""}}, .body = gzipped()};
    reply.omit_length = request.target == "/unknown";
    if (request.target == "/lie") reply.body = "no gzip at all";
    if (request.target == "/other") reply.headers[0].second = "rot13";
    if (request.target == "/identity") reply.headers[0].second = "identity";
    return reply;
  });
  const std::string plain(100'000, 'x');
  EXPECT_EQ(to_string(download_bytes(server.url("/known"), impatient(), {}).value()), plain);
  EXPECT_EQ(to_string(download_bytes(server.url("/unknown"), impatient(), {}).value()), plain);
  EXPECT_EQ(to_string(download_bytes(server.url("/identity"), impatient(), {}).value()), gzipped());
  EXPECT_THAT(message_of(server.url("/lie")), HasSubstr("can't be decompressed"));
  EXPECT_THAT(message_of(server.url("/other")), HasSubstr("can't be decompressed"));
  EXPECT_EQ(server.requests().at(0).headers.at("accept-encoding"), "identity");

  auto limits = impatient();
  limits.max_bytes = 99'999;
  const auto bomb = download_bytes(server.url("/known"), limits, {});
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, ErrorCode::kLimitExceeded) << "what counts is what it becomes";
}

TEST(Servers, ACompressedFileIsNeverResumedByItsBytes) {
  int calls = 0;
  const HttpServer server([&](const HttpRequest& request) {
    EXPECT_FALSE(request.headers.contains("range"));
    HttpReply reply{.headers = {{"Content-Encoding", "gzip"}, {"ETag", "\"v1\""}}, .body = gzipped()};
    if (++calls == 1) reply.body_only = gzipped().size() - 20;
    return reply;
  });
  const ScratchFolder folder;
  const auto path = folder.path() / "file";
  ASSERT_TRUE(download_file({.url = server.url("/a"), .path = path}, impatient(), {}, {}));
  EXPECT_EQ(test::file_text(path), std::string(100'000, 'x'));
  EXPECT_EQ(calls, 2);
}

TEST(Servers, CookiesOfARedirectionComeBack) {
  const HttpServer server([](const HttpRequest& request) {
    const auto cookie = request.headers.find("cookie");
    if (cookie != request.headers.end() && cookie->second == "pass=1") return HttpReply{.body = "content"};
    return HttpReply{.status = 302, .headers = {{"Set-Cookie", "pass=1; Path=/"}, {"Location", request.target}}};
  });
  EXPECT_EQ(to_string(download_bytes(server.url("/a"), impatient(), {}).value()), "content");
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(to_string(download_bytes(server.url("/a"), impatient(), {}).value()), "content");
  EXPECT_FALSE(server.requests().at(2).headers.contains("cookie")) << "nothing is kept from one download to the next";
}

TEST(Servers, AChangedCopyOfAProxyIsTaken) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.status = 203, .body = "content"}; });
  EXPECT_EQ(to_string(download_bytes(server.url("/a"), impatient(), {}).value()), "content");
  const ScratchFolder folder;
  ASSERT_TRUE(download_file({.url = server.url("/a"), .path = folder.path() / "file"}, impatient(), {}, {}));
}

TEST(Servers, InternationalHostNamesDependOnNoLocale) {
  const HttpServer proxy([](const HttpRequest& request) {
    if (request.target.find("/to-idn") != std::string::npos) {
      return HttpReply{.status = 302, .headers = {{"Location", "http://m\xc3\xbcnchen.example/b"}}};
    }
    return HttpReply{.body = request.target};
  });
  const ScopedEnv http_proxy("http_proxy", proxy.url());
  const ScopedEnv locale("LC_ALL", "C");
  const auto get = [](const std::string& url) { return to_string(download_bytes(url, impatient(), {}).value()); };
  EXPECT_EQ(get("http://b\xc3\xbc"
                "cher.example/a"),
            "http://xn--bcher-kva.example/a");
  EXPECT_EQ(get("http://\xe4\xbe\x8b\xe3\x81\x88.example/a"), "http://xn--r8jz45g.example/a");
  EXPECT_EQ(get("http://plain.example/to-idn"), "http://xn--mnchen-3ya.example/b");
}

TEST(Servers, TheCallersLocaleIsTheirsInCallbacks) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = test::pattern(3'000'000)}; });
  const ScratchFolder folder;
  const locale_t mine = ::uselocale(nullptr);
  int calls = 0;
  ASSERT_TRUE(download_file({.url = server.url("/a"), .path = folder.path() / "file"}, impatient(),
                            [&](std::uint64_t, std::uint64_t) {
                              ++calls;
                              EXPECT_EQ(::uselocale(nullptr), mine);
                            },
                            {}));
  EXPECT_GT(calls, 1);
  EXPECT_EQ(::uselocale(nullptr), mine);
}

TEST(Servers, WhatIsNoWebServerIsCalledThat) {
  const std::string garbage = "\x00\xff\x01garbage 999 \x1b[31m\r\n\r\n"s;
  const HttpServer server([&](const HttpRequest& request) {
    if (request.target == "/garbage") return raw(garbage);
    if (request.target == "/status") return raw("HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\nhello");
    if (request.target == "/old") return raw("just the body, as in 1991\n");
    if (request.target == "/ssh") return raw("SSH-2.0-OpenSSH_9.2\r\n");
    return HttpReply{.status = 302, .headers = {{"Location", "/garbage"}}};
  });
  for (const char* const path : {"/garbage", "/status", "/old", "/ssh", "/redirected"}) {
    EXPECT_THAT(message_of(server.url(path)), AllOf(HasSubstr("speaks no HTTP"), Not(HasSubstr("redirected to"))));
  }
}

TEST(Servers, RedirectionsElsewhereAreCalledThat) {
  const HttpServer server([](const HttpRequest& request) {
    const std::string target = request.target.substr(1);
    return HttpReply{.status = 302, .headers = {{"Location", target}}};
  });
  for (const char* const target : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x"}) {
    EXPECT_THAT(message_of(server.url("/" + std::string(target))), HasSubstr("other than http and https"));
  }
}

TEST(Servers, ARedirectionToNowhereSaysSo) {
  const test::ClosedPort port;
  const HttpServer server([&](const HttpRequest& request) {
    HttpReply reply{.status = 302};
    if (request.target == "/closed") reply.headers.emplace_back("Location", port.url("/a"));
    return reply;
  });
  EXPECT_THAT(message_of(server.url("/closed")), HasSubstr("check the address and the network"));
  EXPECT_THAT(message_of(server.url("/no-location")), AllOf(HasSubstr("302"), HasSubstr("say where")));
}

TEST(Servers, AHeadWithoutEndIsCalledThat) {
  const HttpServer server([](const HttpRequest& request) {
    if (request.target == "/line") return raw("HTTP/1.1 200 OK\r\nX: " + std::string(4 << 20, 'a') + "\r\n\r\n");
    HttpReply reply{.body = "HTTP/1.1 100 Continue\r\n\r\n", .endless = true, .raw = ""};
    if (request.target == "/lines") reply.raw = "HTTP/1.1 200 OK\r\n";
    if (request.target == "/lines") reply.body = "X-Line: " + std::string(80, 'a') + "\r\n";
    return reply;
  });
  for (const char* const path : {"/line", "/lines", "/continue"}) {
    EXPECT_THAT(message_of(server.url(path)), HasSubstr("head of the server's answer")) << path;
  }
}

TEST(Servers, ATlsClientAtAPlainServerEnds) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{}; });
  // What it sends never becomes a request there, and no answer comes: it must end all the same.
  auto limits = impatient();
  limits.retries = 0;
  limits.stall_timeout = std::chrono::milliseconds(300);
  const auto result = download_bytes("https" + server.url("/a").substr(4), limits, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDownloadFailed);
}

TEST(Servers, AProxyThatRefusesIsNamed) {
  const HttpServer proxy([](const HttpRequest& request) {
    EXPECT_EQ(request.method, "CONNECT");
    return HttpReply{.status = 407};
  });
  const ScopedEnv https_proxy("https_proxy", proxy.url());
  EXPECT_THAT(message_of("https://host.example/a"), AllOf(HasSubstr("proxy"), HasSubstr("407")));
  EXPECT_EQ(proxy.requests().size(), 1U);
}

TEST(Servers, SlowSendersAreGivenUp) {
  const HttpServer server([](const HttpRequest&) {
    return HttpReply{.body = test::pattern(1'000'000), .drip = std::chrono::milliseconds(5)};
  });
  auto limits = impatient();
  limits.rate_window = std::chrono::milliseconds(200);
  limits.least_rate = 1 << 20;
  EXPECT_THAT(message_of(server.url("/drip"), limits), HasSubstr("bytes a second"));
  limits.least_rate = 0;
  limits.longest = std::chrono::milliseconds(300);
  EXPECT_THAT(message_of(server.url("/drip"), limits), HasSubstr("it isn't done after"));
  const ScratchFolder folder;
  const auto file = download_file({.url = server.url("/drip"), .path = folder.path() / "file"}, limits, {}, {});
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("it isn't done after"));
  EXPECT_THAT(test::names_in(folder.path()), ::testing::IsEmpty());
}

TEST(Servers, TheLimitHoldsForWaitingForAnotherProcessToo) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = "content"}; });
  const ScratchFolder folder;
  const auto path = folder.path() / "file";
  auto limits = impatient();
  limits.longest = std::chrono::milliseconds(100);
  {
    const auto stopped_process = FileLock::try_acquire(lock_path(path));
    const auto file = download_file({.url = server.url("/a"), .path = path}, limits, {}, {});
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ErrorCode::kDownloadFailed);
    EXPECT_THAT(file.error().message, HasSubstr("it isn't done after"));
  }
  limits.longest = std::chrono::milliseconds(0);
  EXPECT_TRUE(download_file({.url = server.url("/a"), .path = path}, limits, {}, {}));
}

TEST(Servers, PatienceIsTheCallersThenTheEnvironments) {
  const auto limits = [](const DownloadPatience& patience) {
    DownloadLimits result;
    set_patience(result, patience, std::chrono::minutes(5));
    return result;
  };
  EXPECT_EQ(limits({}).longest, std::chrono::minutes(5));
  EXPECT_EQ(limits({}).least_rate, 1024U);
  const ScopedEnv rate("SILHOUETTE_DOWNLOAD_RATE", "7");
  const ScopedEnv timeout("SILHOUETTE_DOWNLOAD_TIMEOUT", "60");
  EXPECT_EQ(limits({}).longest, std::chrono::minutes(1));
  EXPECT_EQ(limits({}).least_rate, 7U);
  const DownloadPatience own{.least_rate = 0, .longest = std::chrono::seconds(1)};
  EXPECT_EQ(limits(own).longest, std::chrono::seconds(1));
  EXPECT_EQ(limits(own).least_rate, 0U);
  for (const char* const wrong : {"", "x", "1x", "-1", "99999999999999999999999"}) {
    const ScopedEnv bad("SILHOUETTE_DOWNLOAD_TIMEOUT", wrong);
    EXPECT_EQ(limits({}).longest, std::chrono::minutes(5)) << wrong;
  }
  const ScopedEnv endless("SILHOUETTE_DOWNLOAD_TIMEOUT", "18446744073709551615");
  EXPECT_GT(limits({}).longest, std::chrono::hours(24));
}

TEST(Servers, ASinkThatTakesItsTimeIsNotTheSendersFault) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = test::pattern(2'000'000)}; });
  auto limits = impatient();
  limits.rate_window = std::chrono::milliseconds(10);
  limits.least_rate = 1'000'000'000;
  const ScratchFolder folder;
  std::mutex mutex;
  std::condition_variable never;
  const auto take_time = [&](std::uint64_t, std::uint64_t) {
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::milliseconds(20), [] { return false; });
  };
  EXPECT_TRUE(download_file({.url = server.url("/a"), .path = folder.path() / "file"}, limits, take_time, {}));
}

TEST(Servers, TheLimitHoldsForAllAttemptsTogether) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{.status = 503, .headers = {{"Retry-After", "30"}}}; });
  auto limits = impatient();
  limits.longest = std::chrono::milliseconds(20'000);
  const auto result = download_bytes(server.url("/a"), limits, {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("503"), HasSubstr("no time is left")));
  EXPECT_EQ(server.requests().size(), 1U);
}

}  // namespace
}  // namespace silhouette
