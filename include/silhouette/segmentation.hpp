#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/export.hpp"
#include "silhouette/image_source.hpp"
#include "silhouette/labels.hpp"
#include "silhouette/shapes.hpp"

namespace silhouette {

/// Names a class: by enum, by channel number (0 … classes − 1) or by the model's label ("CAT").
class ClassId {
 public:
  ClassId(DeeplabLabel label) : value_(label) {}                   // NOLINT(google-explicit-constructor)
  ClassId(int channel) : value_(channel) {}                        // NOLINT(google-explicit-constructor)
  ClassId(std::string label) : value_(std::move(label)) {}         // NOLINT(google-explicit-constructor)
  ClassId(std::string_view label) : value_(std::string(label)) {}  // NOLINT(google-explicit-constructor)
  ClassId(const char* label)
      : value_(std::string(label == nullptr ? "" : label)) {}  // NOLINT(google-explicit-constructor)

  using Value = std::variant<DeeplabLabel, int, std::string>;
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  Value value_;
};

/// Channels named by a list as people type it, "CAT, dog,15": labels in any case, and channel numbers where no label is
/// the same; in the order given, and as often. "ARGMAX" and nothing between two commas are ignored. kInvalidArgument
/// lists the labels that there are.
[[nodiscard]] SILHOUETTE_API Result<std::vector<int>> parse_classes(std::string_view text,
                                                                    std::span<const std::string> labels);

/// What is put behind a cut-out.
class Background {
 public:
  /// Nothing: it is transparent there.
  Background() = default;
  /// One colour, 0…255.
  static Background color(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
    return Background(Value(std::array<std::uint8_t, 3>{red, green, blue}));
  }
  /// The photo itself out of focus: means over `share` of its longer side, above 0 and at most 1.
  static Background blur(double share = 0.03) { return Background(Value(share)); }
  /// Another picture, scaled and cropped so that it covers the photo. What it borrows must live as long.
  static Background image(ImageSource picture) { return Background(Value(std::move(picture))); }

  using Value = std::variant<std::monostate, std::array<std::uint8_t, 3>, double, ImageSource>;
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  explicit Background(Value value) : value_(std::move(value)) {}
  Value value_;
};

/// Wall-clock milliseconds that each stage of one `forward` took.
struct StageTimings {
  double read_ms = 0;         ///< fetching the image's bytes
  double decode_ms = 0;       ///< bytes → upright 8-bit sRGB
  double preprocess_ms = 0;   ///< resize and normalise
  double network_ms = 0;      ///< inference
  double postprocess_ms = 0;  ///< resize of logits, softmax, argmax
  double total_ms = 0;
};

/// How a result was made.
struct SegmentationInfo {
  std::string model;          ///< the name, path or URL given to `load`; "bytes" for bytes
  std::string engine;         ///< "native" or "executorch"
  std::string engine_reason;  ///< why that engine ran
  int image_width = 0;        ///< the upright original's size, pixels
  int image_height = 0;
  StageTimings timings;
};

/// How the pictures made from a result look.
struct OverlayOptions {
  float opacity = 0.55F;  ///< of the colour on a class's pixels, 0…1
  bool legend = true;     ///< a box with the colour, name and share of every class found
};

namespace detail {
struct SegmentationData;
}

/// The result of one `forward`: the most probable class of every pixel, and a probability map for each class of
/// interest. Move-only and self-contained: it stays valid after the module is gone. Reading from several threads is
/// safe.
class SILHOUETTE_API Segmentation {
 public:
  explicit Segmentation(std::unique_ptr<detail::SegmentationData> data) noexcept;
  Segmentation(Segmentation&&) noexcept;
  Segmentation& operator=(Segmentation&&) noexcept;
  Segmentation(const Segmentation&) = delete;
  Segmentation& operator=(const Segmentation&) = delete;
  ~Segmentation();

  /// Size of every map, pixels: the model's, or the original's where `resize` was asked for.
  [[nodiscard]] int width() const noexcept;
  [[nodiscard]] int height() const noexcept;

  /// Names of the classes by channel. A single-channel model has two: background and foreground.
  [[nodiscard]] std::span<const std::string> labels() const noexcept;

  /// Class of every pixel: width × height channel numbers, row by row from the top left. Of equals the first wins.
  [[nodiscard]] std::span<const std::int32_t> argmax() const noexcept;

  /// Channels of the classes of interest, ascending, without repeats.
  [[nodiscard]] std::span<const int> classes() const noexcept;

  /// Softmax probability (0…1) of a class of interest at every pixel, in the order of `argmax()`. Over all classes of
  /// the model they sum to 1. Of networks that end in a softmax or (one channel) sigmoid of their own it isn't applied
  /// again. kInvalidArgument for a class that the model lacks or that was not asked for.
  [[nodiscard]] Result<std::span<const float>> probability(const ClassId& label) const;

  /// Number of pixels of every class, by channel; they sum to width × height. Counted at the first call.
  [[nodiscard]] std::span<const std::int64_t> pixel_counts() const noexcept;

  [[nodiscard]] const SegmentationInfo& info() const noexcept;

  /// Class map as an 8-bit palette PNG with the PASCAL VOC colours; its pixel values are the class numbers.
  /// kUnsupportedModel for more than 256 classes.
  [[nodiscard]] Result<std::vector<std::byte>> mask_png() const;

  /// The photo with every class but background in its colour, with outlines and a legend. RGB PNG of width() ×
  /// height(). Needs `ForwardOptions::keep_image`, otherwise kInvalidArgument.
  [[nodiscard]] Result<std::vector<std::byte>> overlay_png(const OverlayOptions& options = {}) const;

  /// The photo with everything but the subject transparent. RGBA PNG of width() × height(). The subject is `subject`,
  /// or all but background if that is empty. Of a model of one channel its probabilities decide what stays, and edges
  /// are the photo's: hair and fingers follow the picture. Of others the class map decides, and its edge fades over a
  /// few pixels. Needs `ForwardOptions::keep_image`.
  [[nodiscard]] Result<std::vector<std::byte>> cutout_png(std::span<const ClassId> subject = {}) const;
  /// The same with something behind it, as RGB PNG (RGBA for none). Fails, too, as reading the background's image does.
  [[nodiscard]] Result<std::vector<std::byte>> cutout_png(std::span<const ClassId> subject,
                                                          const Background& background) const;

  /// The pixels of a class in the class map as COCO's run lengths. kInvalidArgument for a class that the model lacks;
  /// any other may be asked for, also one without pixels.
  [[nodiscard]] Result<Rle> rle(const ClassId& label) const;

  /// The pixels of a class in the class map as polygons, in the order of their first points (top to bottom, left to
  /// right). Pixels that share an edge are in one polygon; those that share only a corner are not. With a `tolerance`
  /// of 0 the polygons cover the class's pixels exactly, and are valid by OGC Simple Features (GeoJSON, PostGIS,
  /// Shapely): rings don't meet themselves. Otherwise points are taken out as long as the outlines stay within
  /// `tolerance` pixels of the exact ones (Douglas and Peucker); no polygon vanishes by this, but outlines may cross.
  /// Polygons of fewer than `min_area` pixels are left out, holes of fewer are filled.
  /// kInvalidArgument for a class that the model lacks and for values below 0; kLimitExceeded for more than
  /// kMaxPolygonPoints points, or for a class map so ragged that its outlines have more than 16 million corners.
  [[nodiscard]] Result<std::vector<Polygon>> polygons(const ClassId& label, double tolerance = 1.0,
                                                      std::int64_t min_area = 0) const;

 private:
  std::unique_ptr<detail::SegmentationData> data_;
};

}  // namespace silhouette
