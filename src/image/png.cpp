#include "image/png.hpp"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <new>
#include <string>
#include <string_view>

namespace silhouette {
namespace {

struct Output {
  std::vector<std::byte> bytes;
  bool out_of_memory = false;
  char reason[128] = "";
};

// libpng is C: an exception must not cross it, and its errors jump over all frames in between.
void append(png_structp png, png_bytep data, std::size_t size) {
  auto* const output = static_cast<Output*>(png_get_io_ptr(png));
  try {
    const auto* const begin = reinterpret_cast<const std::byte*>(data);
    output->bytes.insert(output->bytes.end(), begin, begin + size);
    return;
  } catch (const std::bad_alloc&) {
    output->out_of_memory = true;
  }
  png_error(png, "no memory");
}

void flush(png_structp) {}

[[noreturn]] void fail_encoding(png_structp png, png_const_charp message) {
  auto* const output = static_cast<Output*>(png_get_error_ptr(png));
  std::snprintf(output->reason, sizeof output->reason, "%s", message);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

// Zlib's Z_RLE, as libpng passes it on. After a filter that fits, matches further back than one byte hardly occur and
// cost most of the time of searching: 3 megapixels of a photo take 0.16 s and 4.0 MB so, 1.7 s and 4.1 MB with zlib's
// defaults; of a mask 10 ms and 9 kB instead of 30 ms and 12 kB.
constexpr int kRunLengths = 3;
constexpr int kFastest = 1;

struct Style {
  int colour_type;
  int filter;
  std::span<const png_color> palette;
};

// No object with a destructor lives in this frame: an error of libpng jumps back into it.
bool write_png(const Image& image, const Style& style, Output& output) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &output, fail_encoding, ignore_warning);
  if (png == nullptr) return false;
  png_infop info = png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, &output, append, flush);
  png_set_user_limits(png, kMaxImageSide, kMaxImageSide);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               style.colour_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!style.palette.empty()) png_set_PLTE(png, info, style.palette.data(), static_cast<int>(style.palette.size()));
  png_set_filter(png, PNG_FILTER_TYPE_BASE, style.filter);
  png_set_compression_level(png, kFastest);
  png_set_compression_strategy(png, kRunLengths);
  png_set_compression_buffer_size(png, std::size_t{64} * 1024);
  png_write_info(png, info);
  for (int y = 0; y < image.height; ++y) png_write_row(png, image.row(y));
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return true;
}

Result<std::vector<std::byte>> encode(const Image& image, const Style& style) {
  Output output;
  if (!write_png(image, style, output)) {
    // Of an image that exists, libpng and zlib lack nothing else.
    if (output.out_of_memory || output.reason[0] == '\0' || std::string_view(output.reason).contains("memory")) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("no memory for a PNG of {} × {} pixels; use a smaller image", image.width, image.height));
    }
    return fail(ErrorCode::kInternal,
                fmt::format("a PNG of {} × {} pixels can't be written: {}", image.width, image.height, output.reason));
  }
  return std::move(output.bytes);
}

}  // namespace

Result<std::vector<std::byte>> encode_png(const Image& image) {
  Style style{.colour_type = PNG_COLOR_TYPE_RGB, .filter = PNG_FILTER_PAETH, .palette = {}};
  if (image.channels == 1) style.colour_type = PNG_COLOR_TYPE_GRAY;
  if (image.channels == 4) style.colour_type = PNG_COLOR_TYPE_RGB_ALPHA;
  return encode(image, style);
}

Result<std::vector<std::byte>> encode_palette_png(const Image& indices, std::span<const Rgb> palette) {
  if (indices.channels != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("an image of {} channels has no palette indices; give 1", indices.channels));
  }
  if (palette.empty() || palette.size() > 256) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("a palette of {} colours; give 1 to 256", palette.size()));
  }
  const int highest = std::ranges::max(indices.pixels.span());
  if (highest >= static_cast<int>(palette.size())) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("index {} has no colour in a palette of {}", highest, palette.size()));
  }
  std::array<png_color, 256> colours{};
  std::ranges::transform(palette, colours.begin(), [](const Rgb& rgb) { return png_color{rgb[0], rgb[1], rgb[2]}; });
  return encode(indices, {.colour_type = PNG_COLOR_TYPE_PALETTE,
                          .filter = PNG_FILTER_UP,
                          .palette = std::span(colours).first(palette.size())});
}

}  // namespace silhouette
