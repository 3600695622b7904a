#include "graph/reference_windows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

namespace silhouette::graph {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Height, width and channels of an image.
struct Image {
  explicit Image(const std::vector<std::int64_t>& dims) : height(dims[1]), width(dims[2]), channels(dims[3]) {}

  [[nodiscard]] bool has(std::int64_t y, std::int64_t x) const { return y >= 0 && y < height && x >= 0 && x < width; }
  [[nodiscard]] std::size_t at(std::int64_t y, std::int64_t x) const { return index((y * width + x) * channels); }

  std::int64_t height;
  std::int64_t width;
  std::int64_t channels;
};

Image image_of(const Graph& graph, TensorId id) {
  return Image(graph.tensors[id].dims);
}

/// Σ a[i] × b[i] in double. Several partial sums, because one would wait for itself at every step.
double dot(const float* a, const float* b, std::int64_t n) {
  constexpr std::int64_t kLanes = 8;
  std::array<double, kLanes> sums{};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      sums[index(lane)] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  }
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (const double lane : sums) sum += lane;
  return sum;
}

/// Two numbers, which is what a vector register of any 64-bit processor holds.
using Pair [[gnu::vector_size(16)]] = double;

Pair load(const double* values) {
  Pair pair;
  std::memcpy(&pair, values, sizeof(pair));
  return pair;
}

/// sums[p] += Σ weights[i] × pixels[p × step + i], for kPixels pixels. Large networks' tests wait for this alone.
template <std::size_t kPixels>
void add_products(const std::vector<double>& weights, const double* pixels, std::size_t step, double* sums) {
  const std::size_t whole = weights.size() / 4 * 4;
  Pair even[kPixels] = {};
  Pair odd[kPixels] = {};
  for (std::size_t i = 0; i < whole; i += 4) {
    const Pair first = load(&weights[i]);
    const Pair second = load(&weights[i + 2]);
#pragma GCC unroll 4
    for (std::size_t p = 0; p < kPixels; ++p) {
      even[p] += first * load(pixels + p * step + i);
      odd[p] += second * load(pixels + p * step + i + 2);
    }
  }
#pragma GCC unroll 4
  for (std::size_t p = 0; p < kPixels; ++p) {
    const Pair both = even[p] + odd[p];
    double sum = both[0] + both[1];
    for (std::size_t i = whole; i < weights.size(); ++i) sum += weights[i] * pixels[p * step + i];
    sums[p] += sum;
  }
}

}  // namespace

// Row by row and channel by channel, for a whole row of results at a time: weights are read once a row then, not once a
// pixel, which is what large networks would wait for.
void reference_convolution(const Graph& graph, const Node& node, Operands operands, std::span<float> result) {
  const Image in = image_of(graph, node.inputs[0]);
  const Image out = image_of(graph, node.output);
  const Window& w = node.window;
  const std::int64_t depth = in.channels / w.groups;
  const std::int64_t group = out.channels / w.groups;
  const std::vector<double> image(operands[0].begin(), operands[0].end());
  const std::size_t step = index(w.stride_width * in.channels);
  std::vector<double> tap(index(depth));
  std::vector<double> sums(index(out.width));
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t o = 0; o < out.channels; ++o) {
      std::ranges::fill(sums, operands.size() > 2 ? static_cast<double>(operands[2][index(o)]) : 0.0);
      for (std::int64_t ky = 0; ky < w.kernel_height; ++ky) {
        for (std::int64_t kx = 0; kx < w.kernel_width; ++kx) {
          const std::int64_t iy = y * w.stride_height + ky * w.dilation_height - w.pad_top;
          const float* const weights = operands[1].data() + ((o * w.kernel_height + ky) * w.kernel_width + kx) * depth;
          std::copy(weights, weights + depth, tap.begin());
          const auto has = [&](std::int64_t x) {
            return in.has(iy, x * w.stride_width + kx * w.dilation_width - w.pad_left);
          };
          const auto pixels = [&](std::int64_t x) {
            return image.data() + in.at(iy, x * w.stride_width + kx * w.dilation_width - w.pad_left) +
                   o / group * depth;
          };
          std::int64_t x = 0;
          while (x < out.width && !has(x)) ++x;
          constexpr std::int64_t kPixels = 4;
          for (; x + kPixels <= out.width && has(x + kPixels - 1); x += kPixels)
            add_products<kPixels>(tap, pixels(x), step, &sums[index(x)]);
          for (; x < out.width && has(x); ++x) add_products<1>(tap, pixels(x), step, &sums[index(x)]);
        }
      }
      for (std::int64_t x = 0; x < out.width; ++x) {
        const std::size_t at = out.at(y, x) + index(o);
        if (operands.size() > 3) {
          const auto& addend = operands[3];
          sums[index(x)] += static_cast<double>(addend[addend.size() == result.size() ? at : index(o)]);
        }
        result[at] = static_cast<float>(sums[index(x)]);
      }
    }
  }
}

void reference_depthwise_convolution(const Graph& graph, const Node& node, Operands operands, std::span<float> result) {
  const Image in = image_of(graph, node.inputs[0]);
  const Image out = image_of(graph, node.output);
  const Window& w = node.window;
  const std::size_t multiplier = index(out.channels / in.channels);
  std::vector<double> sums(index(out.channels));
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      for (std::size_t o = 0; o < sums.size(); ++o)
        sums[o] = operands.size() > 2 ? static_cast<double>(operands[2][o]) : 0.0;
      for (std::int64_t ky = 0; ky < w.kernel_height; ++ky) {
        for (std::int64_t kx = 0; kx < w.kernel_width; ++kx) {
          const std::int64_t iy = y * w.stride_height + ky * w.dilation_height - w.pad_top;
          const std::int64_t ix = x * w.stride_width + kx * w.dilation_width - w.pad_left;
          if (!in.has(iy, ix)) continue;
          const auto pixel = operands[0].subspan(in.at(iy, ix), index(in.channels));
          const auto weights = operands[1].subspan(index((ky * w.kernel_width + kx) * out.channels), sums.size());
          if (multiplier == 1) {
            for (std::size_t o = 0; o < sums.size(); ++o)
              sums[o] += static_cast<double>(pixel[o]) * static_cast<double>(weights[o]);
          } else {
            for (std::size_t o = 0; o < sums.size(); ++o)
              sums[o] += static_cast<double>(pixel[o / multiplier]) * static_cast<double>(weights[o]);
          }
        }
      }
      for (std::size_t o = 0; o < sums.size(); ++o) result[out.at(y, x) + o] = static_cast<float>(sums[o]);
    }
  }
}

void reference_transpose_convolution(const Graph& graph, const Node& node, Operands operands, std::span<float> result) {
  const Image in = image_of(graph, node.inputs[0]);
  const Image out = image_of(graph, node.output);
  const Window& w = node.window;
  const std::int64_t depth = in.channels / w.groups;
  const std::int64_t group = out.channels / w.groups;
  std::vector<double> sums(result.size());
  for (std::int64_t y = 0; y < in.height; ++y) {
    for (std::int64_t x = 0; x < in.width; ++x) {
      for (std::int64_t ky = 0; ky < w.kernel_height; ++ky) {
        for (std::int64_t kx = 0; kx < w.kernel_width; ++kx) {
          const std::int64_t oy = y * w.stride_height + ky * w.dilation_height - w.pad_top;
          const std::int64_t ox = x * w.stride_width + kx * w.dilation_width - w.pad_left;
          if (!out.has(oy, ox)) continue;
          for (std::int64_t o = 0; o < out.channels; ++o) {
            sums[out.at(oy, ox) + index(o)] +=
                dot(operands[0].data() + in.at(y, x) + o / group * depth,
                    operands[1].data() + ((o * w.kernel_height + ky) * w.kernel_width + kx) * depth, depth);
          }
        }
      }
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double bias = operands.size() > 2 ? static_cast<double>(operands[2][i % index(out.channels)]) : 0.0;
    result[i] = static_cast<float>(sums[i] + bias);
  }
}

void reference_pool(const Graph& graph, const Node& node, Operands operands, std::span<float> result) {
  const Image in = image_of(graph, node.inputs[0]);
  const Image out = image_of(graph, node.output);
  const Window& w = node.window;
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      for (std::int64_t c = 0; c < out.channels; ++c) {
        double sum = 0;
        int pixels = 0;
        float largest = -std::numeric_limits<float>::infinity();
        for (std::int64_t ky = 0; ky < w.kernel_height; ++ky) {
          for (std::int64_t kx = 0; kx < w.kernel_width; ++kx) {
            const std::int64_t iy = y * w.stride_height + ky * w.dilation_height - w.pad_top;
            const std::int64_t ix = x * w.stride_width + kx * w.dilation_width - w.pad_left;
            if (!in.has(iy, ix)) continue;
            const float value = operands[0][in.at(iy, ix) + index(c)];
            sum += static_cast<double>(value);
            largest = std::max(largest, value);
            ++pixels;
          }
        }
        result[out.at(y, x) + index(c)] = node.op == Op::kMaxPool ? largest : static_cast<float>(sum / pixels);
      }
    }
  }
}

void reference_resize(const Graph& graph, const Node& node, Operands operands, std::span<float> result) {
  const Image in = image_of(graph, node.inputs[0]);
  const Image out = image_of(graph, node.output);
  // Two pixels of a row or column, and the share of the second. As PyTorch's interpolate and TensorFlow's
  // resize_bilinear define them.
  struct Pair {
    std::int64_t first;
    std::int64_t second;
    double share;
  };
  const auto place = [&](std::int64_t position, std::int64_t from, std::int64_t to) {
    const auto size = static_cast<double>(from);
    double source = 0;
    switch (node.corners) {
      case Corners::kHalfPixel:
        source = (static_cast<double>(position) + 0.5) * size / static_cast<double>(to) - 0.5;
        break;
      case Corners::kAligned:
        source = to == 1 ? 0.0 : static_cast<double>(position) * (size - 1) / static_cast<double>(to - 1);
        break;
      case Corners::kAsymmetric: source = static_cast<double>(position) * size / static_cast<double>(to); break;
    }
    source = std::clamp(source, 0.0, size - 1);
    const auto first = static_cast<std::int64_t>(source);
    return Pair{first, std::min(first + 1, from - 1), source - static_cast<double>(first)};
  };
  for (std::int64_t y = 0; y < out.height; ++y) {
    const Pair row = place(y, in.height, out.height);
    for (std::int64_t x = 0; x < out.width; ++x) {
      const Pair column = place(x, in.width, out.width);
      for (std::int64_t c = 0; c < out.channels; ++c) {
        const auto value = [&](std::int64_t iy, std::int64_t ix) {
          return static_cast<double>(operands[0][in.at(iy, ix) + index(c)]);
        };
        const double top = std::lerp(value(row.first, column.first), value(row.first, column.second), column.share);
        const double bottom =
            std::lerp(value(row.second, column.first), value(row.second, column.second), column.share);
        result[out.at(y, x) + index(c)] = static_cast<float>(std::lerp(top, bottom, row.share));
      }
    }
  }
}

}  // namespace silhouette::graph
