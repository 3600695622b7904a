#pragma once

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.hpp"
#include "image/decode.hpp"
#include "image/vips_runtime.hpp"

namespace silhouette::test {

using Bytes = std::vector<std::byte>;
using Colour = std::array<int, 3>;
using VipsImagePtr = ObjectPtr<VipsImage>;

/// Interleaved samples from a function of x, y and channel, as a libvips image that owns them.
VipsImagePtr make_vips(int width, int height, int bands, const std::function<int(int, int, int)>& sample,
                       VipsBandFormat format = VIPS_FORMAT_UCHAR,
                       VipsInterpretation interpretation = VIPS_INTERPRETATION_sRGB);

/// A smooth picture, different in every direction: RGB, or its first channels, or with the fourth as alpha.
VipsImagePtr gradient(int width, int height, int bands = 3);
int gradient_sample(int x, int y, int channel, int width, int height);

/// A libvips saver's output; `format` is a suffix with options: ".png[interlace]".
Bytes encode(VipsImage* image, const std::string& format);
inline Bytes encode(const VipsImagePtr& image, const std::string& format) {
  return encode(image.get(), format);
}

/// Whether the format is read here; that of the plug-ins for HEIF and JPEG XL is known only after this or a decoding.
bool has_format(std::string_view name);

/// The bytes of a text or binary literal, zeros included.
Bytes bytes_of(std::string_view text);

Colour pixel(const Image& image, int x, int y);

/// Largest difference of a sample from `expected(x, y, channel)`.
int largest_difference(const Image& image, const std::function<int(int, int, int)>& expected);

}  // namespace silhouette::test
