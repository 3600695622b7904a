#include "base/image.hpp"

#include <fmt/format.h>

namespace silhouette {

Result<Image> Image::create(int width, int height, int channels) {
  if (width < 1 || height < 1 || (channels != 1 && channels != 3 && channels != 4)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("an image of {} × {} pixels with {} channels can't be made", width, height, channels));
  }
  if (width > kMaxImageSide || height > kMaxImageSide || std::int64_t{width} * height > kMaxImagePixels) {
    return fail(
        ErrorCode::kLimitExceeded,
        fmt::format("{} × {} pixels exceed the limit of {} a side and {} million in all; scale the image down first",
                    width, height, kMaxImageSide, kMaxImagePixels / 1'000'000));
  }
  Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  auto pixels = AlignedBuffer<std::uint8_t>::create(image.stride() * static_cast<std::size_t>(height), "an image");
  if (!pixels) return std::unexpected(std::move(pixels.error()));
  image.pixels = std::move(*pixels);
  return image;
}

}  // namespace silhouette
