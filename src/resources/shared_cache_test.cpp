#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "resources/file_lock.hpp"
#include "resources/partial_file.hpp"
#include "resources/test_util.hpp"
#include "support/support.hpp"

// A cache that several users share, and what others leave there.

namespace silhouette {
namespace {

namespace fs = std::filesystem;
using test::ScratchFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr ::uid_t kStranger = 12345;

class SharedCache : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    fs::create_directories(folder());
    // On the way there, too.
    fs::permissions(scratch_.path(), fs::perms::all);
    let_all_write(0777);
  }

  [[nodiscard]] fs::path folder() const { return scratch_.path() / "models"; }
  [[nodiscard]] fs::path target() const { return folder() / "m.pte"; }

  void let_all_write(::mode_t mode) const { ASSERT_EQ(::chmod(folder().c_str(), mode), 0); }

  /// A file of root's.
  void leave(const fs::path& path, ::mode_t mode, std::string_view text = "") const {
    std::ofstream(path) << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }

  /// What `body` says in a process of another user.
  [[nodiscard]] std::string as_stranger(const std::function<std::string()>& body) const {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    const ::pid_t child = ::fork();
    if (child == 0) {
      std::string said = "can't be somebody else";
      if (::setgid(kStranger) == 0 && ::setuid(kStranger) == 0) said = body();
      const auto written = ::write(pipe[1], said.data(), said.size());
      ::_exit(written == static_cast<::ssize_t>(said.size()) ? 0 : 1);
    }
    ::close(pipe[1]);
    std::string said;
    std::array<char, 4096> chunk{};
    for (::ssize_t n = 0; (n = ::read(pipe[0], chunk.data(), chunk.size())) > 0;) {
      said.append(chunk.data(), static_cast<std::size_t>(n));
    }
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    return said;
  }

  [[nodiscard]] std::string lock_as_stranger() const {
    return as_stranger([&]() -> std::string {
      const auto lock = FileLock::try_acquire(lock_path(target()));
      if (!lock) return lock.error().message;
      return *lock ? "locked" : "busy";
    });
  }

  ScratchFolder scratch_;
};

TEST_F(SharedCache, AnothersLeftoverLockIsTaken) {
  for (const ::mode_t mode : {0777U, 01777U}) {
    let_all_write(mode);
    leave(lock_path(target()), 0644);
    EXPECT_EQ(lock_as_stranger(), "locked") << mode;
  }
  const auto held = FileLock::try_acquire(lock_path(target()));
  ASSERT_TRUE(held && *held);
  EXPECT_EQ(lock_as_stranger(), "busy");
}

TEST_F(SharedCache, ALockIsForAllWhateverTheUmask) {
  const auto before = ::umask(077);
  const auto held = FileLock::try_acquire(lock_path(target()));
  ::umask(before);
  ASSERT_TRUE(held && *held);
  EXPECT_EQ(lock_as_stranger(), "busy");
}

TEST_F(SharedCache, ALockThatCantBeOpenedIsNamedWithTheRemedy) {
  leave(lock_path(target()), 0600);
  EXPECT_THAT(lock_as_stranger(), AllOf(HasSubstr(lock_path(target()).string()), HasSubstr("delete it")));
}

TEST_F(SharedCache, AnothersLeftoverPartIsPutAway) {
  leave(partial_path(target()), 0666, "poison");
  leave(partial_info_path(target()), 0666, "silhouette partial download 1\nhash\n\"v1\"\n\n");
  EXPECT_EQ(as_stranger([&]() -> std::string {
              const auto file = PartialFile::open(target(), "hash");
              if (!file) return file.error().message;
              return file->size() == 0 && !file->info() ? "empty" : "goes on with it";
            }),
            "empty");
  struct stat status{};
  ASSERT_EQ(::stat(partial_path(target()).c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, kStranger);
}

TEST_F(SharedCache, AnothersPartThatCantBePutAwayIsNamed) {
  let_all_write(01777);
  leave(partial_path(target()), 0644, "poison");
  EXPECT_THAT(as_stranger([&]() -> std::string {
                const auto file = PartialFile::open(target(), "hash");
                return file ? "opened" : file.error().message;
              }),
              AllOf(HasSubstr(partial_path(target()).string()), HasSubstr("SILHOUETTE_CACHE")));
}

}  // namespace
}  // namespace silhouette
