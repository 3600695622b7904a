#include "image/test_images.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <tuple>

#include "image/format.hpp"

namespace silhouette::test {

VipsImagePtr make_vips(int width, int height, int bands, const std::function<int(int, int, int)>& sample,
                       VipsBandFormat format, VipsInterpretation interpretation) {
  if (!start_vips()) throw std::runtime_error("libvips doesn't start");
  std::vector<std::uint16_t> wide;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < bands; ++c) wide.push_back(static_cast<std::uint16_t>(sample(x, y, c)));
    }
  }
  const std::vector<std::uint8_t> narrow(wide.begin(), wide.end());
  const bool deep = format == VIPS_FORMAT_USHORT;
  VipsImagePtr image(vips_image_new_from_memory_copy(deep ? static_cast<const void*>(wide.data()) : narrow.data(),
                                                     wide.size() * (deep ? 2 : 1), width, height, bands, format));
  if (image == nullptr) throw std::runtime_error(take_vips_reason(""));
  image->Type = interpretation;
  return image;
}

int gradient_sample(int x, int y, int channel, int width, int height) {
  switch (channel) {
    case 0: return x * 255 / std::max(width - 1, 1);
    case 1: return y * 255 / std::max(height - 1, 1);
    case 2: return 255 - (x + y) * 255 / std::max(width + height - 2, 1);
    default: return (x * 3 + y * 5) % 256;
  }
}

VipsImagePtr gradient(int width, int height, int bands) {
  return make_vips(
      width, height, bands,
      [&](int x, int y, int c) { return gradient_sample(x, y, bands == 2 && c == 1 ? 3 : c, width, height); },
      VIPS_FORMAT_UCHAR, bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB);
}

Bytes encode(VipsImage* image, const std::string& format) {
  // The plug-ins that read HEIF and JPEG XL also write them.
  for (const auto& known : image_formats()) std::ignore = enable_loader(known);
  void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_write_to_buffer(image, format.c_str(), &data, &size, nullptr) != 0) {
    throw std::runtime_error(format + ": " + take_vips_reason(""));
  }
  const auto* const begin = static_cast<const std::byte*>(data);
  Bytes bytes(begin, begin + size);
  g_free(data);
  return bytes;
}

bool has_format(std::string_view name) {
  if (!start_vips()) return false;
  const auto formats = image_formats();
  const auto found = std::ranges::find(formats, name, &ImageFormat::name);
  return found != formats.end() && enable_loader(*found);
}

Bytes bytes_of(std::string_view text) {
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

Colour pixel(const Image& image, int x, int y) {
  const std::uint8_t* const rgb = image.row(y) + static_cast<std::ptrdiff_t>(x) * 3;
  return {rgb[0], rgb[1], rgb[2]};
}

int largest_difference(const Image& image, const std::function<int(int, int, int)>& expected) {
  int largest = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        largest = std::max(largest, std::abs(pixel(image, x, y)[static_cast<std::size_t>(c)] - expected(x, y, c)));
      }
    }
  }
  return largest;
}

}  // namespace silhouette::test
