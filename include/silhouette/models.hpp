#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "silhouette/export.hpp"
#include "silhouette/normalization.hpp"

namespace silhouette {

/// A model known by name. All views are valid forever.
struct ModelEntry {
  std::string_view name;        ///< "DEEPLAB_V3_RESNET50"
  std::string_view url;         ///< where it is downloaded from; empty for the embedded model
  std::string_view file;        ///< file name in the models folder, for the embedded model; otherwise empty
  Normalization normalization;  ///< used where the file carries none
  std::span<const std::string_view> labels;  ///< of the result's classes, used where the file carries none
  std::string_view description;              ///< one line for people
};

/// DeepLabV3 with MobileNetV2 trained on PASCAL VOC, delivered with Silhouette: needs no download.
inline constexpr std::string_view kDeeplabV3MobilenetV2Embedded = "DEEPLAB_V3_MOBILENET_V2_EMBEDDED";

/// DeepLabV3 with ResNet-50 at 224×224: the file of react-native-executorch 0.4 to 0.7.
inline constexpr std::string_view kDeeplabV3Resnet50 = "DEEPLAB_V3_RESNET50";

/// The files of react-native-executorch 0.9, of 520×520, as it names them there. Only DeepLabV3 with ResNet-50 has
/// "_520" in its name, since the name without it means the older file here. "_QUANTIZED": 8-bit weights and
/// activations.
inline constexpr std::string_view kDeeplabV3Resnet50At520 = "DEEPLAB_V3_RESNET50_520";
inline constexpr std::string_view kDeeplabV3Resnet50At520Quantized = "DEEPLAB_V3_RESNET50_520_QUANTIZED";
inline constexpr std::string_view kDeeplabV3Resnet101 = "DEEPLAB_V3_RESNET101";
inline constexpr std::string_view kDeeplabV3Resnet101Quantized = "DEEPLAB_V3_RESNET101_QUANTIZED";
inline constexpr std::string_view kDeeplabV3MobilenetV3Large = "DEEPLAB_V3_MOBILENET_V3_LARGE";
inline constexpr std::string_view kDeeplabV3MobilenetV3LargeQuantized = "DEEPLAB_V3_MOBILENET_V3_LARGE_QUANTIZED";
inline constexpr std::string_view kLrasppMobilenetV3Large = "LRASPP_MOBILENET_V3_LARGE";
inline constexpr std::string_view kLrasppMobilenetV3LargeQuantized = "LRASPP_MOBILENET_V3_LARGE_QUANTIZED";
inline constexpr std::string_view kFcnResnet50 = "FCN_RESNET50";
inline constexpr std::string_view kFcnResnet50Quantized = "FCN_RESNET50_QUANTIZED";
inline constexpr std::string_view kFcnResnet101 = "FCN_RESNET101";
inline constexpr std::string_view kFcnResnet101Quantized = "FCN_RESNET101_QUANTIZED";

/// One foreground channel: people in front of a camera.
inline constexpr std::string_view kSelfieSegmentation = "SELFIE_SEGMENTATION";

/// MediaPipe's selfie segmentation, for people in front of a camera: 256 × 256, and 256 × 144 for frames of a video
/// that are wide. Comes with Silhouette.
inline constexpr std::string_view kSelfieSegmentationEmbedded = "SELFIE_SEGMENTATION_EMBEDDED";
inline constexpr std::string_view kSelfieSegmentationLandscapeEmbedded = "SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED";

/// All models known by name, the embedded ones first. Thread-safe.
SILHOUETTE_API std::span<const ModelEntry> registered_models() noexcept;

/// The entry of that name, or nullptr. Exact match. Thread-safe.
SILHOUETTE_API const ModelEntry* find_model(std::string_view name) noexcept;

/// Where a model comes from.
class ModelSource {
 public:
  /// A name from `registered_models()`, a path, a `file://` URI or an `http(s)://` URL.
  ModelSource(std::string text) : value_(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  ModelSource(std::string_view text) : value_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  ModelSource(const char* text)
      : value_(std::string(text == nullptr ? "" : text)) {}  // NOLINT(google-explicit-constructor)

  /// The bytes of a `.pte` file. The module takes them over.
  static ModelSource bytes(std::vector<std::byte> bytes) { return ModelSource(Value(std::move(bytes))); }

  using Value = std::variant<std::string, std::vector<std::byte>>;
  [[nodiscard]] const Value& value() const { return value_; }
  [[nodiscard]] Value& value() { return value_; }

 private:
  explicit ModelSource(Value value) : value_(std::move(value)) {}
  Value value_;
};

}  // namespace silhouette
