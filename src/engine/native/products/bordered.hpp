#pragma once

#include <cstdint>
#include <memory>

#include "engine/native/planning/network.hpp"
#include "engine/native/planning/plan.hpp"

namespace silhouette::native {

/// Where an image lies within a larger one of zeros.
struct Border {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;  ///< of the larger one
  std::int64_t width = 0;
};

/// Copies an image in blocks into the middle of a larger one of zeros.
std::unique_ptr<Step> make_bordered(const Network& network, View from, View to, const ImageShape& shape,
                                    const Border& border);
/// The few planes of a network's input, interleaved pixel by pixel between zeros.
std::unique_ptr<Step> make_interleaved(View from, View to, const ImageShape& shape, const Border& border);

}  // namespace silhouette::native
