#include "base/pixels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"

namespace silhouette {
namespace {

// Rows that are turned together: a column of them is a run of bytes in the upright image.
constexpr int kBlockRows = 64;

// round(value × alpha / 255 + 255 × (1 − alpha / 255)), exact for all bytes.
std::uint8_t on_white(std::uint8_t value, std::uint8_t alpha) {
  const unsigned sum = value * alpha + 255U * (255U - alpha) + 128U;
  return static_cast<std::uint8_t>((sum + (sum >> 8)) >> 8);
}

void to_rgb(const std::uint8_t* from, int channels, std::size_t pixels, std::uint8_t* to) {
  switch (channels) {
    case 1:
      for (std::size_t i = 0; i < pixels; ++i) std::memset(to + i * 3, from[i], 3);
      break;
    case 2:
      for (std::size_t i = 0; i < pixels; ++i) std::memset(to + i * 3, on_white(from[i * 2], from[i * 2 + 1]), 3);
      break;
    case 3: std::memcpy(to, from, pixels * 3); break;
    default:
      for (std::size_t i = 0; i < pixels; ++i) {
        for (std::size_t c = 0; c < 3; ++c) to[i * 3 + c] = on_white(from[i * 4 + c], from[i * 4 + 3]);
      }
  }
}

// A column of pixels to places `step` bytes apart. Copies of four bytes are a single instruction: where the next
// pixel's place is behind this one's, it overwrites the byte too many. `exact`: there is no byte behind the pixels to
// read.
void copy_column(const std::uint8_t* from, std::size_t stride, int count, bool exact, std::uint8_t* to,
                 std::ptrdiff_t step) {
  const auto pixels = static_cast<std::size_t>(count);
  if (exact || (step != 3 && step != -3)) {
    for (std::size_t r = 0; r < pixels; ++r)
      std::memcpy(to + static_cast<std::ptrdiff_t>(r) * step, from + r * stride, 3);
    return;
  }
  std::uint8_t* place = step > 0 ? to : to - (count - 1) * std::ptrdiff_t{3};
  for (std::size_t k = 0; k + 1 < pixels; ++k, place += 3) {
    std::memcpy(place, from + (step > 0 ? k : pixels - 1 - k) * stride, 4);
  }
  std::memcpy(place, from + (step > 0 ? pixels - 1 : 0) * stride, 3);
}

}  // namespace

Result<PixelPlacer> PixelPlacer::create(int width, int height, int channels, int orientation) {
  PixelPlacer placer;
  placer.width_ = width;
  placer.channels_ = channels;
  const bool turned = orientation >= 5 && orientation <= 8;
  auto image = Image::create(turned ? height : width, turned ? width : height, 3);
  if (!image) return std::unexpected(std::move(image.error()));
  placer.image_ = std::move(*image);
  if (channels != 3) {
    auto converted =
        AlignedBuffer<std::uint8_t>::create(static_cast<std::size_t>(width) * 3 * kBlockRows, "pixel rows");
    if (!converted) return std::unexpected(std::move(converted.error()));
    placer.converted_ = std::move(*converted);
  }
  const auto row = static_cast<std::ptrdiff_t>(placer.image_.stride());
  const std::ptrdiff_t right = row - 3;
  const std::ptrdiff_t bottom = row * (placer.image_.height - 1);
  const auto set = [&](std::ptrdiff_t origin, std::ptrdiff_t across, std::ptrdiff_t down) {
    placer.origin_ = origin;
    placer.across_ = across;
    placer.down_ = down;
  };
  switch (orientation) {
    case 2: set(right, -3, row); break;
    case 3: set(bottom + right, -3, -row); break;
    case 4: set(bottom, 3, -row); break;
    case 5: set(0, row, 3); break;
    case 6: set(right, row, -3); break;
    case 7: set(bottom + right, -row, -3); break;
    case 8: set(bottom, -row, 3); break;
    default: set(0, 3, row);
  }
  return placer;
}

void PixelPlacer::place(const std::uint8_t* rows, std::size_t stride, int y, int count) {
  const auto pixels = static_cast<std::size_t>(width_);
  std::uint8_t* const base = image_.pixels.data() + origin_;
  if (across_ == 3) {
    for (int r = 0; r < count; ++r)
      to_rgb(rows + static_cast<std::size_t>(r) * stride, channels_, pixels, base + (y + r) * down_);
    return;
  }
  for (int begin = 0; begin < count; begin += kBlockRows) {
    const int height = std::min(kBlockRows, count - begin);
    const std::uint8_t* block = rows + static_cast<std::size_t>(begin) * stride;
    std::size_t block_stride = stride;
    if (channels_ != 3) {
      block_stride = pixels * 3;
      for (std::size_t r = 0; r < static_cast<std::size_t>(height); ++r) {
        to_rgb(block + r * stride, channels_, pixels, converted_.data() + r * block_stride);
      }
      block = converted_.data();
    }
    std::uint8_t* const corner = base + (y + begin) * down_;
    for (std::ptrdiff_t x = 0; x < width_; ++x) {
      copy_column(block + x * 3, block_stride, height, x + 1 == width_, corner + x * across_, down_);
    }
  }
}

Result<Image> image_from_pixels(const PixelView& pixels) {
  const int samples = static_cast<int>(pixels.format);
  if (samples != 1 && samples != 3 && samples != 4) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("pixel format {} is unknown; give grey (1), RGB (3) or RGBA (4)", samples));
  }
  if (pixels.width < 1 || pixels.height < 1) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("pixels of {} × {} are no image; give both sides, at least 1",
                                                         pixels.width, pixels.height));
  }
  auto placer = PixelPlacer::create(pixels.width, pixels.height, samples, 1);
  if (!placer) return std::unexpected(std::move(placer.error()));
  // Within the limits of an image, so that only the stride can overflow.
  const auto row = static_cast<std::size_t>(pixels.width) * static_cast<std::size_t>(samples);
  const std::size_t stride = pixels.stride == 0 ? row : pixels.stride;
  const auto height = static_cast<std::size_t>(pixels.height);
  const auto without_last = checked_mul(stride, height - 1);
  const auto least = without_last ? checked_add(*without_last, row) : std::nullopt;
  const auto most = checked_mul(stride, height);
  if (stride < row || !least || !most) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a stride of {} bytes doesn't hold rows of {} pixels × {} samples; give at least {}",
                            stride, pixels.width, samples, row));
  }
  if (pixels.bytes.size() != *least && pixels.bytes.size() != *most) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} bytes of pixels for {} × {} pixels × {} samples with a stride of {}; {} are needed",
                            pixels.bytes.size(), pixels.width, pixels.height, samples, stride, *most));
  }
  placer->place(reinterpret_cast<const std::uint8_t*>(pixels.bytes.data()), stride, 0, pixels.height);
  return std::move(*placer).take();
}

}  // namespace silhouette
