// What makes networks out of an input's bytes, a step at a time. Nothing is added that wouldn't fit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "formats/pte/test_models.hpp"
#include "fuzz/input.hpp"
#include "fuzz/networks.hpp"

namespace silhouette::fuzz {

namespace xnn = fb_xnnpack;
using pte::test::Dims;
using pte::test::GraphBuilder;
using Kind = xnn::XNodeUnion;
using Id = std::uint32_t;

inline constexpr std::uint64_t kMostValues = 40'000;           // of one tensor
inline constexpr std::uint64_t kMostMultiplyAdds = 2'000'000;  // of one step
inline constexpr std::size_t kMostDims = 6;
inline constexpr Id kNone = UINT32_MAX;

inline std::uint64_t count(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::uint64_t{1}, std::multiplies<>());
}

/// A network's graph; see make_model.
GraphBuilder make_network(Input& in, Manner manner);

/// What all steps need.
class StepMaker {
 protected:
  explicit StepMaker(Input& in) : in_(in), random_(in.byte()) {}

  const Dims& dims(Id id) { return builder_.tensor(id).dims; }
  Id any() { return in_.pick(made_); }
  unsigned number(int low, int high) { return static_cast<unsigned>(in_.within(low, high)); }

  static bool fits(const Dims& dims) {
    return dims.size() <= kMostDims && std::ranges::find(dims, 0U) == dims.end() && count(dims) <= kMostValues;
  }
  static bool is_image(const Dims& dims) { return dims.size() == 4 && dims[0] == 1; }

  Id constant(const Dims& dims, float low, float high) {
    const Id id = builder_.constant(dims);
    std::uniform_real_distribution<float> value(low, high);
    const std::size_t bytes = count(dims) * sizeof(float);
    for (std::size_t at = builder_.constants.size() - bytes; at < builder_.constants.size(); at += sizeof(float)) {
      const float v = value(random_);
      std::memcpy(builder_.constants.data() + at, &v, sizeof v);
    }
    return id;
  }

  Id made(Id id) {
    made_.push_back(id);
    return id;
  }

  /// Limits of the last node's result.
  void limit(float min, float max) {
    auto limits = std::make_unique<xnn::OutputMinMaxT>();
    limits->output_min = min;
    limits->output_max = max;
    builder_.graph.xnodes.back()->output_min_max = std::move(limits);
  }
  void limit_perhaps() {
    if (!in_.one_in(4)) return;
    const float min = static_cast<float>(in_.within(-8, 8)) / 4;
    const float infinity = std::numeric_limits<float>::infinity();
    const float max = min + static_cast<float>(in_.byte()) / 32;
    const unsigned which = in_.below(3);
    limit(which == 1 ? -infinity : min, which == 2 ? infinity : max);
  }

  Id clamp(Id id, float min, float max) {
    const Id result = builder_.inner(dims(id));
    builder_.unary(Kind::XNNClamp, id, result);
    limit(min, max);
    return result;
  }

  Id unary(Kind kind, Id id) {
    const Id result = builder_.inner(dims(id));
    builder_.unary(kind, id, result);
    return result;
  }

  Id transpose(Id id, const Dims& order, Id result) {
    if (result == kNone) {
      Dims to;
      for (const unsigned dim : order) to.push_back(dims(id)[dim]);
      result = builder_.inner(to);
    }
    auto& node = builder_.node<xnn::XNNStaticTransposeT>(Kind::XNNStaticTranspose);
    node.perm = order;
    node.num_dims = static_cast<unsigned>(order.size());
    node.input_id = id;
    node.output_id = result;
    return result;
  }

  Id resize(Id id, unsigned height, unsigned width, unsigned flags) {
    const Dims from = dims(id);
    const Id result = builder_.inner({1, height, width, from[3]});
    auto& node = builder_.node<xnn::XNNStaticResizeBilinear2DT>(Kind::XNNStaticResizeBilinear2D);
    node.new_height = height;
    node.new_width = width;
    node.flags = flags;
    node.input_id = id;
    node.output_id = result;
    return result;
  }

  Input& in_;
  std::mt19937 random_;
  GraphBuilder builder_;
  std::vector<Id> made_;  // what steps may read
};

/// Whatever slides over an image.
class WindowMaker : protected StepMaker {
 protected:
  using StepMaker::StepMaker;

  void convolution(Id id);
  void depthwise(Id id);
  void transpose_convolution(Id id);
  void pool(Id id);
  void global_pool(Id id);
  /// Adds a convolution of `kind` as `shape` says: weights, bias, result.
  void add_convolution(Kind kind, const xnn::_XNNNodeConvT& shape, Id id, const Dims& weights, const Dims& to);

 private:
  void window(xnn::_XNNNodeConvT& node, unsigned kernel_height, unsigned kernel_width);
  std::pair<unsigned, unsigned> kernel();
};

}  // namespace silhouette::fuzz
