// Any bytes as an encoded image: refused with a reason, or decoded; by decoders that can, to the same pixels every
// time.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "image/decode.hpp"
#include "image/format.hpp"
#include "preprocess/preprocess.hpp"

namespace silhouette::fuzz {
namespace {

constexpr std::string_view kName = "fuzz.img";
constexpr int kMostSide = 65'500;
constexpr std::size_t kMostBytesTwice = 1 << 20;  // larger images are decoded once

void require_reason(const Error& error) {
  if (error.code != ErrorCode::kInvalidImage && error.code != ErrorCode::kUnsupportedImage &&
      error.code != ErrorCode::kLimitExceeded) {
    broken("an image's fault is called {}: {}", error_code_name(error.code), error.message);
  }
  if (!error.message.contains(kName)) broken("a message doesn't name the image: {}", error.message);
  require_one_line(error.message);
}

/// Whether a broken file, too, is decoded to the same pixels every time. libwebp's animation decoder, and what reads
/// GIF, HEIF and JPEG XL, may judge one by memory that nobody has written.
bool is_repeatable(std::span<const std::byte> bytes) {
  static constexpr std::array<std::string_view, 4> kNames{"JPEG", "PNG", "TIFF", "PPM"};
  const auto* const format = sniff_format(bytes).readable;
  return format != nullptr && std::ranges::find(kNames, format->name) != kNames.end();
}

/// A Netpbm file written here: its pixels are known, and a part of it isn't an image.
void try_made_image(Input in) {
  const int width = in.within(1, 40);
  const int height = in.within(1, 40);
  const bool grey = in.one_in(2);
  const unsigned missing = in.one_in(3) ? 1 + in.below(200) : 0;
  const std::string header = fmt::format("{}\n{} {}\n255\n", grey ? "P5" : "P6", width, height);
  std::vector<std::byte> file(header.size());
  std::memcpy(file.data(), header.data(), header.size());
  std::vector<std::uint8_t> expected;
  for (int i = 0; i < width * height; ++i) {
    for (int c = 0; c < 3; ++c) {
      const bool own = c == 0 || !grey;
      const auto value =
          own ? static_cast<std::uint8_t>(in.empty() ? static_cast<unsigned>(i * 7 + c) : in.byte()) : expected.back();
      expected.push_back(value);
      if (own) file.push_back(std::byte{value});
    }
  }
  const std::size_t lacking = std::min<std::size_t>(missing, file.size() - header.size());
  const std::vector<std::byte> rest(file.begin(), file.end() - static_cast<std::ptrdiff_t>(lacking));
  const auto image = decode_image(rest, kName);
  if (missing > 0) {
    if (image) broken("{} × {} pixels are read of a file that lacks {} bytes", width, height, missing);
    return require_reason(image.error());
  }
  if (!image) broken("a sound image is refused: {}", image.error().message);
  if (image->width != width || image->height != height) broken("{} × {} pixels", image->width, image->height);
  if (!std::ranges::equal(image->pixels.span(), expected)) broken("an image has other pixels than it was made of");
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  // No image that is read begins so.
  if (!bytes.empty() && bytes.front() == std::byte{1}) return try_made_image(Input(bytes.subspan(1)));
  const auto image = decode_image(bytes, kName);
  if (!image) return require_reason(image.error());
  if (image->width < 1 || image->height < 1 || image->width > kMostSide || image->height > kMostSide)
    broken("an image of {} × {}", image->width, image->height);
  const auto pixels = image->pixels.span();
  if (pixels.size() !=
      std::size_t{3} * static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height))
    broken("{} × {} pixels in {} bytes", image->width, image->height, pixels.size());
  if (pixels.size() > kMostBytesTwice) return;
  if (is_repeatable(bytes)) {
    const auto again = decode_image(bytes, kName);
    if (!again) broken("decoded once, but not twice: {}", again.error().message);
    if (!std::ranges::equal(again->pixels.span(), pixels)) broken("decoded twice to other pixels");
  }
  const auto filter = bytes.size() % 2 == 0 ? ResizeFilter::kAntialias : ResizeFilter::kLinear;
  const auto once = resize_image(*image, 33, 21, filter, one_thread());
  const auto other = resize_image(*image, 33, 21, filter, three_threads());
  if (!once || !other) broken("{} × {} isn't resized", image->width, image->height);
  if (!std::ranges::equal(once->pixels.span(), other->pixels.span())) broken("three threads resize to other pixels");
}

}  // namespace silhouette::fuzz
