#include "resources/cache.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>

#include "resources/file_lock.hpp"
#include "resources/models.hpp"
#include "resources/partial_file.hpp"
#include "resources/test_util.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

namespace fs = std::filesystem;
using test::names_in;
using test::ScratchFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kUrl = "http://127.0.0.1/model";

class Cache : public ::testing::Test {
 protected:
  [[nodiscard]] std::string folder() const { return scratch_.path().string(); }
  [[nodiscard]] fs::path models() const { return scratch_.path() / "models"; }

  /// A file of the cache, last used `age` seconds ago.
  void write(const fs::path& path, std::size_t bytes, std::time_t age = 0) const {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << std::string(bytes, 'x');
    const timespec time{.tv_sec = std::time(nullptr) - age, .tv_nsec = 0};
    const std::array<timespec, 2> times{time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  }

  [[nodiscard]] std::vector<std::string> pruned(const PruneOptions& options) const {
    std::vector<std::string> names;
    const auto models = cache::prune(options, folder()).value();
    for (const auto& model : models) names.push_back(fs::path(model.path).filename());
    return names;
  }

  ScratchFolder scratch_;
};

TEST_F(Cache, ListsDownloadsWholeAndUnfinished) {
  EXPECT_THAT(cache::list(folder()).value(), IsEmpty()) << "a cache that isn't there is empty";
  const auto known = cached_file(folder(), std::string(find_model(kFcnResnet50)->url));
  write(known, 1000, 60);
  write(models() / "other.pte.part", 200, 3600);
  write(models() / "other.pte.part.info", 30, 3600);
  write(models() / "notes.txt", 5);
  fs::create_directories(models() / "folder.pte");
  const auto found = cache::list(folder()).value();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].path, known);
  EXPECT_EQ(found[0].name, kFcnResnet50);
  EXPECT_EQ(found[0].bytes, 1000U);
  EXPECT_TRUE(found[0].complete);
  const auto age = std::chrono::system_clock::now() - found[0].last_used;
  EXPECT_GE(age, std::chrono::seconds(59));
  EXPECT_EQ(found[1].path, models() / "other.pte");
  EXPECT_EQ(found[1].name, "");
  EXPECT_EQ(found[1].bytes, 230U);
  EXPECT_FALSE(found[1].complete);
}

TEST_F(Cache, PruningLeavesWholeModelsAndForeignFiles) {
  write(models() / "whole.pte", 10, 1'000'000);
  write(models() / "half.pte.part", 10);
  write(models() / "half.pte.part.info", 10);
  write(models() / "stale.pte.lock", 0);
  write(models() / "notes.txt", 5);
  write(models() / "busy.pte.part", 10);
  {
    const auto lock = FileLock::try_acquire(lock_path(models() / "busy.pte"));
    EXPECT_THAT(pruned({}), ElementsAre("half.pte", "stale.pte"));
    EXPECT_THAT(names_in(models()), ElementsAre("busy.pte.lock", "busy.pte.part", "notes.txt", "whole.pte"));
  }
  EXPECT_THAT(pruned({}), ElementsAre("busy.pte"));
}

TEST_F(Cache, PruningKeepsWhatWasUsedLast) {
  write(models() / "a.pte", 100, 300);
  write(models() / "b.pte", 100, 100);
  write(models() / "c.pte", 100, 200);
  write(models() / "d.pte", 1000, 400);
  EXPECT_THAT(pruned({.max_bytes = 2000, .max_age = std::chrono::hours(1)}), IsEmpty());
  EXPECT_THAT(pruned({.max_bytes = {}, .max_age = std::chrono::seconds(350)}), ElementsAre("d.pte"));
  EXPECT_THAT(pruned({.max_bytes = 200, .max_age = {}}), ElementsAre("a.pte"));
  EXPECT_THAT(pruned({.max_bytes = 0, .max_age = {}}), ElementsAre("b.pte", "c.pte"));
  EXPECT_THAT(names_in(models()), IsEmpty());
}

TEST_F(Cache, PackedWeightsCountAndAreRemoved) {
  const auto weights = packed_directory(folder()) / "model-avx512.bin";
  write(weights, 70, 100);
  write(packed_directory(folder()) / "model-avx512.bin.1-2.tmp", 5);
  write(models() / "a.pte", 10, 300);
  const auto files = cache::list(folder()).value();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_FALSE(files[0].packed);
  EXPECT_TRUE(files[1].packed);
  EXPECT_TRUE(files[1].complete);
  EXPECT_EQ(files[1].bytes, 70U);
  EXPECT_THAT(pruned({}), IsEmpty());
  EXPECT_THAT(pruned({.max_bytes = 70, .max_age = {}}), ElementsAre("a.pte"));
  EXPECT_EQ(cache::remove(weights.string(), folder()), true);
  EXPECT_THAT(cache::list(folder()).value(), IsEmpty());
}

TEST_F(Cache, PackedWeightsThatNeverBecameWholeAreSeenAndRemoved) {
  const auto folder_of_packed = packed_directory(folder());
  write(folder_of_packed / "killed.bin.part", 7);
  write(folder_of_packed / "old.bin.Ab12Cd", 70);
  write(folder_of_packed / "old.bin.zzzzzz", 30);
  write(folder_of_packed / "whole.bin", 10);
  write(folder_of_packed / "whole.bin.QQQQQQ", 5);
  write(folder_of_packed / "notes.bin.toolong", 5);
  const auto files = cache::list(folder()).value();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].bytes, 7U);
  EXPECT_FALSE(files[0].complete);
  EXPECT_EQ(files[1].bytes, 100U);
  EXPECT_FALSE(files[1].complete);
  EXPECT_EQ(files[2].bytes, 15U);
  EXPECT_TRUE(files[2].complete);
  const auto killed = folder_of_packed / "killed.bin.part";
  const int writer = ::open(killed.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(writer, LOCK_EX), 0);
  EXPECT_THAT(pruned({}), ElementsAre("old.bin")) << "what is being written stays";
  ::close(writer);
  EXPECT_THAT(pruned({}), ElementsAre("killed.bin"));
  EXPECT_EQ(cache::remove((folder_of_packed / "whole.bin").string(), folder()), true);
  EXPECT_THAT(names_in(folder_of_packed), ElementsAre("notes.bin.toolong"));
}

TEST_F(Cache, LoadingAModelCountsAsUse) {
  const auto path = cached_file(folder(), kUrl);
  write(path, 100, 1000);
  ASSERT_TRUE(resolve_model(kUrl, folder(), {}, {}));
  EXPECT_LT(std::chrono::system_clock::now() - cache::list(folder())->at(0).last_used, std::chrono::seconds(500));
  EXPECT_LT(std::filesystem::last_write_time(path),
            std::filesystem::file_time_type::clock::now() - std::chrono::seconds(500))
      << "when it was downloaded is still known";
}

TEST_F(Cache, OnlyDownloadsAreRemoved) {
  const auto mine = scratch_.path() / "mine.pte";
  write(mine, 1);
  for (const std::string& source :
       {mine.string(), std::string(kDeeplabV3MobilenetV2Embedded), std::string("mine.pte")}) {
    const auto removed = cache::remove(source, folder());
    ASSERT_FALSE(removed) << source;
    EXPECT_EQ(removed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(removed.error().message, HasSubstr(source));
  }
  EXPECT_TRUE(fs::exists(mine));

  EXPECT_EQ(cache::remove(kUrl, folder()), false);
  const auto cached = cached_file(folder(), kUrl);
  write(cached, 1);
  write(partial_path(cached), 1);
  {
    const auto lock = FileLock::try_acquire(lock_path(cached));
    const auto busy = cache::remove(kUrl, folder());
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().code, ErrorCode::kIoError);
  }
  EXPECT_EQ(cache::remove(kUrl, folder()), true);
  EXPECT_THAT(names_in(models()), IsEmpty());
  write(cached, 1);
  EXPECT_EQ(cache::remove(cached.string(), folder()), true) << "by its path in the cache";
  EXPECT_THAT(names_in(models()), IsEmpty());
}

TEST_F(Cache, NamesWhatCantBeRead) {
  std::ofstream(models()) << "a file where the folder should be";
  const auto models_file = cache::list(folder());
  ASSERT_FALSE(models_file);
  EXPECT_EQ(models_file.error().code, ErrorCode::kIoError);
  EXPECT_THAT(models_file.error().message, HasSubstr(models().string()));
}

}  // namespace
}  // namespace silhouette
