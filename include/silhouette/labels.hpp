#pragma once

#include <array>
#include <string_view>

#include "silhouette/export.hpp"

namespace silhouette {

/// The 21 classes of PASCAL VOC in the order of DeepLab's channels, and `kArgmax`, which names no class but the key of
/// the class map in a result. In a list of classes of interest `kArgmax` is allowed and ignored.
enum class DeeplabLabel : int {
  kBackground = 0,
  kAeroplane = 1,
  kBicycle = 2,
  kBird = 3,
  kBoat = 4,
  kBottle = 5,
  kBus = 6,
  kCar = 7,
  kCat = 8,
  kChair = 9,
  kCow = 10,
  kDiningtable = 11,
  kDog = 12,
  kHorse = 13,
  kMotorbike = 14,
  kPerson = 15,
  kPottedplant = 16,
  kSheep = 17,
  kSofa = 18,
  kTrain = 19,
  kTvmonitor = 20,
  kArgmax = 21,
};

/// Number of classes of a DeepLab model (without `kArgmax`).
inline constexpr int kDeeplabClassCount = 21;

/// Names of the 21 classes by channel: "BACKGROUND", "AEROPLANE", … "TVMONITOR".
SILHOUETTE_API extern const std::array<std::string_view, kDeeplabClassCount> kDeeplabLabelNames;

}  // namespace silhouette
