#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "image/decode.hpp"
#include "image/test_images.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using std::string_view_literals::operator""sv;
using test::Bytes;
using test::encode;
using test::gradient;
using ::testing::HasSubstr;

struct Sample {
  std::string format;
  Bytes bytes;
};

// One small file of every kind that has a decoder, or a path through one, of its own.
std::vector<Sample> samples() {
  std::vector<std::string> formats = {".jpg",
                                      ".jpg[interlace]",
                                      ".png",
                                      ".png[interlace]",
                                      ".png[profile=srgb]",
                                      ".webp",
                                      ".webp[lossless]",
                                      ".gif",
                                      ".tif",
                                      ".tif[compression=lzw]",
                                      ".tif[compression=deflate,tile,tile-width=16,tile-height=16]",
                                      ".tif[compression=jpeg]",
                                      ".ppm",
                                      ".ppm[ascii]"};
  if (test::has_format("HEIF/AVIF")) formats.insert(formats.end(), {".avif", ".heic"});
  if (test::has_format("JPEG XL")) formats.emplace_back(".jxl");
  std::vector<Sample> all;
  const auto image = gradient(45, 31);
  for (const auto& format : formats) all.push_back({format, encode(image, format)});
  return all;
}

// An error that names the input, or an image.
void expect_sane(const Bytes& bytes, const std::string& what) {
  const auto image = decode_image(bytes, "input.bin");
  if (image) return;
  const auto code = image.error().code;
  EXPECT_TRUE(code == ErrorCode::kInvalidImage || code == ErrorCode::kUnsupportedImage ||
              code == ErrorCode::kLimitExceeded)
      << what << ": " << image.error().message;
  EXPECT_THAT(image.error().message, HasSubstr("'input.bin'")) << what;
  EXPECT_EQ(std::ranges::count(image.error().message, '\n'), 0) << what;
}

TEST(Hostile, TruncatedFilesAreInvalid) {
  for (const auto& [format, bytes] : samples()) {
    // libvips takes numbers that are missing at the end of a text for zeros.
    if (format == ".ppm[ascii]") continue;
    for (const double share : {0.5, 0.8}) {
      Bytes part = bytes;
      part.resize(static_cast<std::size_t>(static_cast<double>(bytes.size()) * share));
      const auto image = decode_image(part, "half");
      ASSERT_FALSE(image) << format;
      EXPECT_EQ(image.error().code, ErrorCode::kInvalidImage) << format << ": " << image.error().message;
      EXPECT_THAT(image.error().message, HasSubstr("'half' is a broken or truncated")) << format;
    }
  }
}

TEST(Hostile, AnyTruncationIsAnErrorOrAnImage) {
  std::mt19937_64 random(test::test_seed());
  for (const auto& [format, bytes] : samples()) {
    for (int round = 0; round < 20; ++round) {
      Bytes part = bytes;
      part.resize(1 + random() % bytes.size());
      expect_sane(part, format);
    }
  }
}

TEST(Hostile, AnyFlippedBytesAreAnErrorOrAnImage) {
  std::mt19937_64 random(test::test_seed());
  for (const auto& [format, bytes] : samples()) {
    for (int round = 0; round < 40; ++round) {
      Bytes changed = bytes;
      for (std::size_t flips = 1 + random() % 4; flips > 0; --flips) {
        // Headers decide sizes: half of the changes go there.
        const std::size_t reach = random() % 2 == 0 ? std::min<std::size_t>(changed.size(), 100) : changed.size();
        changed[random() % reach] = static_cast<std::byte>(random());
      }
      expect_sane(changed, format);
    }
  }
}

void put(Bytes& bytes, std::size_t at, std::string_view value) {
  std::memcpy(bytes.data() + at, value.data(), value.size());
}

std::size_t find(const Bytes& bytes, std::string_view what) {
  const auto text = std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto at = text.find(what);
  if (at == text.npos) throw std::runtime_error("not found");
  return at;
}

// 20,000 × 10,000 pixels in the header of a tiny file (where 16 bits are enough for that), or the most that it can say.
TEST(Hostile, HugeHeadersAreRefusedBeforePixelsAreRead) {
  const auto image = gradient(16, 16);
  std::vector<Sample> huge;
  huge.push_back(
      {"PNG", test::bytes_of(
                  "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\x4E\x20\0\0\x27\x10\x08\x02\0\0\0\x76\x46\xDF\xF5"
                  "\0\0\0\x0BIDAT\x78\x9C\x63\x60\x80\x01\0\0\x0A\0\1\x7F\x80\x74\x5E\0\0\0\0IEND\xAE\x42\x60\x82"sv)});
  Bytes jpeg = encode(image, ".jpg");
  put(jpeg, find(jpeg, "\xFF\xC0"sv) + 5, "\x27\x10\x4E\x20"sv);
  huge.push_back({"JPEG", jpeg});
  Bytes gif = encode(image, ".gif");
  put(gif, 6, "\x20\x4E\x10\x27"sv);
  put(gif, find(gif, "\x2C\0\0\0\0\x10\0"sv) + 5, "\x20\x4E\x10\x27"sv);
  huge.push_back({"GIF", gif});
  Bytes webp = encode(image, ".webp[lossless]");
  // Width and height, each less one: 24 bits each in the container, 14 in the lossless bitstream.
  put(webp, find(webp, "VP8X") + 12, "\xFE\x3F\0\xFE\x3F\0"sv);
  put(webp, find(webp, "VP8L") + 9, "\xFE\xBF\xFF\x0F"sv);
  huge.push_back({"WebP", webp});
  Bytes tiff = encode(image, ".tif");
  const bool little = tiff[0] == std::byte{'I'};
  const auto width = find(tiff, little ? "\x00\x01\x03\x00"sv : "\x01\x00\x00\x03"sv);
  put(tiff, width + 8, little ? "\x20\x4E"sv : "\x4E\x20"sv);
  put(tiff, width + 20, little ? "\x10\x27"sv : "\x27\x10"sv);
  huge.push_back({"TIFF", tiff});
  huge.push_back({"PPM", test::bytes_of("P6 20000 10000 255\n")});
  for (const auto& [format, bytes] : huge) {
    const auto refused = decode_image(bytes, "bomb");
    ASSERT_FALSE(refused) << format;
    EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded) << format << ": " << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("'bomb' has ")) << format;
  }
}

TEST(Hostile, NothingIsPrinted) {
  const auto all = samples();
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  for (const auto& sample : all) {
    // Debian's libjxl 0.7 and dav1d report some broken files on standard error themselves.
    if (sample.format == ".jxl" || sample.format == ".avif") continue;
    for (std::size_t size = 20; size < sample.bytes.size(); size += sample.bytes.size() / 7 + 1) {
      Bytes part = sample.bytes;
      part.resize(size);
      std::ignore = decode_image(part, "part");
      part = sample.bytes;
      part[size] ^= std::byte{0xFF};
      std::ignore = decode_image(part, "changed");
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Hostile, EightThreadsAtOnce) {
  const auto all = samples();
  std::vector<Image> expected;
  for (const auto& sample : all) expected.push_back(decode_image(sample.bytes, "alone").value());
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
          const std::size_t k = (i + t * 3) % all.size();
          const auto image = decode_image(all[k].bytes, "together");
          ASSERT_TRUE(image) << all[k].format << ": " << image.error().message;
          EXPECT_TRUE(std::ranges::equal(image->pixels.span(), expected[k].pixels.span())) << all[k].format;
          // A failure beside it must not disturb the others, and tells of its own format.
          Bytes broken = all[k].bytes;
          broken.resize(broken.size() / 2);
          expect_sane(broken, all[k].format);
        }
      }
    });
  }
}

}  // namespace
}  // namespace silhouette
