#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "image/png.hpp"
#include "silhouette/silhouette.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

std::int64_t status_kib(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stoll(line.substr(key.size() + 1));
  }
  return -1;
}

// 12 megapixels, two classes of interest, resized to the original's size: what is needed beyond the three maps that the
// caller gets must not grow with classes × pixels (which would be 1,000 MB here).
TEST(Memory, LargePhotosNeedLittleMoreThanTheirResult) {
  if (test::kInstrumented) GTEST_SKIP() << "sanitizers multiply memory";
  constexpr int kWidth = 4000;
  constexpr int kHeight = 3000;
  const test::ScratchFolder folder;
  const auto path = folder.path() / "large.png";
  {
    auto photo = Image::create(kWidth, kHeight, 3).value();
    for (std::size_t i = 0; i < photo.pixels.size(); ++i) photo.pixels[i] = static_cast<std::uint8_t>(i / 3 / 250 * 37);
    ASSERT_TRUE(write_file_atomically(path, encode_png(photo).value()));
  }
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
  // One small run first, so that what the model itself needs is there.
  ASSERT_TRUE(module.forward(test::source_file("models/samples/chelsea.png").string()));
  std::ofstream("/proc/self/clear_refs") << "5";
  const auto before = status_kib("VmRSS:");
  const auto result = module.forward(path.string(), std::vector<ClassId>{0, 15}, true);
  ASSERT_TRUE(result) << result.error().message;
  const auto peak = status_kib("VmHWM:");
  constexpr std::int64_t kOutputs = std::int64_t{kWidth} * kHeight * 3 * 4 / 1024;
  RecordProperty("extra_mb", std::to_string((peak - before - kOutputs) / 1024));
  std::printf("peak over the model's memory and the outputs: %lld MB\n",
              static_cast<long long>((peak - before - kOutputs) / 1024));
  EXPECT_LE(peak - before, kOutputs + 150 * 1024);
}

}  // namespace
}  // namespace silhouette
