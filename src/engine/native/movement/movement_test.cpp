#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <vector>

#include "engine/native/test_networks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Op;
using graph::TensorId;
using test::check;
using test::Maker;
using test::test_seed;
using Dims = std::vector<std::int64_t>;

/// Random networks whose images lie in blocks, in planes or in their own order before they are moved.
class Moving {
 public:
  explicit Moving(std::uint64_t seed) : random_(seed), maker_(seed) {}

  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  /// An image in one of three layouts.
  TensorId image(int layout, std::int64_t height, std::int64_t width, std::int64_t channels) {
    if (layout == 0) return maker_.convolution(maker_.input(height, width, 3), channels, 1, {});
    if (layout == 1) return input({1, height, width, channels});
    const TensorId planes = input({1, channels, height, width});
    return maker_.add({.op = Op::kTranspose, .inputs = {planes}, .order = {0, 2, 3, 1}});
  }

  /// An array of any dimensions; its last ones are as they are, those before are what makes it a whole number of
  /// threes.
  TensorId input(Dims dims) {
    maker_.graph().input = maker_.graph().add_tensor(std::move(dims));
    return maker_.graph().input;
  }

  /// The result's readers want it in blocks or don't.
  void finish(const std::string& what) {
    const TensorId result = maker_.graph().output;
    const Dims dims = maker_.graph().tensors[result].dims;
    if (dims.size() == 4 && dims[0] == 1 && pick(0, 1) == 1) maker_.convolution(result, 5, 1, {});
    check(maker_, fmt::format("{} [{}]", what, fmt::join(dims, ", ")));
  }

  Maker& maker() { return maker_; }
  const Dims& dims(TensorId id) { return maker_.graph().tensors[id].dims; }

  /// Dimensions, the first of them a multiple of three.
  Dims array() {
    Dims dims(static_cast<std::size_t>(pick(1, 5)));
    for (auto& dim : dims) dim = pick(1, 9);
    dims[0] *= 3;
    return dims;
  }

 private:
  std::mt19937_64 random_;
  Maker maker_;
};

constexpr int kLayouts = 3;

TEST(NativeMovement, SlicesOfImages) {
  const auto seed = test_seed();
  for (int i = 0; i < 40; ++i) {
    Moving m(seed + static_cast<std::uint64_t>(i));
    const TensorId image = m.image(i % kLayouts, m.pick(1, 9), m.pick(1, 20), 3 * m.pick(1, 25));
    graph::Node slice{.op = Op::kSlice, .inputs = {image}};
    Dims result;
    for (const std::int64_t dim : m.dims(image)) {
      slice.before.push_back(m.pick(0, dim - 1));
      if (i % 2 == 0) slice.before.back() = std::min<std::int64_t>(slice.before.back(), 1) * (dim > 1 ? 1 : 0);
      result.push_back(m.pick(1, dim - slice.before.back()));
    }
    slice.output = m.maker().graph().output = m.maker().graph().add_tensor(result);
    const std::string what =
        fmt::format("slice at [{}] of [{}]", fmt::join(slice.before, ", "), fmt::join(m.dims(image), ", "));
    m.maker().graph().nodes.push_back(slice);
    m.finish(what);
  }
}

TEST(NativeMovement, PaddingOfImages) {
  const auto seed = test_seed();
  for (int i = 0; i < 40; ++i) {
    Moving m(seed + static_cast<std::uint64_t>(i));
    const TensorId image = m.image(i % kLayouts, m.pick(1, 9), m.pick(1, 20), 3 * m.pick(1, 12));
    graph::Node pad{.op = Op::kPad, .inputs = {image}, .parameter = 0.75F};
    for (std::size_t d = 0; d < 4; ++d) {
      const std::int64_t most = d == 0 ? (i % 5 == 0 ? 1 : 0) : (d == 3 && i % 2 == 0 ? 0 : 20);
      pad.before.push_back(m.pick(0, most));
      pad.after.push_back(m.pick(0, most));
    }
    m.maker().add(pad);
    m.finish(fmt::format("pad by [{}], [{}] of [{}]", fmt::join(pad.before, ", "), fmt::join(pad.after, ", "),
                         fmt::join(m.dims(image), ", ")));
  }
}

TEST(NativeMovement, ConcatenationsOfImages) {
  const auto seed = test_seed();
  for (int i = 0; i < 60; ++i) {
    Moving m(seed + static_cast<std::uint64_t>(i));
    const std::int64_t axis = i % 5 == 0 ? m.pick(1, 2) : 3;
    const int layout = i / 2 % kLayouts;
    const std::int64_t height = m.pick(1, 6);
    const std::int64_t width = m.pick(1, 9);
    const TensorId first = m.image(layout, height, width, 3 * m.pick(1, 14));
    std::vector<TensorId> parts{first};
    for (std::int64_t part = m.pick(1, 3); part > 0; --part) {
      if (axis == 3 && i % 2 == 0) {
        parts.push_back(m.maker().convolution(first, 8 * m.pick(1, 5), 1, {}));
      } else if (axis == 3) {
        parts.push_back(m.maker().convolution(first, m.pick(1, 40), 1, {}));
      } else {
        parts.push_back(m.maker().add({.op = Op::kTanh, .inputs = {parts.back()}}));
      }
    }
    if (i % 4 == 0) std::ranges::reverse(parts);
    if (i % 7 == 0) parts.push_back(parts.front());
    m.maker().add(
        {.op = Op::kConcatenate, .inputs = parts, .activation = {.min = i % 3 == 0 ? -0.5F : -INFINITY}, .axis = axis});
    if (i % 6 == 1) {
      const TensorId inner = m.maker().graph().output;
      m.maker().add({.op = Op::kConcatenate, .inputs = {inner, parts.back(), inner}, .axis = axis});
    }
    m.finish(fmt::format("{}: {} parts along {}", i, parts.size(), axis));
  }
}

TEST(NativeMovement, Arrays) {
  const auto seed = test_seed();
  for (int i = 0; i < 120; ++i) {
    Moving m(seed + static_cast<std::uint64_t>(i));
    const Dims dims = m.array();
    const TensorId array = m.input(dims);
    graph::Node node{.inputs = {array}, .activation = {.max = i % 7 == 0 ? 0.25F : INFINITY}, .parameter = -2};
    Dims declared;
    switch (i % 5) {
      case 0: {
        node.op = Op::kTranspose;
        node.order.resize(dims.size());
        std::iota(node.order.begin(), node.order.end(), 0);
        std::ranges::shuffle(node.order, m.maker().random());
        break;
      }
      case 1: {
        node.op = Op::kPad;
        for (std::size_t d = 0; d < dims.size(); ++d) {
          node.before.push_back(m.pick(0, 2));
          node.after.push_back(m.pick(0, 2));
        }
        break;
      }
      case 2: {
        node.op = Op::kSlice;
        for (const std::int64_t dim : dims) {
          node.before.push_back(m.pick(0, dim - 1));
          declared.push_back(m.pick(1, dim - node.before.back()));
        }
        break;
      }
      case 3: {
        node.op = Op::kConcatenate;
        node.axis = m.pick(0, static_cast<std::int64_t>(dims.size()) - 1);
        node.inputs = {array, m.maker().add({.op = Op::kAbs, .inputs = {array}}), array};
        break;
      }
      default: {
        node.op = Op::kExpand;
        for (const std::int64_t dim : dims) declared.push_back(dim == 1 ? m.pick(1, 6) : dim);
        if (m.pick(0, 1) == 1) declared.insert(declared.begin(), m.pick(1, 4));
        break;
      }
    }
    if (declared.empty()) {
      m.maker().add(node);
    } else {
      node.output = m.maker().graph().output = m.maker().graph().add_tensor(declared);
      m.maker().graph().nodes.push_back(node);
    }
    m.finish(fmt::format("{}: {} of [{}]", i, graph::op_name(node.op), fmt::join(dims, ", ")));
  }
}

TEST(NativeMovement, ExpandedImages) {
  const auto seed = test_seed();
  for (int i = 0; i < 24; ++i) {
    Moving m(seed + static_cast<std::uint64_t>(i));
    const bool is_one_channel = m.pick(0, 1) == 1;
    const TensorId image = m.image(i % kLayouts, 3 * m.pick(1, 3), m.pick(1, 2) == 1 ? 1 : m.pick(1, 5),
                                   is_one_channel ? 1 : m.pick(1, 40));
    TensorId narrow = image;
    if (m.pick(0, 1) == 1) narrow = m.maker().add({.op = Op::kGlobalAverage, .inputs = {image}});
    Dims result = m.dims(narrow);
    for (std::size_t d = 1; d < result.size(); ++d) {
      if (result[d] == 1) result[d] = m.pick(1, 20);
    }
    const TensorId whole = m.maker().graph().output = m.maker().graph().add_tensor(result);
    m.maker().graph().nodes.push_back({.op = Op::kExpand, .inputs = {narrow}, .output = whole});
    m.finish(fmt::format("expand [{}]", fmt::join(m.dims(narrow), ", ")));
  }
}

/// What networks reshape and transpose for: channels shuffled between groups, channels made pixels and the reverse.
TEST(NativeMovement, ShufflesOfChannelsAndPixels) {
  const auto seed = test_seed();
  for (const std::int64_t width : {5, 16, 37}) {
    for (const bool planes : {false, true}) {
      Moving m(seed);
      Maker& maker = m.maker();
      const TensorId image = m.image(0, 6, width, 36);
      const TensorId other =
          planes ? maker.add({.op = Op::kTranspose, .inputs = {image}, .order = {0, 3, 1, 2}}) : image;
      TensorId shuffled = 0;
      if (planes) {
        const TensorId split = maker.reshape(other, {1, 3, 12, 6, width});
        shuffled = maker.reshape(maker.add({.op = Op::kTranspose, .inputs = {split}, .order = {0, 2, 1, 3, 4}}),
                                 {1, 36, 6, width});
        const TensorId pixels = maker.reshape(shuffled, {1, 9, 2, 2, 6, width});
        shuffled = maker.reshape(maker.add({.op = Op::kTranspose, .inputs = {pixels}, .order = {0, 1, 4, 2, 5, 3}}),
                                 {1, 9, 12, 2 * width});
        shuffled = maker.add({.op = Op::kTranspose, .inputs = {shuffled}, .order = {0, 2, 3, 1}});
      } else {
        const TensorId split = maker.reshape(other, {1, 6, width, 3, 12});
        shuffled = maker.reshape(maker.add({.op = Op::kTranspose, .inputs = {split}, .order = {0, 1, 2, 4, 3}}),
                                 {1, 6, width, 36});
        const TensorId turned = maker.convolution(shuffled, 36, 1, {});
        shuffled = maker.add({.op = Op::kTranspose, .inputs = {turned}, .order = {0, 2, 1, 3}});
      }
      maker.convolution(shuffled, 7, 1, {});
      check(maker, fmt::format("width {} planes {}", width, planes));
    }
  }
}

TEST(NativeMovement, Softmax) {
  const auto seed = test_seed();
  for (const std::int64_t channels : {1, 2, 15, 16, 17, 21, 33, 150}) {
    for (int layout = 0; layout < kLayouts; ++layout) {
      Moving m(seed);
      const TensorId image = m.image(layout, 9, 11, channels);
      // From where all have much the same share to where one has it all. After a convolution not so far: its rounding
      // would be multiplied as well.
      const float scale = channels % 2 == 1 ? 3.0F : (layout == 0 ? 30.0F : 3000.0F);
      const TensorId large =
          m.maker().add({.op = Op::kMultiply, .inputs = {image, m.maker().graph().add_constant({1}, {scale})}});
      m.maker().add({.op = Op::kSoftmax, .inputs = {large}, .activation = {.max = channels == 33 ? 0.25F : INFINITY}});
      m.finish(fmt::format("softmax of layout {}", layout));
    }
  }
  for (int i = 0; i < 30; ++i) {
    Moving m(seed + static_cast<std::uint64_t>(i));
    m.maker().add({.op = Op::kSoftmax, .inputs = {m.input(m.array())}});
    m.finish("softmax of an array");
  }
}

}  // namespace
}  // namespace silhouette
