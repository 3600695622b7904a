// Interrupted downloads, and several at once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "resources/download.hpp"
#include "resources/file_lock.hpp"
#include "resources/partial_file.hpp"
#include "resources/sha256.hpp"
#include "resources/test_util.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX names no header for it

namespace silhouette {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::impatient;
using test::ScratchFolder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kSize = 300'000;

class Resume : public ::testing::Test {
 protected:
  /// Leaves a download of `body_` that broke off after `count` bytes.
  void break_off(std::size_t count) {
    script([&] { body_only_ = count; });
    auto limits = impatient();
    limits.retries = 0;
    ASSERT_FALSE(download_file(request(), limits, {}, {}));
    ASSERT_FALSE(std::filesystem::exists(path_));
    script([&] { body_only_.reset(); });
  }

  FileRequest request() const { return {.url = server_.url("/model"), .path = path_, .sha256 = {}, .check = {}}; }

  HttpReply reply_to(const HttpRequest& asked) {
    HttpReply reply = ignore_ranges_ ? HttpReply{.headers = {{"ETag", etag_}}, .body = body_}
                                     : test::serve_ranges(asked, body_, etag_);
    reply.body_only = body_only_;
    if (change_) change_(reply);
    return reply;
  }

  /// Changes what the server does.
  void script(const std::function<void()>& change) const {
    const auto held = server_.hold_handler();
    change();
  }

  std::string last_header(const char* name) const {
    const auto headers = server_.requests().back().headers;
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }

  void expect_whole() const {
    EXPECT_EQ(test::file_text(path_), body_);
    EXPECT_THAT(test::names_in(folder_.path()), ElementsAre("model.bin"));
  }

  std::string body_ = test::pattern(kSize);
  std::string etag_ = "\"v1\"";
  bool ignore_ranges_ = false;
  std::optional<std::size_t> body_only_;
  std::function<void(HttpReply&)> change_;
  ScratchFolder folder_;
  std::filesystem::path path_ = folder_.path() / "model.bin";
  HttpServer server_{[this](const HttpRequest& asked) { return reply_to(asked); }};
};

TEST_F(Resume, GoesOnWhereItBrokeOff) {
  break_off(100'000);
  std::vector<std::uint64_t> received;
  ASSERT_TRUE(download_file(request(), impatient(),
                            [&](std::uint64_t bytes, std::uint64_t total) {
                              EXPECT_EQ(total, kSize);
                              received.push_back(bytes);
                            },
                            {}));
  expect_whole();
  EXPECT_EQ(last_header("range"), "bytes=100000-");
  EXPECT_EQ(last_header("if-range"), etag_);
  EXPECT_GE(received.front(), 100'000U);
}

TEST_F(Resume, GoesOnByItselfAfterADroppedConnection) {
  int calls = 0;
  script([&] {
    change_ = [&](HttpReply& reply) {
      if (++calls < 3) reply.body_only = 1000;
    };
  });
  ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
  expect_whole();
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_EQ(last_header("range"), "bytes=2000-");
}

TEST_F(Resume, CountsOnlyRetriesThatBringNothing) {
  script([&] {
    body_ = test::pattern(5 << 20);
    body_only_ = (1 << 20) + 1;
  });
  auto limits = impatient();
  limits.retries = 1;
  ASSERT_TRUE(download_file(request(), limits, {}, {}));
  expect_whole();
  EXPECT_EQ(server_.requests().size(), 5U);
}

TEST_F(Resume, EndsWhenEveryAttemptStartsAnew) {
  script([&] {
    ignore_ranges_ = true;
    body_only_ = 200'000;
  });
  auto limits = impatient();
  limits.retries = 3;
  const auto result = download_file(request(), limits, {}, {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("ended after 200000 of 300000 bytes"), HasSubstr("4 attempts")));
}

TEST_F(Resume, StartsAnewWhenTheFileChanged) {
  break_off(100'000);
  script([&] {
    body_ = test::pattern(kSize - 5, 2);
    etag_ = "\"v2\"";
  });
  ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
  expect_whole();
}

TEST_F(Resume, StartsAnewWhenTheServerIgnoresRanges) {
  break_off(100'000);
  script([&] { ignore_ranges_ = true; });
  ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
  expect_whole();
}

TEST_F(Resume, StartsAnewWhenThePartDoesNotFit) {
  const std::vector<std::function<void(HttpReply&)>> lies = {
      [](HttpReply& reply) { reply.headers = {{"Content-Range", "bytes 7-299999/300000"}, {"ETag", "\"v1\""}}; },
      [](HttpReply& reply) { reply.headers = {{"Content-Range", "bytes 100000-299999/300001"}, {"ETag", "\"v1\""}}; },
      [](HttpReply& reply) { reply.headers = {{"Content-Range", "bytes 100000-299999/300000"}, {"ETag", "\"v2\""}}; },
      [](HttpReply& reply) { reply.headers = {{"Content-Range", "nonsense"}}; },
      [](HttpReply& reply) { reply.headers = {}; },
      [](HttpReply& reply) { reply = {.status = 416}; },
  };
  for (const auto& lie : lies) {
    std::filesystem::remove(path_);
    script([&] { change_ = nullptr; });
    break_off(100'000);
    script([&] {
      change_ = [&, first = true](HttpReply& reply) mutable {
        if (std::exchange(first, false)) lie(reply);
      };
    });
    ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
    expect_whole();
    EXPECT_EQ(last_header("range"), "");
  }
}

TEST_F(Resume, RefusesAPartThatNobodyAskedFor) {
  script([&] {
    change_ = [](HttpReply& reply) {
      reply.status = 206;
      reply.headers.emplace_back("Content-Range", "bytes 10-299999/300000");
    };
  });
  const auto result = download_file(request(), impatient(), {}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDownloadFailed);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(download_bytes(server_.url("/model"), impatient(), {}).error().code, ErrorCode::kDownloadFailed);
}

TEST_F(Resume, KeepsNothingWithoutAStrongEtag) {
  for (const char* const etag : {"W/\"v1\"", "v1", ""}) {
    script([&] { etag_ = etag; });
    break_off(100'000);
    EXPECT_THAT(test::names_in(folder_.path()), IsEmpty());
    ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
    expect_whole();
    EXPECT_EQ(last_header("range"), "");
    std::filesystem::remove(path_);
  }
}

TEST_F(Resume, IgnoresForeignAndBrokenLeftovers) {
  const auto hash = sha256_hex(request().url).value();
  const auto other = sha256_hex("http://other/model").value();
  const std::string format = "silhouette partial download 1\n";
  for (const auto& info :
       {std::string(), std::string("garbage"), format, format + hash + "\n\"v1\"\n",
        format + other + "\n\"v1\"\n300000\n", format + hash + "\n\n300000\n", format + hash + "\n\"v1\"\n30x\n",
        format + hash + "\n\"v1\"\n50\n", std::string(200'000, '\n')}) {
    std::filesystem::remove(path_);
    std::ofstream(partial_path(path_)) << std::string(1000, 'x');
    if (!info.empty()) std::ofstream(partial_info_path(path_)) << info;
    ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
    expect_whole();
    EXPECT_EQ(last_header("range"), "") << info;
  }
}

TEST_F(Resume, FinishesAFileThatOnlyLackedItsName) {
  break_off(100'000);
  std::ofstream(partial_path(path_), std::ios::app) << body_.substr(100'000);
  ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
  expect_whole();
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(Resume, StartsAnewWhenLeftoversGiveAWrongSha256) {
  break_off(100'000);
  std::fstream(partial_path(path_), std::ios::in | std::ios::out) << "damaged on the disk";
  auto wanted = request();
  wanted.sha256 = sha256_hex(body_).value();
  ASSERT_TRUE(download_file(wanted, impatient(), {}, {}));
  expect_whole();
}

TEST_F(Resume, KeepsWhatCameBeforeACancel) {
  script([&] {
    body_only_ = 100'000;
    change_ = [](HttpReply& reply) { reply.hang = true; };
  });
  std::stop_source stop;
  const auto progress = [&](std::uint64_t bytes, std::uint64_t) {
    if (bytes == 100'000) stop.request_stop();
  };
  EXPECT_EQ(download_file(request(), impatient(), progress, stop.get_token()).error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THAT(test::names_in(folder_.path()), Not(Contains(HasSubstr(".lock"))));
  script([&] {
    body_only_.reset();
    change_ = nullptr;
  });
  ASSERT_TRUE(download_file(request(), impatient(), {}, {}));
  expect_whole();
  EXPECT_EQ(last_header("range"), "bytes=100000-");
}

pid_t spawn_helper(const FileRequest& request) {
  std::string url = request.url;
  std::string path = request.path.string();
  std::string program = SILHOUETTE_FETCH_HELPER;
  const std::array<char*, 4> arguments{program.data(), url.data(), path.data(), nullptr};
  pid_t pid = -1;
  EXPECT_EQ(::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environ), 0);
  return pid;
}

int wait_for_exit(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

TEST_F(Resume, SeveralProcessesDownloadOnce) {
  constexpr std::size_t kProcesses = 8;
  std::vector<pid_t> processes;
  for (std::size_t i = 0; i < kProcesses; ++i) processes.push_back(spawn_helper(request()));
  for (const auto pid : processes) EXPECT_EQ(wait_for_exit(pid), 0);
  expect_whole();
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(Resume, SeveralThreadsDownloadOnce) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(download_file(request(), impatient(), {}, {})); });
    }
  }
  expect_whole();
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(Resume, AKilledProcessIsFollowedUp) {
  std::mt19937 random(static_cast<unsigned>(test::test_seed()));
  for (int round = 0; round < 50; ++round) {
    std::filesystem::remove(path_);
    const auto before = server_.requests().size();
    const std::size_t sent = random() % kSize;
    script([&] {
      body_only_ = sent;
      change_ = [](HttpReply& reply) { reply.hang = true; };
    });
    const auto pid = spawn_helper(request());
    server_.wait_for_requests(before + 1);
    ::kill(pid, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(wait_for_exit(pid)));
    EXPECT_FALSE(std::filesystem::exists(path_));
    script([&] {
      body_only_.reset();
      change_ = nullptr;
    });
    EXPECT_EQ(wait_for_exit(spawn_helper(request())), 0);
    expect_whole();
  }
}

TEST_F(Resume, WaitingForAnotherDownloadIsCancelledAndTellsItsProgress) {
  break_off(100'000);
  const auto lock = FileLock::try_acquire(lock_path(path_));
  ASSERT_TRUE(lock.has_value() && lock->has_value());
  std::stop_source stop;
  std::uint64_t seen = 0;
  const auto progress = [&](std::uint64_t bytes, std::uint64_t total) {
    seen = bytes;
    EXPECT_EQ(total, kSize);
    stop.request_stop();
  };
  const auto result = download_file(request(), impatient(), progress, stop.get_token());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(seen, 100'000U);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST(FileLock, IsHeldByOneAndLeavesNothing) {
  const ScratchFolder folder;
  const auto path = folder.path() / "lock";
  {
    const auto first = FileLock::try_acquire(path);
    ASSERT_TRUE(first.has_value() && first->has_value());
    const auto second = FileLock::try_acquire(path);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(path));

  std::atomic<int> inside{0};
  std::atomic<bool> alone{true};
  {
    std::atomic<int> holders{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 5; ++round) {
          const auto lock = FileLock::acquire(path, {}, {});
          ASSERT_TRUE(lock && *lock);
          if (holders.fetch_add(1) != 0) alone = false;
          inside.fetch_add(1);
          holders.fetch_sub(1);
        }
      });
    }
  }
  EXPECT_EQ(inside.load(), 20);
  EXPECT_TRUE(alone.load());
}

}  // namespace
}  // namespace silhouette
