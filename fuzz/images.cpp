// Any bytes as an encoded image: refused with a reason, or decoded to the same pixels every time.
#include <algorithm>

#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "image/decode.hpp"
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

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  const auto image = decode_image(bytes, kName);
  if (!image) return require_reason(image.error());
  if (image->width < 1 || image->height < 1 || image->width > kMostSide || image->height > kMostSide)
    broken("an image of {} × {}", image->width, image->height);
  const auto pixels = image->pixels.span();
  if (pixels.size() !=
      std::size_t{3} * static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height))
    broken("{} × {} pixels in {} bytes", image->width, image->height, pixels.size());
  if (pixels.size() > kMostBytesTwice) return;
  const auto again = decode_image(bytes, kName);
  if (!again) broken("decoded once, but not twice: {}", again.error().message);
  if (!std::ranges::equal(again->pixels.span(), pixels)) broken("decoded twice to other pixels");
  const auto filter = bytes.size() % 2 == 0 ? ResizeFilter::kAntialias : ResizeFilter::kLinear;
  const auto once = resize_image(*image, 33, 21, filter, one_thread());
  const auto other = resize_image(*image, 33, 21, filter, three_threads());
  if (!once || !other) broken("{} × {} isn't resized", image->width, image->height);
  if (!std::ranges::equal(once->pixels.span(), other->pixels.span())) broken("three threads resize to other pixels");
}

}  // namespace silhouette::fuzz
