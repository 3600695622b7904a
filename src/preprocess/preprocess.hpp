#pragma once

#include <cstdint>
#include <span>

#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "silhouette/network_choices.hpp"
#include "silhouette/normalization.hpp"

namespace silhouette {

/// Resizes 8-bit RGB to width × height, ignoring the aspect, exactly as torchvision (`kAntialias`, on uint8 with its
/// fixed-point weights) or OpenCV (`kLinear`) do on uint8. `image` has 3 channels; the target's sides are
/// 1…kMaxImageSide.
Result<Image> resize_image(const Image& image, int width, int height, ResizeFilter filter, ThreadPool& pool);

/// Order of the network's input in memory.
enum class TensorLayout : std::uint8_t { kNchw, kNhwc };

/// 8-bit RGB → (pixel / 255 − mean) / std in `output` (3 × height × width floats of the image's size).
void normalize_image(const Image& image, const Normalization& normalization, TensorLayout layout,
                     std::span<float> output, ThreadPool& pool);

/// Checks a normalisation that came from outside: finite, std > 0. kInvalidArgument otherwise.
Result<void> check_normalization(const Normalization& normalization);

}  // namespace silhouette
