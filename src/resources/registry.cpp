#include <algorithm>
#include <array>

#include "silhouette/labels.hpp"
#include "silhouette/models.hpp"

// Written with its version and file, as react-native-executorch's constants are.
#define SILHOUETTE_HUB "https://huggingface.co/software-mansion/react-native-executorch"

namespace silhouette {
namespace {

constexpr Normalization kUnitRange{};
constexpr Normalization kSymmetric{{0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}};
constexpr Normalization kImageNet{{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}};

constexpr std::array<std::string_view, 2> kForegroundLabels{"BACKGROUND", "FOREGROUND"};

constexpr std::array<ModelEntry, 17> kModels{{
    {.name = kDeeplabV3MobilenetV2Embedded,
     .url = "",
     .file = "deeplab_v3_mobilenet_v2.pte",
     .normalization = kSymmetric,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, MobileNetV2, 513×513, PASCAL VOC; comes with Silhouette"},
    {.name = kSelfieSegmentationEmbedded,
     .url = "",
     .file = "selfie_segmentation.pte",
     .normalization = kUnitRange,
     .labels = kForegroundLabels,
     .description = "MediaPipe's selfie segmentation, 256×256, people; comes with Silhouette"},
    {.name = kSelfieSegmentationLandscapeEmbedded,
     .url = "",
     .file = "selfie_segmentation_landscape.pte",
     .normalization = kUnitRange,
     .labels = kForegroundLabels,
     .description = "MediaPipe's selfie segmentation, 256×144, people; comes with Silhouette"},
    {.name = kDeeplabV3Resnet50,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.7.0/xnnpack/deeplabV3_xnnpack_fp32.pte",
     .file = "",
     .normalization = kUnitRange,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, ResNet-50, 224×224, fp32, 168 MB"},
    {.name = kDeeplabV3Resnet50At520,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_resnet50_xnnpack_fp32.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, ResNet-50, 520×520, fp32"},
    {.name = kDeeplabV3Resnet50At520Quantized,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_resnet50_xnnpack_int8.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, ResNet-50, 520×520, int8"},
    {.name = kDeeplabV3Resnet101,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_resnet101_xnnpack_fp32.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, ResNet-101, 520×520, fp32"},
    {.name = kDeeplabV3Resnet101Quantized,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_resnet101_xnnpack_int8.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, ResNet-101, 520×520, int8"},
    {.name = kDeeplabV3MobilenetV3Large,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_mobilenet_v3_large_xnnpack_fp32.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, MobileNetV3-Large, 520×520, fp32"},
    {.name = kDeeplabV3MobilenetV3LargeQuantized,
     .url = SILHOUETTE_HUB "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_mobilenet_v3_large_xnnpack_int8.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "DeepLabV3, MobileNetV3-Large, 520×520, int8"},
    {.name = kLrasppMobilenetV3Large,
     .url = SILHOUETTE_HUB "-lraspp/resolve/v0.9.0/xnnpack/lraspp_mobilenet_v3_large_xnnpack_fp32.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "LR-ASPP, MobileNetV3-Large, 520×520, fp32"},
    {.name = kLrasppMobilenetV3LargeQuantized,
     .url = SILHOUETTE_HUB "-lraspp/resolve/v0.9.0/xnnpack/lraspp_mobilenet_v3_large_xnnpack_int8.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "LR-ASPP, MobileNetV3-Large, 520×520, int8"},
    {.name = kFcnResnet50,
     .url = SILHOUETTE_HUB "-fcn/resolve/v0.9.0/xnnpack/fcn_resnet50_xnnpack_fp32.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "FCN, ResNet-50, 520×520, fp32"},
    {.name = kFcnResnet50Quantized,
     .url = SILHOUETTE_HUB "-fcn/resolve/v0.9.0/xnnpack/fcn_resnet50_xnnpack_int8.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "FCN, ResNet-50, 520×520, int8"},
    {.name = kFcnResnet101,
     .url = SILHOUETTE_HUB "-fcn/resolve/v0.9.0/xnnpack/fcn_resnet101_xnnpack_fp32.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "FCN, ResNet-101, 520×520, fp32"},
    {.name = kFcnResnet101Quantized,
     .url = SILHOUETTE_HUB "-fcn/resolve/v0.9.0/xnnpack/fcn_resnet101_xnnpack_int8.pte",
     .file = "",
     .normalization = kImageNet,
     .labels = kDeeplabLabelNames,
     .description = "FCN, ResNet-101, 520×520, int8"},
    {.name = kSelfieSegmentation,
     .url = SILHOUETTE_HUB "-selfie-segmentation/resolve/v0.9.0/xnnpack/selfie_segmentation_xnnpack_fp32.pte",
     .file = "",
     .normalization = kUnitRange,
     .labels = kForegroundLabels,
     .description = "Selfie segmentation, one foreground channel, fp32"},
}};

}  // namespace

std::span<const ModelEntry> registered_models() noexcept {
  return kModels;
}

const ModelEntry* find_model(std::string_view name) noexcept {
  const auto found = std::ranges::find(kModels, name, &ModelEntry::name);
  return found == kModels.end() ? nullptr : &*found;
}

}  // namespace silhouette
