#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

#include "format.hpp"
#include "json.hpp"

namespace silhouette::cli {
namespace {

struct ClassFound {
  int index;
  std::string_view label;
  std::int64_t pixels;
  double share;
};

/// The classes that have pixels and those that were asked for, the largest first.
std::vector<ClassFound> classes_found(const Segmentation& segmentation) {
  const auto counts = segmentation.pixel_counts();
  const auto labels = segmentation.labels();
  const auto wanted = segmentation.classes();
  const double all = double{1} * segmentation.width() * segmentation.height();
  std::vector<ClassFound> found;
  for (std::size_t i = 0; i < counts.size() && i < labels.size(); ++i) {
    const auto index = static_cast<int>(i);
    if (counts[i] == 0 && std::ranges::find(wanted, index) == wanted.end()) continue;
    found.push_back({index, labels[i], counts[i], static_cast<double>(counts[i]) / all});
  }
  std::ranges::sort(found, [](const ClassFound& a, const ClassFound& b) {
    return a.pixels != b.pixels ? a.pixels > b.pixels : a.index < b.index;
  });
  return found;
}

/// Microseconds are below what the clock's noise leaves of a measurement.
double rounded(double milliseconds) {
  return std::round(milliseconds * 1000) / 1000;
}

Json timings_json(const StageTimings& timings) {
  return {
      {"read_ms", rounded(timings.read_ms)},
      {"decode_ms", rounded(timings.decode_ms)},
      {"preprocess_ms", rounded(timings.preprocess_ms)},
      {"network_ms", rounded(timings.network_ms)},
      {"postprocess_ms", rounded(timings.postprocess_ms)},
      {"total_ms", rounded(timings.total_ms)},
  };
}

}  // namespace

std::string result_json(std::string_view name, const Segmentation& segmentation, const Written& written) {
  const SegmentationInfo& info = segmentation.info();
  Json classes = Json::array();
  for (const auto& found : classes_found(segmentation)) {
    classes.push_back(
        Json({{"label", found.label}, {"index", found.index}, {"pixels", found.pixels}, {"share", found.share}}));
  }
  Json outputs = Json::object();
  if (!written.mask.empty()) outputs.set("mask", written.mask);
  if (!written.overlay.empty()) outputs.set("overlay", written.overlay);
  if (!written.cutout.empty()) outputs.set("cutout", written.cutout);
  if (!written.rle.empty()) outputs.set("rle", written.rle);
  if (!written.polygons.empty()) outputs.set("polygons", written.polygons);
  if (!written.npy.empty()) outputs.set("npy", written.npy);
  return Json({
                  {"path", name},
                  {"width", segmentation.width()},
                  {"height", segmentation.height()},
                  {"image_width", info.image_width},
                  {"image_height", info.image_height},
                  {"model", info.model},
                  {"engine", info.engine},
                  {"engine_reason", info.engine_reason},
                  {"classes", std::move(classes)},
                  {"timings", timings_json(info.timings)},
                  {"outputs", std::move(outputs)},
              })
      .line();
}

std::string error_json(std::string_view name, const Error& error) {
  return Json({{"path", name}, {"error", Json({{"code", error_code_name(error.code)}, {"message", error.message}})}})
      .line();
}

std::string result_table(std::string_view name, const Segmentation& segmentation, const Written& written,
                         bool colored) {
  const SegmentationInfo& info = segmentation.info();
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{}: {} × {}", printable(name), info.image_width, info.image_height);
  if (segmentation.width() != info.image_width || segmentation.height() != info.image_height) {
    fmt::format_to(out, ", classes at {} × {}", segmentation.width(), segmentation.height());
  }
  fmt::format_to(out, ", {:.0f} ms\n", info.timings.total_ms);

  const auto found = classes_found(segmentation);
  std::size_t label_width = 0;
  std::size_t pixels_width = 0;
  for (const auto& one : found) {
    label_width = std::max(label_width, display_width(one.label));
    pixels_width = std::max(pixels_width, grouped(static_cast<std::uint64_t>(one.pixels)).size());
  }
  for (const auto& one : found) {
    fmt::format_to(out, "  {}{}  {:5.1f} %  {:>{}} pixels\n", swatch(one.index, colored),
                   padded(printable(one.label), label_width), one.share * 100,
                   grouped(static_cast<std::uint64_t>(one.pixels)), pixels_width);
  }
  for (const std::string* const file :
       {&written.mask, &written.overlay, &written.cutout, &written.rle, &written.polygons}) {
    if (!file->empty()) fmt::format_to(out, "  → {}\n", printable(*file));
  }
  for (const auto& file : written.npy) fmt::format_to(out, "  → {}\n", printable(file));
  return text;
}

}  // namespace silhouette::cli
