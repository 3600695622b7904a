#include "shapes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "json.hpp"

namespace silhouette::cli {
namespace {

// Text is put together by hand: millions of points would take many times their memory as JSON values.

/// What both kinds of shape say about a class first, without the closing brace.
void begin_class(std::string& text, const Segmentation& segmentation, int channel, const Rle& rle) {
  const Box box = rle.bounding_box();
  fmt::format_to(std::back_inserter(text), R"({{"label":{},"class":{},"size":[{},{}],"area":{},"bbox":[{},{},{},{}])",
                 json_string(segmentation.labels()[static_cast<std::size_t>(channel)]), channel, rle.height, rle.width,
                 rle.area(), box.x, box.y, box.width, box.height);
}

void add_ring(std::string& text, std::span<const Point> ring) {
  char separator = '[';
  for (const Point p : ring) {
    fmt::format_to(std::back_inserter(text), "{}[{},{}]", separator, p.x, p.y);
    separator = ',';
  }
  text += ']';
}

void add_polygon(std::string& text, const Polygon& polygon) {
  text += R"({"outer":)";
  add_ring(text, polygon.outer);
  text += R"(,"holes":[)";
  for (std::size_t i = 0; i < polygon.holes.size(); ++i) {
    if (i > 0) text += ',';
    add_ring(text, polygon.holes[i]);
  }
  text += "]}";
}

/// An array with one line for each class; `add_shape` writes what is special about a shape.
template <typename AddShape>
Result<std::string> shapes_json(const Segmentation& segmentation, std::span<const int> classes, AddShape&& add_shape) {
  std::string text = "[";
  for (const int channel : classes) {
    const auto rle = segmentation.rle(channel);
    if (!rle) return std::unexpected(rle.error());
    text += text.size() == 1 ? "\n" : ",\n";
    begin_class(text, segmentation, channel, *rle);
    Result<void> added = add_shape(text, channel, *rle);
    if (!added) return std::unexpected(std::move(added.error()));
    text += '}';
  }
  text += "\n]\n";
  return text;
}

}  // namespace

std::vector<int> shape_classes(const Segmentation& segmentation, std::span<const int> of_interest, int background) {
  if (!of_interest.empty()) {
    const std::set<int> sorted(of_interest.begin(), of_interest.end());
    return {sorted.begin(), sorted.end()};
  }
  std::vector<int> classes;
  const auto counts = segmentation.pixel_counts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0 && static_cast<int>(i) != background) classes.push_back(static_cast<int>(i));
  }
  return classes;
}

Result<std::string> rle_json(const Segmentation& segmentation, std::span<const int> classes) {
  return shapes_json(segmentation, classes, [](std::string& text, int, const Rle& rle) -> Result<void> {
    const auto counts = rle.compressed();
    if (!counts) return std::unexpected(counts.error());
    text += R"(,"counts":)";
    text += json_string(*counts);
    return {};
  });
}

Result<std::string> polygons_json(const Segmentation& segmentation, std::span<const int> classes,
                                  const ShapeOptions& options) {
  return shapes_json(segmentation, classes, [&](std::string& text, int channel, const Rle&) -> Result<void> {
    const auto polygons = segmentation.polygons(channel, options.tolerance, options.min_area);
    if (!polygons) return std::unexpected(polygons.error());
    text += R"(,"polygons":[)";
    for (std::size_t i = 0; i < polygons->size(); ++i) {
      if (i > 0) text += ',';
      add_polygon(text, (*polygons)[i]);
    }
    text += ']';
    return {};
  });
}

}  // namespace silhouette::cli
