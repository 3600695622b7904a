#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "silhouette/silhouette.hpp"

namespace silhouette::node {

/// An image copied out of JavaScript, where its owner could change or detach it while the call runs.
class OwnedImage {
 public:
  /// From a string, `{ bytes }` (an encoded image) or `{ data, width, height, channels, stride }` (pixels).
  static OwnedImage read(Napi::Value value);

  /// Borrows from this object.
  [[nodiscard]] ImageSource source() const;

 private:
  struct Pixels {
    std::vector<std::byte> bytes;
    int width = 0;
    int height = 0;
    int channels = 0;
    std::size_t stride = 0;
  };
  std::variant<std::string, std::vector<std::byte>, Pixels> value_;
};

struct SegmentArguments {
  OwnedImage image;
  std::vector<ClassId> classes;
  ForwardOptions options;
};

/// What lies behind a cut-out; owns what `Background` borrows.
struct OwnedBackground {
  std::variant<std::monostate, std::array<std::uint8_t, 3>, double, OwnedImage> value;

  /// From nothing, `{ color: [r, g, b] }`, `{ blur: share }` or `{ image }`.
  static OwnedBackground read(Napi::Value value);
  /// Borrows from this object.
  [[nodiscard]] Background background() const;
};

struct PolygonOptions {
  double tolerance = 1.0;
  std::int64_t min_area = 0;
};

/// All throw Napi::TypeError where a value isn't of the type that the TypeScript above promises.
ModelSource read_model_source(Napi::Value value);
LoadOptions read_load_options(Napi::Object options);
ForwardOptions read_forward_options(Napi::Object options);
ClassId read_class(Napi::Value value);
std::vector<ClassId> read_classes(Napi::Value value);
PolygonOptions read_polygon_options(Napi::Object options);
OverlayOptions read_overlay_options(Napi::Object options);
PruneOptions read_prune_options(Napi::Object options);

}  // namespace silhouette::node
