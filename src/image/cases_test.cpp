// Files of kinds that were read wrong, or refused with a wrong reason; and what must not pass from one image to
// another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stop_token>
#include <thread>
#include <utility>

#include "image/decode.hpp"
#include "image/format.hpp"
#include "image/test_images.hpp"
#include "image/text.hpp"
#include "image/tiff.hpp"
#include "silhouette/image_source.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::Bytes;
using test::bytes_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Bytes file(const std::string& name) {
  return test::read_bytes(test::source_file("tests/data/images/" + name));
}

Result<Image> decode(std::string_view text) {
  return decode_image(bytes_of(text), "image");
}

double mean_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels.span()[i] - b.pixels.span()[i]);
  return sum / static_cast<double>(a.pixels.size());
}

void expect_unsupported(const std::string& name, const std::string& text) {
  const auto image = decode_image(file(name), name);
  ASSERT_FALSE(image) << name;
  EXPECT_EQ(image.error().code, ErrorCode::kUnsupportedImage) << image.error().message;
  EXPECT_THAT(image.error().message, AllOf(HasSubstr(name), HasSubstr(text), Not(HasSubstr("intact"))));
}

TEST(ImageCases, AJpegWithoutItsEndMarkIsWhole) {
  const auto without = decode_image(file("no_eoi.jpg"), "no_eoi.jpg");
  ASSERT_TRUE(without) << without.error().message;
  auto bytes = file("no_eoi.jpg");
  bytes.insert(bytes.end(), {std::byte{0xFF}, std::byte{0xD9}});
  EXPECT_EQ(mean_difference(*without, decode_image(bytes, "whole").value()), 0);
  // Of one cut short rows are missing.
  bytes.resize(bytes.size() / 2);
  const auto cut = decode_image(bytes, "cut.jpg");
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kInvalidImage);
}

TEST(ImageCases, LostPixelsOfAJpegAreAnError) {
  const auto hole = decode_image(file("hole.jpg"), "hole.jpg");
  ASSERT_FALSE(hole);
  EXPECT_EQ(hole.error().code, ErrorCode::kInvalidImage);
  EXPECT_THAT(hole.error().message, AllOf(HasSubstr("hole.jpg"), HasSubstr("lost")));
  EXPECT_TRUE(decode_image(file("j_sos_se0.jpg"), "warned")) << "a warning that costs no pixel";
}

TEST(ImageCases, KindsThatNobodyReadsAreNotCalledBroken) {
  expect_unsupported("j_12bit.jpg", "12 bits");
  expect_unsupported("p_cgbi.png", "Xcode");
  expect_unsupported("t_gray12.tif", "12 bits");
  expect_unsupported("t_cfa16.dng", "raw photo");
  // Read where libheif is new enough.
  const auto references = decode_image(file("two_references.heic"), "two_references.heic");
  EXPECT_TRUE(references || references.error().code == ErrorCode::kUnsupportedImage) << references.error().message;
}

TEST(ImageCases, ReasonsAreAnImagesOwn) {
  // A sound file whose decoder warns, then a broken one, here and on other threads at the same time.
  const auto warned = file("j_sos_se0.jpg");
  Bytes cut = file("palette_alpha.png");
  cut.resize(cut.size() / 2);
  const auto alone = decode_image(cut, "cut.png").error().message;
  EXPECT_THAT(alone, Not(HasSubstr("SOS")));
  std::vector<std::jthread> others;
  for (int t = 0; t < 3; ++t) {
    others.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) EXPECT_TRUE(decode_image(warned, "warned"));
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(decode_image(warned, "warned"));
    EXPECT_EQ(decode_image(cut, "cut.png").error().message, alone);
  }
}

TEST(ImageCases, ThumbnailsOfATiffAreLeftOut) {
  const auto image = decode_image(file("t_thumb_first.tif"), "tiff");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->width, 97);
  EXPECT_EQ(image->height, 61);
}

/// A little-endian TIFF of one strip; `entries`: tag, value, all of type SHORT.
Bytes tiff(int width, int height, int bits, int samples, std::vector<std::pair<int, int>> entries,
           const std::vector<int>& data) {
  entries.insert(entries.end(), {{256, width},
                                 {257, height},
                                 {258, bits},
                                 {273, 8},
                                 {277, samples},
                                 {278, height},
                                 {279, static_cast<int>(data.size())}});
  std::ranges::sort(entries);
  Bytes bytes = bytes_of(std::string_view("II*\0", 4));
  const auto put = [&](std::size_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
  };
  const std::size_t padded = (data.size() + 1) / 2 * 2;
  // One number of bits for all samples: readers take it for each.
  put(8 + padded, 4);
  for (std::size_t i = 0; i < padded; ++i) put(i < data.size() ? static_cast<std::size_t>(data[i]) : 0, 1);
  put(entries.size(), 2);
  for (const auto& [tag, value] : entries) {
    put(static_cast<std::size_t>(tag), 2);
    put(3, 2);
    put(1, 4);
    put(static_cast<std::size_t>(value), 4);
  }
  put(0, 4);
  return bytes;
}

TEST(ImageCases, ExtraBandsOfATiffAreWhatTheirTagSays) {
  constexpr int kPhotometric = 262;
  constexpr int kExtraSamples = 338;
  const std::vector<int> grey_and_more{100, 0, 100, 255};
  const auto pixels = [&](int kind) {
    auto entries = std::vector<std::pair<int, int>>{{kPhotometric, 1}};
    if (kind >= 0) entries.emplace_back(kExtraSamples, kind);
    const auto image = decode_image(tiff(2, 1, 8, 2, entries, grey_and_more), "tiff");
    EXPECT_TRUE(image) << image.error().message;
    return image ? std::pair(test::pixel(*image, 0, 0)[0], test::pixel(*image, 1, 0)[0]) : std::pair(-1, -1);
  };
  EXPECT_EQ(pixels(0), std::pair(100, 100)) << "of unspecified kind";
  EXPECT_EQ(pixels(2), std::pair(255, 100)) << "alpha";
  EXPECT_EQ(pixels(1).second, 100) << "alpha that colours were multiplied with";
}

TEST(ImageCases, DirectoriesOfATiffAreReadWithinTheFile) {
  const auto whole = tiff(2, 1, 8, 2, {{262, 1}, {338, 0}}, {1, 2, 3, 4});
  const auto directories = tiff_directories(whole);
  ASSERT_EQ(directories.size(), 1U);
  EXPECT_EQ(directories[0].samples, 2U);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    EXPECT_LE(tiff_directories(std::span(whole).first(size)).size(), 1U);
  }
  auto endless = whole;
  std::copy_n(endless.begin() + 4, 4, endless.end() - 4);
  EXPECT_EQ(tiff_directories(endless).size(), 1U) << "a chain that bites its tail";
}

TEST(ImageCases, YcbcrOfATiffBecomesRgb) {
  constexpr int kPhotometric = 262;
  // Grey, red, blue of the full range.
  const std::vector<int> data{100, 128, 128, 76, 85, 255, 29, 255, 107};
  auto bytes = tiff(3, 1, 8, 3, {{kPhotometric, 6}}, data);
  const auto without_subsampling = decode_image(bytes, "ycbcr.tif");
  ASSERT_FALSE(without_subsampling) << "2 × 2 where the tag is missing";
  EXPECT_EQ(without_subsampling.error().code, ErrorCode::kUnsupportedImage);
  const auto image = decode_image(file("t_ycbcr.tif"), "tiff");
  ASSERT_TRUE(image) << image.error().message;
  // The same cat as elsewhere: warm fur, so red above blue on average; its planes taken for RGB were not.
  double red = 0;
  double blue = 0;
  for (std::size_t i = 0; i < image->pixels.size(); i += 3) {
    red += image->pixels.span()[i];
    blue += image->pixels.span()[i + 2];
  }
  const auto same = decode_image(file("t_thumb_first.tif"), "tiff").value();
  EXPECT_LT(mean_difference(*image, same), 2) << "the same picture as RGB";
  EXPECT_GT(red, blue);
}

TEST(ImageCases, PremultipliedColoursOfAnAvifAreDivided) {
  if (!test::has_format("HEIF/AVIF")) GTEST_SKIP() << "this libvips reads no AVIF";
  const auto plain = decode_image(file("a_rgba.avif"), "a_rgba.avif");
  const auto premultiplied = decode_image(file("a_premul.avif"), "a_premul.avif");
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_TRUE(premultiplied) << premultiplied.error().message;
  EXPECT_LT(mean_difference(*plain, *premultiplied), 2);
}

TEST(ImageCases, NetpbmOfFewerSamplesThanItsHeaderTells) {
  for (const auto* text : {"P3\n12000 12000\n255\n", "P2\n12000 12000\n255\n", "P1\n12000 12000\n", "P4\n9 2\n\1\1\1",
                           "P5\n2 2\n255\nabc", "P6\n2 1\n255\nabcde", "P6\n1 1\n65535\nabcde", "P2\n2 2\n9\n1 2 3",
                           "P3\n1 1\n9\n1 2 # 3\n", "P1\n3 1\n01", "P2\n2 2", "P2\n", "P1\n2 1\n0x", "P2\n0 4\n9\n1"}) {
    const auto image = decode(text);
    ASSERT_FALSE(image) << text;
    EXPECT_EQ(image.error().code, ErrorCode::kInvalidImage) << text << image.error().message;
  }
  EXPECT_EQ(decode("P5\n99999 2\n255\n").error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(decode("P5\n65500 65500\n255\n").error().code, ErrorCode::kLimitExceeded);
}

TEST(ImageCases, PlainNetpbmMayGoWithoutBlanks) {
  const auto with = decode("P1\n# a comment\n3 2\n0 1 0\n1 1 # another\n0\n").value();
  const auto without = decode("P1 3 2 010110").value();
  EXPECT_EQ(mean_difference(with, without), 0);
  EXPECT_EQ(test::pixel(with, 0, 0)[0], 255);
  EXPECT_EQ(test::pixel(with, 1, 0)[0], 0);
  EXPECT_EQ(
      mean_difference(decode_image(file("n_p1.pbm"), "a").value(), decode_image(file("n_p1_nospace.pbm"), "b").value()),
      0);
}

TEST(ImageCases, DecodingStopsWhenItIsAskedTo) {
  std::string text = "P2\n1000 2000\n255\n";
  for (int i = 0; i < 1000 * 2000; ++i) text += "7 ";
  std::stop_source source;
  source.request_stop();
  const auto before = decode_image(bytes_of(text), "image", source.get_token());
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, ErrorCode::kCancelled);
  std::stop_source later;
  Result<Image> image = fail(ErrorCode::kInternal, "not yet");
  std::jthread decoding([&] { image = decode_image(bytes_of(text), "image", later.get_token()); });
  later.request_stop();
  decoding.join();
  EXPECT_TRUE(image || image.error().code == ErrorCode::kCancelled) << image.error().message;
}

/// Runs `body` in a process made by fork() and gives its exit code.
int in_child(const std::function<int()>& body, bool without_threads) {
  const pid_t child = fork();
  if (child == 0) {
    ::alarm(60);
    if (without_threads) {
      constexpr uid_t kUser = 1'234'568;
      const rlimit one{1, 1};
      if (setrlimit(RLIMIT_NPROC, &one) != 0 || setresuid(kUser, kUser, kUser) != 0) _exit(99);
    }
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int code_of(const Result<Image>& image) {
  return image ? 0 : 10 + static_cast<int>(image.error().code);
}

TEST(ImageCases, WithoutThreadsAndInForkedProcessesImagesAreDecoded) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a process that ThreadSanitizer watches can't go on after fork()";
#endif
  // CMYK is converted in parallel where that is possible.
  const auto cmyk = test::encode(test::make_vips(
                                     64, 400, 4, [](int x, int y, int c) { return (x + y * c) % 256; },
                                     VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_CMYK),
                                 ".jpg");
  ASSERT_TRUE(decode_image(cmyk, "cmyk.jpg")) << "and libvips has its threads now";
  EXPECT_EQ(in_child([&] { return code_of(decode_image(cmyk, "cmyk.jpg")); }, false), 0);
  EXPECT_EQ(in_child([&] { return code_of(render_text("legend", 20)); }, false),
            10 + static_cast<int>(ErrorCode::kLimitExceeded));
  const auto ycbcr = file("t_ycbcr.tif");
  ASSERT_TRUE(decode_image(ycbcr, "ycbcr.tif"));
  EXPECT_EQ(in_child([&] { return code_of(decode_image(ycbcr, "ycbcr.tif")); }, false), 0);
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user who may have no second thread";
  EXPECT_EQ(in_child([&] { return code_of(decode_image(cmyk, "cmyk.jpg")); }, true), 0);
  EXPECT_EQ(in_child([&] { return code_of(render_text("legend", 20)); }, true),
            10 + static_cast<int>(ErrorCode::kLimitExceeded));
}

TEST(ImageCases, WithoutThreadsAndInForkedProcessesEveryFormatIsDecodedOrRefused) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a process that ThreadSanitizer watches can't go on after fork()";
#endif
  constexpr int kRefused = 10 + static_cast<int>(ErrorCode::kLimitExceeded);
  const auto picture = test::gradient(300, 200, 3);
  std::vector<std::pair<std::string, int>> expected{
      {".jpg", 0},        {".jpg[interlace]", 0}, {".png", 0}, {".png[interlace]", 0},
      {".tif", 0},        {".tif[tile]", 0},      {".ppm", 0}, {".gif", 0},
      {".webp", kRefused}};
  std::vector<std::pair<std::string, std::vector<std::byte>>> images;
  std::vector<int> codes;
  for (const auto& [format, code] : expected) {
    images.emplace_back(format, test::encode(picture, format));
    codes.push_back(code);
  }
  // Whether or not there is a loader: that is found out too late.
  for (const auto* name : {"orientation_1.jxl", "orientation_1.avif"}) {
    images.emplace_back(name, file(name));
    codes.push_back(kRefused);
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto& [name, bytes] = images[i];
    const auto decode_it = [&] { return code_of(decode_image(bytes, name)); };
    EXPECT_EQ(in_child(decode_it, false), codes[i]) << name << " in a process made by fork()";
    if (geteuid() == 0) {
      EXPECT_EQ(in_child(decode_it, true), codes[i]) << name << " without threads";
    }
  }
}

TEST(ImageCases, AProcessForkedAmidADecodingIsToldSo) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a process that ThreadSanitizer watches can't go on after fork()";
#endif
  const auto png = test::encode(test::gradient(8, 8, 3), ".png");
  constexpr int kRefused = 10 + static_cast<int>(ErrorCode::kLimitExceeded);
  {
    const auto use = start_vips();
    ASSERT_TRUE(use);
    // As one that decodes, or waits for others to be done with it.
    const std::unique_lock lock(vips_messages());
    EXPECT_EQ(in_child([&] { return code_of(decode_image(png, "a.png")); }, false), kRefused);
    EXPECT_EQ(in_child([&] { return code_of(render_text("legend", 20)); }, false), kRefused);
    EXPECT_EQ(in_child([] { return static_cast<int>(readable_image_formats().size()); }, false), 0);
  }
  EXPECT_EQ(in_child([&] { return code_of(decode_image(png, "a.png")); }, false), 0) << "nobody decodes any more";
}

TEST(ImageCases, WithoutMemoryImagesAreRefused) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need more address space than can be limited";
#endif
  constexpr int kRefused = 10 + static_cast<int>(ErrorCode::kLimitExceeded);
  const auto jpg = test::encode(test::gradient(3000, 2000, 3), ".jpg");
  const auto limited = [&](rlim_t megabytes, const std::function<int()>& body) {
    return in_child(
        [&] {
          std::ifstream statm("/proc/self/statm");
          rlim_t pages = 0;
          statm >> pages;
          const rlim_t limit = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (megabytes << 20);
          const rlimit space{limit, limit};
          return setrlimit(RLIMIT_AS, &space) == 0 ? body() : 98;
        },
        false);
  };
  // The pixels take 18 MB: those are there before what libvips needs.
  for (const rlim_t megabytes : {8U, 16U, 25U, 28U, 32U, 36U, 40U}) {
    EXPECT_EQ(limited(megabytes, [&] { return code_of(decode_image(jpg, "a.jpg")); }), kRefused) << megabytes;
  }
  EXPECT_EQ(limited(100, [&] { return code_of(decode_image(jpg, "a.jpg")); }), 0);
}

}  // namespace
}  // namespace silhouette
