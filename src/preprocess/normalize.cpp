#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cmath>
#include <vector>

#include "preprocess/preprocess.hpp"

namespace silhouette {
namespace {

constexpr int kRowsPerTask = 16;

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
    if (!std::isfinite(normalization.mean[c])) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("the mean of {} is {}; give a finite number, usually 0…1",
                                                           kNames[c], normalization.mean[c]));
    }
    if (!std::isfinite(normalization.std[c]) || normalization.std[c] <= 0.0F) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the standard deviation of {} is {}; give a finite number above 0", kNames[c],
                              normalization.std[c]));
    }
  }
  return {};
}

}  // namespace silhouette
