#include "pipeline/decode_source.hpp"

#include <span>
#include <string>
#include <variant>

#include "base/pixels.hpp"
#include "base/stopwatch.hpp"
#include "image/decode.hpp"
#include "resources/source.hpp"

namespace silhouette {

Result<Image> decode_source(const ImageSource& source, const DownloadPatience& patience, const std::stop_token& stop,
                            StageTimings* timings) {
  Stopwatch watch;
  StageTimings unused;
  StageTimings& times = timings == nullptr ? unused : *timings;
  if (const auto* pixels = std::get_if<PixelView>(&source.value())) {
    auto image = image_from_pixels(*pixels);
    times.decode_ms = watch.lap();
    return image;
  }
  if (const auto* bytes = std::get_if<std::span<const std::byte>>(&source.value())) {
    auto image = decode_image(*bytes, "image bytes", stop);
    times.decode_ms = watch.lap();
    return image;
  }
  const auto& text = std::get<std::string>(source.value());
  const auto bytes = read_source(text, stop, patience);
  times.read_ms = watch.lap();
  if (!bytes) return std::unexpected(bytes.error());
  auto image = decode_image(*bytes, display_source(text), stop);
  times.decode_ms = watch.lap();
  return image;
}

}  // namespace silhouette
