#include "image/text.hpp"

#include <fmt/format.h>
#include <glib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <string>

#include "image/vips_runtime.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr int kMaxHeight = 1000;
// libvips crops to the ink in height too, which would put every word on a line of its own. These letters, as high and
// as low as the font goes, are in front of the text with no opacity, and are cut off again. In DejaVu Sans they span so
// much of the font's size:
constexpr const char* kLine = "|\xC3\x85|";
constexpr double kLineOfSize = 1.18;

std::string one_line(std::string_view text) {
  gchar* const valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  std::string line(valid);
  g_free(valid);
  // Control characters end paragraphs or can't stand in markup.
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return line;
}

std::string escaped(const std::string& text) {
  gchar* const markup = g_markup_escape_text(text.c_str(), static_cast<gssize>(text.size()));
  std::string result(markup);
  g_free(markup);
  return result;
}

}  // namespace

Result<Image> render_text(std::string_view text, int pixel_height) {
  if (pixel_height < 1 || pixel_height > kMaxHeight || text.size() > kMaxBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("text of {} bytes and {} pixels in height; at most {} and 1 to {}", text.size(),
                            pixel_height, kMaxBytes, kMaxHeight));
  }
  // GLib, on which Pango stands, aborts where it gets no memory, and Pango where it gets no thread for fontconfig.
  constexpr int kPangoThreads = 2;
  const auto short_of = [](std::string_view what) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no {} to draw text with; draw without a legend (OverlayOptions::legend)", what));
  };
  if (!memory_is_to_be_had(kPangoThreads)) return short_of("memory");
  const auto vips = start_vips();
  if (!vips) return std::unexpected(vips.error());
  if (!threads_are_to_be_had(kPangoThreads)) return short_of("threads");
  // For itself: libvips' reasons are kept in one place for all threads.
  const std::unique_lock lock(vips_messages());
  const std::string markup =
      fmt::format("<span font_desc=\"DejaVu Sans {:.2f}px\"><span alpha=\"1\">{}</span>{}</span>",
                  pixel_height / kLineOfSize, kLine, escaped(one_line(text)));
  const auto failed = [&] {
    return fail(ErrorCode::kInternal,
                fmt::format("text can't be drawn: {}; check that a font is installed", take_vips_reason("text")));
  };
  VipsImage* drawn = nullptr;
  if (vips_text(&drawn, markup.c_str(), "rgba", TRUE, "dpi", 72, nullptr) != 0) return failed();
  const ObjectPtr<VipsImage> picture(drawn);
  const int width = vips_image_get_width(drawn);
  const int height = vips_image_get_height(drawn);
  const ObjectPtr<VipsRegion> region(vips_region_new(drawn));
  const VipsRect all = {0, 0, width, height};
  if (region == nullptr || vips_region_prepare(region.get(), &all) != 0) return failed();
  const auto coverage = [&](int x, int y) { return region_pixels(region.get(), x, y)[3]; };
  const auto has_ink = [&](int x) {
    for (int y = 0; y < height; ++y) {
      if (coverage(x, y) != 0) return true;
    }
    return false;
  };
  int begin = 0;
  while (begin < width && !has_ink(begin)) ++begin;
  int end = width;
  while (end > begin && !has_ink(end - 1)) --end;
  auto image = Image::create(std::max(end - begin, 1), height, 1);
  if (!image) return image;
  std::memset(image->pixels.data(), 0, image->pixels.size());
  for (int y = 0; y < height; ++y) {
    for (int x = begin; x < end; ++x) image->row(y)[x - begin] = coverage(x, y);
  }
  return image;
}

}  // namespace silhouette
