#include "engine/native/packed_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <vector>

#include "support/support.hpp"

namespace silhouette::native {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCount = 600'001;
constexpr std::size_t kHeader = 4096;

class Packed : public ::testing::Test {
 protected:
  Packed() {
    for (std::size_t i = 0; i < kCount; ++i) weights_[i] = 1.0F + static_cast<float>(i % 1009);
    write_packed(path_, "key", weights_, pool_);
  }

  [[nodiscard]] bool opens() {
    const auto packed = open_packed(path_, "key", kCount, pool_);
    EXPECT_TRUE(!packed || std::ranges::equal(packed->weights, weights_));
    return packed.has_value();
  }

  /// What is at `offset` of the file becomes `bytes`.
  void overwrite(std::size_t offset, std::string_view bytes) const {
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  test::ScratchFolder folder_;
  fs::path path_ = folder_.path() / "packed" / "model.bin";
  fs::path part_ = folder_.path() / "packed" / "model.bin.part";
  ThreadPool pool_{2};
  std::vector<float> weights_ = std::vector<float>(kCount);
};

TEST_F(Packed, ComesBackAsItWasWritten) {
  EXPECT_TRUE(opens());
  EXPECT_FALSE(open_packed(path_, "other", kCount, pool_));
  EXPECT_FALSE(open_packed(path_, "key", kCount - 1, pool_));
  ThreadPool one(1);
  EXPECT_TRUE(open_packed(path_, "key", kCount, one)) << "the threads are no part of the checksum";
  EXPECT_EQ(std::distance(fs::directory_iterator(path_.parent_path()), {}), 1);
}

TEST_F(Packed, WhateverChangedIsNoticed) {
  const std::string zeros(4096, '\0');
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::string nan_bytes(reinterpret_cast<const char*>(&nan), sizeof nan);
  for (const std::size_t at : {std::size_t{0}, kCount / 2, kCount - 1}) {
    const std::size_t offset = kHeader + at * sizeof(float);
    overwrite(offset, nan_bytes);
    EXPECT_FALSE(opens()) << "NaN at " << at;
    write_packed(path_, "key", weights_, pool_);
    EXPECT_TRUE(opens());
    overwrite(offset, std::string(1, '\x01'));
    EXPECT_FALSE(opens()) << "one bit at " << at;
    write_packed(path_, "key", weights_, pool_);
  }
  overwrite(kHeader + 8 * 4096, zeros);
  EXPECT_FALSE(opens()) << "a page of zeros, as some file systems leave after a crash";
  overwrite(kHeader, std::string(kCount * sizeof(float), '\0'));
  EXPECT_FALSE(opens()) << "nothing but zeros";
}

TEST_F(Packed, PartsInAnotherOrderAreNoticed) {
  const auto* const bytes = reinterpret_cast<const char*>(weights_.data());
  // A page, a word of a lane, and a whole part that one thread sums.
  for (const std::size_t size : {std::size_t{4096}, std::size_t{64}, std::size_t{16}, std::size_t{1} << 20}) {
    const std::string first(bytes, size);
    const std::string second(bytes + size, size);
    ASSERT_NE(first, second);
    overwrite(kHeader, second + first);
    EXPECT_FALSE(opens()) << size;
    write_packed(path_, "key", weights_, pool_);
    EXPECT_TRUE(opens());
  }
}

TEST_F(Packed, FilesThatOthersMayChangeAreNotTaken) {
  const auto mine = fs::status(path_).permissions();
  fs::permissions(path_, mine | fs::perms::others_write);
  EXPECT_FALSE(opens());
  fs::permissions(path_, mine);
  EXPECT_TRUE(opens());
  const auto elsewhere = folder_.path() / "elsewhere.bin";
  fs::rename(path_, elsewhere);
  fs::create_symlink(elsewhere, path_);
  EXPECT_FALSE(opens()) << "a link to whatever";
  fs::remove(path_);
  fs::rename(elsewhere, path_);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  EXPECT_FALSE(opens()) << "another user's";
}

TEST_F(Packed, ALeftoverIsTakenOverUnlessSomebodyWritesIt) {
  fs::remove(path_);
  std::ofstream(part_) << std::string(10'000'000, 'x');
  const int held = ::open(part_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  write_packed(path_, "key", weights_, pool_);
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(fs::file_size(part_), 10'000'000U) << "somebody writes it";
  ::close(held);
  write_packed(path_, "key", weights_, pool_);
  EXPECT_TRUE(opens());
  EXPECT_FALSE(fs::exists(part_));
}

TEST_F(Packed, APartThatIsALinkIsNotWrittenThrough) {
  fs::remove(path_);
  const auto victim = folder_.path() / "victim";
  std::ofstream(victim) << "mine";
  fs::create_symlink(victim, part_);
  write_packed(path_, "key", weights_, pool_);
  EXPECT_EQ(fs::file_size(victim), 4U);
  fs::remove(part_);
  fs::create_hard_link(victim, part_);
  write_packed(path_, "key", weights_, pool_);
  EXPECT_EQ(fs::file_size(victim), 4U);
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace silhouette::native
