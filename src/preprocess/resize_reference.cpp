#include "preprocess/resize_reference.hpp"

#include <algorithm>

#include "preprocess/resize_weights.hpp"

namespace silhouette {
namespace {

std::uint8_t& sample(Image& image, int x, int y, int channel) {
  return image.row(y)[x * 3 + channel];
}
int sample(const Image& image, int x, int y, int channel) {
  return image.row(y)[x * 3 + channel];
}

std::uint8_t rounded(int sum, int precision) {
  return static_cast<std::uint8_t>(std::clamp((sum + (1 << (precision - 1))) >> precision, 0, 255));
}

}  // namespace

Image reference_antialias(const Image& image, int width, int height) {
  Image wide = Image::create(width, image.height, 3).value();
  const auto horizontal = antialias_weights(image.width, width);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto at = static_cast<std::size_t>(x);
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        for (int k = 0; k < horizontal.count[at]; ++k) {
          sum += horizontal.of(x)[static_cast<std::size_t>(k)] * sample(image, horizontal.first[at] + k, y, c);
        }
        sample(wide, x, y, c) = rounded(sum, horizontal.precision);
      }
    }
  }
  Image result = Image::create(width, height, 3).value();
  const auto vertical = antialias_weights(image.height, height);
  for (int y = 0; y < height; ++y) {
    const auto at = static_cast<std::size_t>(y);
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        for (int k = 0; k < vertical.count[at]; ++k) {
          sum += vertical.of(y)[static_cast<std::size_t>(k)] *
                 sample(static_cast<const Image&>(wide), x, vertical.first[at] + k, c);
        }
        sample(result, x, y, c) = rounded(sum, vertical.precision);
      }
    }
  }
  return result;
}

Image reference_linear(const Image& image, int width, int height) {
  Image result = Image::create(width, height, 3).value();
  const bool halving = image.width == 2 * width && image.height == 2 * height;
  const auto horizontal = linear_weights(image.width, width);
  const auto vertical = linear_rows(image.height, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        if (halving) {
          const int sum = sample(image, 2 * x, 2 * y, c) + sample(image, 2 * x + 1, 2 * y, c) +
                          sample(image, 2 * x, 2 * y + 1, c) + sample(image, 2 * x + 1, 2 * y + 1, c);
          sample(result, x, y, c) = static_cast<std::uint8_t>((sum + 2) >> 2);
          continue;
        }
        const auto& lines = vertical[static_cast<std::size_t>(y)];
        const int left = horizontal.first[static_cast<std::size_t>(x)];
        const int right = std::min(left + 1, image.width - 1);
        int sum = 2;
        for (std::size_t k = 0; k < 2; ++k) {
          const int across = sample(image, left, lines.row[k], c) * horizontal.of(x)[0] +
                             sample(image, right, lines.row[k], c) * horizontal.of(x)[1];
          sum += (lines.weight[k] * (across >> 4)) >> 16;
        }
        sample(result, x, y, c) = static_cast<std::uint8_t>(std::clamp(sum >> 2, 0, 255));
      }
    }
  }
  return result;
}

}  // namespace silhouette
