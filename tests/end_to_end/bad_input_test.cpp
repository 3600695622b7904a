// What users get wrong and attackers get right: every bad input gives its error code and a message that names the
// input.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "silhouette/silhouette.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::ScratchFolder;
using test::source_file;
using ::testing::HasSubstr;

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class BadImage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    module_ = new ImageSegmentationModule();
    ASSERT_TRUE(module_->load(kDeeplabV3MobilenetV2Embedded));
  }
  static void TearDownTestSuite() {
    delete module_;
    module_ = nullptr;
  }

  static void expect_error(const ImageSource& source, ErrorCode code, const std::string& named) {
    const auto result = module_->forward(source);
    ASSERT_FALSE(result) << named;
    EXPECT_EQ(error_code_name(result.error().code), error_code_name(code)) << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr(named));
  }

  std::string write(const std::string& name, std::string_view text) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  std::string truncated(const std::string& path, double share) const {
    const auto bytes = test::read_bytes(path);
    const auto length = static_cast<std::size_t>(static_cast<double>(bytes.size()) * share);
    return write("truncated" + std::filesystem::path(path).extension().string(), as_text(bytes).substr(0, length));
  }

  ScratchFolder folder_;
  static ImageSegmentationModule* module_;
};

ImageSegmentationModule* BadImage::module_ = nullptr;

TEST_F(BadImage, MissingFile) {
  expect_error("/no/such/photo.jpg", ErrorCode::kFileNotFound, "/no/such/photo.jpg");
  expect_error("photo.jpg", ErrorCode::kFileNotFound, "photo.jpg");
  expect_error("file:///no/such/photo%20one.jpg", ErrorCode::kFileNotFound, "photo");
  expect_error("C:\\Users\\me\\photo.jpg", ErrorCode::kFileNotFound, "C:\\Users\\me\\photo.jpg");
}

TEST_F(BadImage, Directory) {
  expect_error(folder_.path().string(), ErrorCode::kIoError, folder_.path().string());
}

TEST_F(BadImage, EmptyFileAndEmptyText) {
  expect_error(write("empty.png", ""), ErrorCode::kInvalidImage, "empty.png");
  expect_error("", ErrorCode::kInvalidArgument, "empty");
  expect_error(ImageSource::encoded({}), ErrorCode::kInvalidImage, "image bytes");
}

TEST_F(BadImage, TruncatedFiles) {
  for (const double share : {0.01, 0.5, 0.95}) {
    expect_error(truncated(source_file("models/samples/chelsea.png").string(), share), ErrorCode::kInvalidImage,
                 "truncated.png");
    expect_error(truncated(source_file("tests/data/images/photo.jpg").string(), share), ErrorCode::kInvalidImage,
                 "truncated.jpg");
  }
}

TEST_F(BadImage, TextAsImage) {
  expect_error(write("letter.jpg", "Dear Sir or Madam,\nthis is no photo.\n"), ErrorCode::kUnsupportedImage,
               "letter.jpg");
}

TEST_F(BadImage, MalformedBase64) {
  expect_error("data:image/png;base64,iVBORw0KGgo*AAAANSUhEUg==", ErrorCode::kInvalidArgument, "base64");
  expect_error("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA", ErrorCode::kInvalidImage, "data:");
}

TEST_F(BadImage, UnknownScheme) {
  expect_error("not_a_valid_uri://bad", ErrorCode::kInvalidArgument, "not_a_valid_uri://bad");
  expect_error("ftp://example.org/photo.jpg", ErrorCode::kInvalidArgument, "ftp://example.org/photo.jpg");
}

TEST_F(BadImage, HttpErrors) {
  HttpServer server([](const HttpRequest& request) {
    HttpReply reply;
    if (request.target == "/missing.jpg") reply.status = 404;
    if (request.target == "/loop.jpg") {
      reply.status = 302;
      reply.headers.emplace_back("Location", "/loop.jpg");
    }
    if (request.target == "/short.jpg") {
      reply.body.assign(1000, 'x');
      reply.content_length = 5000;
    }
    if (request.target == "/stops.jpg") {
      reply.body.assign(100'000, 'x');
      reply.body_only = 50'000;
    }
    if (request.target == "/text.jpg") reply.body = "<html>not a photo</html>";
    return reply;
  });
  expect_error(server.url("/missing.jpg"), ErrorCode::kDownloadFailed, "404");
  expect_error(server.url("/missing.jpg"), ErrorCode::kDownloadFailed, server.url("/missing.jpg"));
  expect_error(server.url("/loop.jpg"), ErrorCode::kDownloadFailed, server.url("/loop.jpg"));
  expect_error(server.url("/short.jpg"), ErrorCode::kDownloadFailed, server.url("/short.jpg"));
  expect_error(server.url("/stops.jpg"), ErrorCode::kDownloadFailed, server.url("/stops.jpg"));
  expect_error(server.url("/text.jpg"), ErrorCode::kUnsupportedImage, "/text.jpg");
}

TEST_F(BadImage, EndlessBody) {
  HttpServer server([](const HttpRequest&) {
    HttpReply reply;
    reply.body.assign(1 << 20, 'x');
    reply.omit_length = true;
    reply.endless = true;
    return reply;
  });
  expect_error(server.url("/endless.jpg"), ErrorCode::kLimitExceeded, server.url("/endless.jpg"));
}

TEST_F(BadImage, ConnectionRefused) {
  std::string url;
  {
    const HttpServer server([](const HttpRequest&) { return HttpReply{}; });
    url = server.url("/gone.jpg");
  }
  expect_error(url, ErrorCode::kDownloadFailed, url);
}

TEST_F(BadImage, PixelBuffers) {
  const std::vector<std::byte> bytes(10 * 10 * 3);
  const auto view = [&](int width, int height, PixelFormat format, std::size_t stride) {
    return ImageSource::pixels({.bytes = bytes, .width = width, .height = height, .format = format, .stride = stride});
  };
  EXPECT_TRUE(module_->forward(view(10, 10, PixelFormat::kRgb, 0)));
  expect_error(view(10, 11, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "11");
  expect_error(view(10, 10, PixelFormat::kRgba, 0), ErrorCode::kInvalidArgument, "300");
  expect_error(view(10, 10, PixelFormat::kRgb, 29), ErrorCode::kInvalidArgument, "29");
  expect_error(view(0, 10, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "0");
  expect_error(view(-10, 10, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "-10");
}

TEST_F(BadImage, HugeHeaderInATinyFile) {
  expect_error(source_file("tests/data/images/huge_header.png").string(), ErrorCode::kLimitExceeded, "huge_header.png");
}

TEST_F(BadImage, ExtremeShapesAreSegmented) {
  for (const auto& [width, height] : {std::pair{1, 1}, {30'000, 1}, {1, 30'000}}) {
    const std::vector<std::byte> bytes(static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
                                       std::byte{200});
    const auto result = module_->forward(
        ImageSource::pixels({.bytes = bytes, .width = width, .height = height, .format = PixelFormat::kGray}), {},
        true);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->width(), width);
    EXPECT_EQ(result->height(), height);
  }
}

class BadModel : public ::testing::Test {
 protected:
  static void expect_error(ModelSource source, ErrorCode code, const std::string& named) {
    ImageSegmentationModule module;
    const auto loaded = module.load(std::move(source));
    ASSERT_FALSE(loaded) << named;
    EXPECT_EQ(error_code_name(loaded.error().code), error_code_name(code)) << loaded.error().message;
    EXPECT_THAT(loaded.error().message, HasSubstr(named));
  }
};

TEST_F(BadModel, WrongSources) {
  expect_error("NO_SUCH_MODEL", ErrorCode::kInvalidArgument, "NO_SUCH_MODEL");
  expect_error("/no/such/model.pte", ErrorCode::kFileNotFound, "/no/such/model.pte");
  expect_error("not_a_valid_uri://bad", ErrorCode::kInvalidArgument, "not_a_valid_uri://bad");
  expect_error("", ErrorCode::kInvalidArgument, "empty");
  const ScratchFolder folder;
  expect_error(folder.path().string(), ErrorCode::kIoError, folder.path().string());
  std::ofstream(folder.path() / "empty.pte");
  expect_error((folder.path() / "empty.pte").string(), ErrorCode::kInvalidModel, "empty.pte");
  expect_error(source_file("models/samples/chelsea.png").string(), ErrorCode::kInvalidModel, "chelsea.png");
  expect_error(ModelSource::bytes(std::vector<std::byte>(1000)), ErrorCode::kInvalidModel, "bytes");
}

TEST_F(BadModel, OfAnotherKind) {
  expect_error(source_file("tests/data/models/rank2_input.pte").string(), ErrorCode::kUnsupportedModel,
               "rank2_input.pte");
}

TEST_F(BadModel, Truncated) {
  const auto whole = test::read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte"));
  const ScratchFolder folder;
  const auto path = folder.path() / "truncated.pte";
  for (const std::size_t length :
       {std::size_t{1}, std::size_t{31}, std::size_t{1000}, whole.size() / 2, whole.size() - 1}) {
    ASSERT_TRUE(write_file_atomically(path, std::span(whole).first(length)));
    expect_error(path.string(), ErrorCode::kInvalidModel, "truncated.pte");
  }
}

// Any flip gives an error or a model that runs; what it computes is its own affair.
void flip_bits(const std::filesystem::path& path, int flips, std::mt19937_64& random) {
  const auto whole = test::read_bytes(path);
  int loaded_count = 0;
  for (int i = 0; i < flips; ++i) {
    auto bytes = whole;
    // Half of them where the structure is: the first and the last kilobytes; weights would swallow nearly all.
    const std::size_t range = i % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 64 << 10);
    const std::size_t bit = std::uniform_int_distribution<std::size_t>(0, range * 8 - 1)(random);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    SCOPED_TRACE("bit " + std::to_string(bit) + " of " + path.filename().string());
    ImageSegmentationModule module;
    const auto loaded = module.load(ModelSource::bytes(std::move(bytes)));
    if (!loaded) {
      EXPECT_FALSE(loaded.error().message.empty());
      continue;
    }
    ++loaded_count;
    const std::vector<std::byte> pixels(16 * 16 * 3, std::byte{100});
    const auto result =
        module.forward(ImageSource::pixels({.bytes = pixels, .width = 16, .height = 16}), std::vector<ClassId>{0});
    if (result) {
      const auto map = result->probability(0).value();
      for (const float p : map) ASSERT_TRUE(p >= 0.0F && p <= 1.0F + 1e-5F) << p;
    }
  }
  EXPECT_GT(loaded_count, 0);
  EXPECT_LT(loaded_count, flips);
}

TEST_F(BadModel, FlippedBitsNeverCrash) {
  std::mt19937_64 random(test::test_seed());
  for (const auto* name : {"tiny_plain", "tiny_single_channel", "tiny_stride", "tiny_two_outputs", "tiny_portable",
                           "tiny_channels_last"}) {
    flip_bits(source_file(std::string("tests/data/models/") + name + ".pte"), 120, random);
  }
}

TEST_F(BadModel, FlippedBitsOfTheEmbeddedModelNeverCrash) {
  std::mt19937_64 random(test::test_seed());
  flip_bits(source_file("models/deeplab_v3_mobilenet_v2.pte"), 60, random);
}

}  // namespace
}  // namespace silhouette
