#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/aligned_buffer.hpp"
#include "formats/model.hpp"
#include "silhouette/image_segmentation_module.hpp"
#include "silhouette/model_cache.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

namespace fs = std::filesystem;
using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::ScratchFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string text_of(const fs::path& path) {
  const auto bytes = test::read_bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_whole(std::string_view bytes) {
  auto file = AlignedBuffer<std::byte>::create(bytes.size(), "a file").value();
  std::ranges::copy(std::as_bytes(std::span(bytes)), file.data());
  return formats::check_whole(file.span(), "m").has_value();
}

TEST(ModelCheck, TellsWholeFilesFromCutOnes) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(test::source_file("tests/data/models"))) {
    if (entry.path().extension() != ".pte") continue;
    ++files;
    const auto bytes = text_of(entry.path());
    EXPECT_TRUE(is_whole(bytes)) << entry.path();
    for (const std::size_t size : {bytes.size() - 64, bytes.size() * 9 / 10, bytes.size() / 2, std::size_t{63}}) {
      EXPECT_FALSE(is_whole(std::string_view(bytes).substr(0, size))) << entry.path() << " cut to " << size;
    }
  }
  EXPECT_GT(files, 5);
}

class DownloadedModel : public ::testing::Test {
 protected:
  [[nodiscard]] std::string cache() const { return (folder_.path() / "cache").string(); }

  [[nodiscard]] Result<void> load() const {
    LoadOptions options;
    options.cache_directory = cache();
    ImageSegmentationModule module;
    return module.load(url_, options);
  }

  void serve(std::string body) {
    const auto held = server_.hold_handler();
    body_ = std::move(body);
  }

  const std::string whole_ = text_of(test::source_file("tests/data/models/tiny_plain.pte"));
  ScratchFolder folder_;
  std::string body_ = whole_;
  HttpServer server_{[this](const HttpRequest&) { return HttpReply{.body = body_, .omit_length = true}; }};
  const std::string url_ = server_.url("/m.pte");
};

TEST_F(DownloadedModel, IsNeverKeptIfItsBodyWasCutShort) {
  serve(whole_.substr(0, whole_.size() / 2));
  const auto cut = fetch_model(url_, cache());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(cut.error().message, AllOf(HasSubstr(url_), HasSubstr("cut off")));
  EXPECT_THAT(list_cached_models(cache()).value(), IsEmpty());
  serve(whole_);
  EXPECT_TRUE(fetch_model(url_, cache()));
}

TEST_F(DownloadedModel, IsFetchedAnewOnceItWasCutShortInTheCache) {
  const fs::path path = fetch_model(url_, cache()).value();
  fs::remove(path);
  std::ofstream(path) << whole_.substr(0, whole_.size() / 2);
  EXPECT_EQ(model_path(url_, cache()).error().code, ErrorCode::kFileNotFound);
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(text_of(path), whole_);
}

TEST_F(DownloadedModel, NamesItsFileWhenWhatIsInsideIsDamaged) {
  // Structure and lengths are right; the network that the delegate gets isn't.
  auto damaged = whole_;
  const auto payload = damaged.find("XN01");
  ASSERT_NE(payload, damaged.npos);
  damaged[payload] = '?';
  serve(damaged);
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidModel) << loaded.error().message;
  EXPECT_THAT(loaded.error().message,
              AllOf(HasSubstr("silhouette models rm"), HasSubstr(model_path(url_, cache()).value())));
}

}  // namespace
}  // namespace silhouette
