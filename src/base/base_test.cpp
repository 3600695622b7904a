#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/aligned_buffer.hpp"
#include "base/buffer_pool.hpp"
#include "base/checked.hpp"
#include "base/file.hpp"
#include "base/hash_random.hpp"
#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "silhouette/error.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::ScratchFolder;
using ::testing::HasSubstr;

TEST(Checked, RefusesWhatDoesNotFit) {
  EXPECT_EQ(checked_mul<std::size_t>(1ULL << 32, 1ULL << 31), 1ULL << 63);
  EXPECT_EQ(checked_mul<std::size_t>(1ULL << 32, 1ULL << 32), std::nullopt);
  EXPECT_EQ(checked_add<std::int32_t>(std::numeric_limits<std::int32_t>::max(), 1), std::nullopt);
  EXPECT_TRUE(in_range<std::uint64_t>(10, 0, 10));
  EXPECT_FALSE(in_range<std::uint64_t>(10, 1, 10));
  EXPECT_FALSE(in_range<std::uint64_t>(1, UINT64_MAX, 10));
}

TEST(AlignedBuffer, IsAlignedAndFailsAsValue) {
  const auto buffer = AlignedBuffer<float>::create(3, "a test");
  ASSERT_TRUE(buffer);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % kBufferAlignment, 0U);
  const auto huge = AlignedBuffer<float>::create(std::numeric_limits<std::size_t>::max() / 2, "a test");
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, ErrorCode::kLimitExceeded);
}

TEST(AlignedBuffer, LargeOnesAreWritableToTheEnd) {
  auto buffer = AlignedBuffer<std::uint8_t>::create((std::size_t{9} << 20) + 5, "a test");
  ASSERT_TRUE(buffer);
  std::ranges::fill(buffer->span(), std::uint8_t{7});
  EXPECT_EQ((*buffer)[buffer->size() - 1], 7);
}

TEST(Image, LimitsAreCheckedBeforeAllocation) {
  EXPECT_EQ(Image::create(0, 1, 3).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Image::create(kMaxImageSide + 1, 1, 3).error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(Image::create(20'000, 10'000, 3).error().code, ErrorCode::kLimitExceeded);
  EXPECT_TRUE(Image::create(30'000, 1, 3));
}

TEST(ThreadPool, RunsEveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
      std::vector<std::atomic<int>> seen(count);
      pool.parallel_for(count, [&](std::size_t i, std::size_t) { seen[i].fetch_add(1); });
      for (const auto& n : seen) EXPECT_EQ(n.load(), 1);
    }
  }
}

TEST(ThreadPool, ServesSeveralCallersAndNestedLoops) {
  ThreadPool pool(3);
  std::atomic<int> total{0};
  std::vector<std::jthread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.parallel_for(8, [&](std::size_t, std::size_t) {
          pool.parallel_for(4, [&](std::size_t, std::size_t) { total.fetch_add(1); });
        });
      }
    });
  }
  callers.clear();
  EXPECT_EQ(total.load(), 4 * 50 * 8 * 4);
}

TEST(ThreadPool, NoTwoWorkersOfALoopHaveOneNumber) {
  ThreadPool pool(4);
  std::vector<std::jthread> callers;
  for (int c = 0; c < 2; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::vector<std::atomic_flag> taken(static_cast<std::size_t>(pool.size()));
        pool.parallel_for(64, [&](std::size_t, std::size_t worker) {
          ASSERT_LT(worker, taken.size());
          EXPECT_FALSE(taken[worker].test_and_set());
          taken[worker].clear();
        });
      }
    });
  }
}

TEST(ThreadPool, ABodyThatThrowsEndsTheLoopAndNothingElse) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::size_t which : {0U, 1U, 50U, 99U}) {
      EXPECT_THROW(pool.parallel_for(100,
                                     [&](std::size_t i, std::size_t) {
                                       if (i == which) throw std::bad_alloc();
                                     }),
                   std::bad_alloc);
    }
    EXPECT_THROW(pool.parallel_for(100, [](std::size_t, std::size_t) { throw std::bad_alloc(); }), std::bad_alloc);
    // All workers take part again.
    std::atomic<int> total{0};
    pool.parallel_for(100, [&](std::size_t, std::size_t) { total.fetch_add(1); });
    EXPECT_EQ(total.load(), 100);
  }
}

TEST(ThreadPool, IsSmallerWhereThereAreNoThreads) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user who may have no second thread";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Nobody's user number: this process is all that it has.
    constexpr uid_t kUser = 1'234'567;
    const rlimit one{1, 1};
    if (setrlimit(RLIMIT_NPROC, &one) != 0 || setresuid(kUser, kUser, kUser) != 0) _exit(2);
    ThreadPool pool(4);
    std::size_t sum = 0;
    pool.parallel_for(10, [&](std::size_t i, std::size_t) { sum += i; });
    _exit(pool.size() == 1 && sum == 45 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(File, WritesWholeAndReadsBack) {
  const ScratchFolder folder;
  const auto path = folder.path() / "ünïcode name.bin";
  const std::vector<std::byte> bytes(100'000, std::byte{7});
  ASSERT_TRUE(write_file_atomically(path, bytes));
  EXPECT_EQ(read_file(path, 1 << 20).value(), bytes);
  EXPECT_TRUE(std::ranges::equal(read_large_file(path, 1 << 20).value().span(), bytes));
  const auto mapped = MappedFile::open(path, 1 << 20);
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(std::ranges::equal(mapped->bytes(), bytes));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "a temporary file was left";
}

TEST(File, NamesWhatIsWrong) {
  const ScratchFolder folder;
  const auto missing = read_file(folder.path() / "absent", 10);
  EXPECT_EQ(missing.error().code, ErrorCode::kFileNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("absent"));
  EXPECT_EQ(read_file(folder.path(), 10).error().code, ErrorCode::kIoError);
  std::ofstream(folder.path() / "large") << "12345678901";
  EXPECT_EQ(read_file(folder.path() / "large", 10).error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(read_large_file(folder.path() / "large", 10).error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(read_large_file(folder.path() / "absent", 10).error().code, ErrorCode::kFileNotFound);
  std::ofstream(folder.path() / "empty");
  EXPECT_TRUE(read_large_file(folder.path() / "empty", 10).value().empty());
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder.path() / "pipe", 10).error().code, ErrorCode::kIoError);
  EXPECT_EQ(write_file_atomically(folder.path() / "no" / "such", {}).error().code, ErrorCode::kFileNotFound);
}

TEST(BufferPool, GivesBuffersOfOneSizeAgain) {
  auto pool = BufferPool::create();
  auto first = pool->take(1000, "a test").value();
  const float* const address = first.data();
  EXPECT_EQ(first.size(), 1000U);
  {
    const auto moved = std::move(first);
    EXPECT_EQ(moved.data(), address);
    EXPECT_NE(pool->take(1000, "a test").value().data(), address) << "in use";
  }
  EXPECT_NE(pool->take(999, "a test").value().data(), address);
  auto again = pool->take(1000, "a test").value();
  EXPECT_EQ(again.data(), address);
  EXPECT_EQ(pool->take(SIZE_MAX / 2, "a test").error().code, ErrorCode::kLimitExceeded);
  pool.reset();
  again.span()[999] = 1;
}

TEST(BufferPool, IsSharedByThreads) {
  const auto pool = BufferPool::create();
  std::vector<std::jthread> threads;
  std::atomic<bool> good = true;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        auto buffer = pool->take(64, "a test").value();
        std::ranges::fill(buffer.span(), static_cast<float>(t));
        if (std::ranges::count(buffer.span(), static_cast<float>(t)) != 64) good = false;
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(good);
}

TEST(HashRandom, IsUniformOnItsInterval) {
  double sum = 0;
  double squares = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const float x = hash_random(7, i);
    ASSERT_GE(x, -1.0F);
    ASSERT_LT(x, 1.0F);
    sum += x;
    squares += double{x} * x;
  }
  // Five standard errors of the mean and of the second moment of a uniform variable.
  EXPECT_NEAR(sum / 1e5, 0, 5 * 0.5774 / 316.2);
  EXPECT_NEAR(squares / 1e5, 1.0 / 3, 5 * 0.2981 / 316.2);
}

TEST(ErrorCode, EveryCodeHasItsName) {
  EXPECT_EQ(error_code_name(ErrorCode::kModelNotLoaded), "MODEL_NOT_LOADED");
  EXPECT_EQ(error_code_name(ErrorCode::kInternal), "INTERNAL");
}

}  // namespace
}  // namespace silhouette
