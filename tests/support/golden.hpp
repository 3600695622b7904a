#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace silhouette::test {

/// Share of pixels whose class is the expected one.
template <typename Values>
double agreement(std::span<const std::int32_t> classes, const Values& expected) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == static_cast<std::int32_t>(expected[i])) ++equal;
  }
  return static_cast<double>(equal) / static_cast<double>(classes.size());
}

/// A full-size network without its weights, and PyTorch's results with those that `synthesize` fills in.
struct GoldenNetwork {
  std::string skeleton;
  std::string golden;    ///< folder below tests/golden
  std::size_t step = 1;  ///< only every step-th pixel of the logits is kept
  std::size_t size = 224;
  std::size_t channels = 21;  ///< 1: a probability, and the class is whether it is above one half
  bool large = false;         ///< so slow that a few ways of running it must do, and none in instrumented builds
};
void PrintTo(const GoldenNetwork& network, std::ostream* out);
/// All but the large ones.
std::vector<GoldenNetwork> golden_networks();
/// Their operations are the others', in networks of other shapes and depth. The smallest is the first.
std::vector<GoldenNetwork> large_golden_networks();

/// Whether the native engine takes minutes for it: the large ones under any sanitizer, DeepLabV3-ResNet50 under
/// ThreadSanitizer, which learns nothing from it that the others' convolutions and the engine's own tests don't show.
bool takes_minutes(const GoldenNetwork& network);

/// The model file's bytes.
std::vector<std::byte> golden_model(const GoldenNetwork& network);

/// The k-th input, 3 × size × size, planar.
std::vector<float> golden_input(const GoldenNetwork& network, int k);

/// Compares channels × size × size logits with PyTorch's for the k-th input: the classes of at least 99.99 % of the
/// pixels, and values within `tolerance` of the range.
void expect_golden(const GoldenNetwork& network, int k, std::span<const float> logits, double tolerance);

}  // namespace silhouette::test
