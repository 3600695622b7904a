#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cmath>
#include <vector>

#include "preprocess/preprocess.hpp"

namespace silhouette {
namespace {

constexpr int kRowsPerTask = 16;
/// Of numbers on the scale 0…1; ImageNet's on that of 0…255 are above 100 and above 57.
constexpr float kMostMean = 4;
constexpr float kMostStd = 16;

// A byte has 256 values: looking them up is as fast as computing them, and the divisions round as PyTorch's do.
using ChannelTable = std::array<float, 256>;

std::array<ChannelTable, 3> make_tables(const Normalization& normalization) {
  std::array<ChannelTable, 3> tables;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t v = 0; v < 256; ++v) {
      tables[c][v] = (static_cast<float>(v) / 255.0F - normalization.mean[c]) / normalization.std[c];
    }
  }
  return tables;
}

}  // namespace

void normalize_image(const Image& image, const Normalization& normalization, TensorLayout layout,
                     std::span<float> output, ThreadPool& pool) {
  assert(image.channels == 3 && output.size() == image.pixels.size());
  const auto tables = make_tables(normalization);
  const auto width = static_cast<std::size_t>(image.width);
  const std::size_t plane = width * static_cast<std::size_t>(image.height);
  const auto tasks = static_cast<std::size_t>((image.height + kRowsPerTask - 1) / kRowsPerTask);
  pool.parallel_for(tasks, [&](std::size_t task, std::size_t) {
    const std::size_t begin = task * kRowsPerTask * width;
    const std::size_t end = std::min(begin + kRowsPerTask * width, plane);
    const std::uint8_t* const pixels = image.pixels.data();
    if (layout == TensorLayout::kNhwc) {
      for (std::size_t i = begin; i < end; ++i) {
        for (std::size_t c = 0; c < 3; ++c) output[i * 3 + c] = tables[c][pixels[i * 3 + c]];
      }
      return;
    }
    float* const red = output.data();
    float* const green = red + plane;
    float* const blue = green + plane;
    for (std::size_t i = begin; i < end; ++i) {
      red[i] = tables[0][pixels[i * 3]];
      green[i] = tables[1][pixels[i * 3 + 1]];
      blue[i] = tables[2][pixels[i * 3 + 2]];
    }
  });
}

Result<void> check_normalization(const Normalization& normalization) {
  constexpr std::array<const char*, 3> kNames = {"red", "green", "blue"};
  for (std::size_t c = 0; c < 3; ++c) {
    // Pixels are 0…1 when these are applied. Numbers for 0…255 would make every image a grey one, and nobody would
    // know.
    const float mean = normalization.mean[c];
    const float std = normalization.std[c];
    if (std::isfinite(mean) && std::isfinite(std) && (std::abs(mean) > kMostMean || std > kMostStd)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the mean {} and standard deviation {} of {} are not for pixels of 0…1; divide both by "
                              "255 if they are for 0…255",
                              mean, std, kNames[c]));
    }
    if (!std::isfinite(mean)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the mean of {} is {}; give a finite number, usually 0…1", kNames[c], mean));
    }
    if (!std::isfinite(std) || std <= 0.0F) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the standard deviation of {} is {}; give a finite number above 0", kNames[c], std));
    }
  }
  return {};
}

}  // namespace silhouette
