#include "fuzz/networks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>

#include "support/support.hpp"

namespace silhouette::fuzz {
namespace {

namespace xnn = fb_xnnpack;
using pte::test::Dims;
using pte::test::EditableModel;
using pte::test::GraphBuilder;
using Kind = xnn::XNodeUnion;
using Id = std::uint32_t;

constexpr std::uint64_t kMostValues = 40'000;           // of one tensor
constexpr std::uint64_t kMostMultiplyAdds = 2'000'000;  // of one step
constexpr std::size_t kMostDims = 6;
constexpr unsigned kApart = 2048;
constexpr Id kNone = UINT32_MAX;

std::uint64_t count(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::uint64_t{1}, std::multiplies<>());
}

/// One side of what a window makes, and of what a transposed one does; 0 if there is nothing.
unsigned window_side(unsigned side, unsigned padding, unsigned kernel, unsigned stride, unsigned dilation) {
  const unsigned reach = (kernel - 1) * dilation + 1;
  return side + padding < reach ? 0 : (side + padding - reach) / stride + 1;
}

unsigned transposed_side(unsigned side, unsigned padding, unsigned kernel, unsigned stride, unsigned dilation,
                         unsigned adjustment) {
  const unsigned whole = (side - 1) * stride + (kernel - 1) * dilation + 1 + adjustment;
  return whole <= padding ? 0 : whole - padding;
}

class NetworkMaker {
 public:
  NetworkMaker(Input& in, Manner manner) : in_(in), tame_(manner == Manner::kTame), random_(in.byte()) {}

  GraphBuilder make() {
    const Id input = builder_.input({1, 3, 16, 16});
    const Id output = builder_.output({1, 4, 16, 16});
    // Constants that nobody reads put the others onto pages of memory that have no node on them.
    const bool apart = in_.one_in(2);
    if (apart) constant({kApart}, -1, 1);
    made_.push_back(transpose(input, {0, 2, 3, 1}, kNone));
    if (in_.one_in(4)) made_.push_back(input);
    for (int steps = in_.within(1, 10); steps > 0 && !in_.empty(); --steps) add_step();
    finish(output);
    if (apart) constant({kApart}, -1, 1);
    return std::move(builder_);
  }

 private:
  [[nodiscard]] const Dims& dims(Id id) { return builder_.tensor(id).dims; }
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
    limit(in_.one_in(3) ? -infinity : min, in_.one_in(3) ? infinity : min + static_cast<float>(in_.byte()) / 32);
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

  void add_step() {
    const Id id = in_.one_in(3) ? any() : made_.back();
    switch (in_.below(20)) {
      case 0:
      case 1:
      case 2: return convolution(id);
      case 3:
      case 4: return depthwise(id);
      case 5: return transpose_convolution(id);
      case 6: return pool(id);
      case 7: return global_pool(id);
      case 8:
      case 9: return add_unary(id);
      case 10:
      case 11: return binary(id);
      case 12: return gate(id);
      case 13: return concatenate(id);
      case 14: return pad(id);
      case 15: return slice(id);
      case 16: return reshape(id);
      case 17: return shuffle(id);
      case 18: return add_resize(id);
      default: return fully_connected(id);
    }
  }

  /// A window with whatever fits to kernels of this size.
  void window(xnn::_XNNNodeConvT& node, unsigned kernel_height, unsigned kernel_width) {
    node.kernel_height = kernel_height;
    node.kernel_width = kernel_width;
    node.dilation_height = node.dilation_width = in_.one_in(4) ? number(2, 6) : 1;
    if (in_.one_in(8)) node.dilation_width = number(1, 4);
    node.subsampling_height = node.subsampling_width = in_.one_in(4) ? number(2, 4) : 1;
    if (in_.one_in(8)) node.subsampling_width = number(1, 4);
    if (in_.one_in(3)) {
      for (unsigned* side : {&node.padding_top, &node.padding_right, &node.padding_bottom, &node.padding_left})
        *side = number(0, 7);
    } else {
      node.padding_top = node.padding_bottom = node.dilation_height * (kernel_height - 1) / 2;
      node.padding_left = node.padding_right = node.dilation_width * (kernel_width - 1) / 2;
    }
  }

  Dims window_result(const xnn::_XNNNodeConvT& node, const Dims& from, unsigned channels) const {
    return {1,
            window_side(from[1], node.padding_top + node.padding_bottom, node.kernel_height, node.subsampling_height,
                        node.dilation_height),
            window_side(from[2], node.padding_left + node.padding_right, node.kernel_width, node.subsampling_width,
                        node.dilation_width),
            channels};
  }

  std::pair<unsigned, unsigned> kernel() {
    if (in_.one_in(4)) return {number(1, 9), number(1, 9)};
    static constexpr std::array kSizes{1U, 3U, 3U, 5U, 2U};
    const unsigned size = in_.pick(kSizes);
    return {size, size};
  }

  /// Adds a convolution of `kind` as `shape` says: weights, bias, result.
  void add_convolution(Kind kind, const xnn::_XNNNodeConvT& shape, Id id, const Dims& weights, const Dims& to) {
    const unsigned channels = to[3];
    const std::uint64_t depth = std::uint64_t{shape.kernel_height} * shape.kernel_width * shape.group_input_channels;
    if (!fits(to) || !fits(weights) || count(to) * depth > kMostMultiplyAdds) return;
    // Results are about as large as operands.
    const float scale = std::sqrt(3.0F / static_cast<float>(depth));
    const Id filter = constant(weights, -scale, scale);
    const Id bias = in_.one_in(4) ? kNone : constant({channels}, -1, 1);
    const Id result = builder_.inner(to);
    auto& node = builder_.node<xnn::_XNNNodeConvT>(kind);
    node = shape;
    node.input1_id = id;
    node.filter_id = filter;
    node.bias_id = bias;
    node.output_id = result;
    limit_perhaps();
    made(result);
  }

  void convolution(Id id) {
    const Dims from = dims(id);
    if (!is_image(from)) return;
    xnn::_XNNNodeConvT shape;
    const auto [height, width] = kernel();
    window(shape, height, width);
    shape.groups = 1;
    if (in_.one_in(4)) {
      const unsigned groups = number(2, 8);
      if (from[3] % groups == 0) shape.groups = groups;
    }
    shape.group_input_channels = from[3] / shape.groups;
    shape.group_output_channels = shape.groups > 1 ? number(1, 8) : number(1, 48);
    const unsigned channels = shape.groups * shape.group_output_channels;
    add_convolution(Kind::XNNConv2d, shape, id, {channels, height, width, shape.group_input_channels},
                    window_result(shape, from, channels));
  }

  void depthwise(Id id) {
    const Dims from = dims(id);
    if (!is_image(from)) return;
    xnn::_XNNNodeConvT shape;
    const auto [height, width] = kernel();
    window(shape, height, width);
    shape.groups = from[3];
    shape.group_input_channels = 1;
    shape.group_output_channels = in_.one_in(6) ? number(2, 3) : 1;
    const unsigned channels = shape.groups * shape.group_output_channels;
    add_convolution(Kind::XNNDepthwiseConv2d, shape, id, {1, height, width, channels},
                    window_result(shape, from, channels));
  }

  void transpose_convolution(Id id) {
    const Dims from = dims(id);
    if (!is_image(from)) return;
    xnn::_XNNNodeConvT shape;
    const unsigned height = number(1, 4);
    const unsigned width = number(1, 4);
    window(shape, height, width);
    shape.adjustment_height = in_.one_in(3) ? shape.subsampling_height - 1 : 0;
    shape.adjustment_width = in_.one_in(3) ? shape.subsampling_width - 1 : 0;
    shape.groups = in_.one_in(4) && from[3] % 3 == 0 ? 3 : 1;
    shape.group_input_channels = from[3] / shape.groups;
    shape.group_output_channels = number(1, 12);
    const unsigned channels = shape.groups * shape.group_output_channels;
    const Dims to{1,
                  transposed_side(from[1], shape.padding_top + shape.padding_bottom, height, shape.subsampling_height,
                                  shape.dilation_height, shape.adjustment_height),
                  transposed_side(from[2], shape.padding_left + shape.padding_right, width, shape.subsampling_width,
                                  shape.dilation_width, shape.adjustment_width),
                  channels};
    add_convolution(Kind::XNNConvTranspose2d, shape, id, {channels, height, width, shape.group_input_channels}, to);
  }

  void pool(Id id) {
    const Dims from = dims(id);
    if (!is_image(from)) return;
    const bool average = in_.one_in(2);
    xnn::_XNNNodeConvT shape;
    window(shape, number(1, 6), number(1, 6));
    if (average) shape.dilation_height = shape.dilation_width = 1;
    // Every window has to meet a pixel.
    for (unsigned* side : {&shape.padding_top, &shape.padding_bottom}) *side = std::min(*side, shape.kernel_height - 1);
    for (unsigned* side : {&shape.padding_left, &shape.padding_right}) *side = std::min(*side, shape.kernel_width - 1);
    const Dims to = window_result(shape, from, from[3]);
    if (!fits(to)) return;
    const Id result = builder_.inner(to);
    auto& node = builder_.node<xnn::_XNNPooling2DT>(average ? Kind::XNNAvgPooling2d : Kind::XNNMaxPooling2d);
    node.padding_top = shape.padding_top;
    node.padding_right = shape.padding_right;
    node.padding_bottom = shape.padding_bottom;
    node.padding_left = shape.padding_left;
    node.pooling_height = shape.kernel_height;
    node.pooling_width = shape.kernel_width;
    node.stride_height = shape.subsampling_height;
    node.stride_width = shape.subsampling_width;
    node.dilation_height = shape.dilation_height;
    node.dilation_width = shape.dilation_width;
    node.input_id = id;
    node.output_id = result;
    limit_perhaps();
    made(result);
  }

  void global_pool(Id id) {
    const Dims from = dims(id);
    if (!is_image(from)) return;
    constexpr unsigned kKeepDims = 0x40;
    const bool keep = !in_.one_in(3);
    const Id result = builder_.inner(keep ? Dims{1, 1, 1, from[3]} : Dims{1, from[3]});
    builder_.unary(Kind::XNNGlobalAvgPooling2d, id, result, keep ? kKeepDims : 0);
    made(result);
  }

  void add_unary(Id id) {
    static constexpr std::array kKinds{
        Kind::XNNHardswish, Kind::XNNAbs,  Kind::XNNNegate,     Kind::XNNTanh,  Kind::XNNSigmoid,
        Kind::XNNSoftmax,   Kind::XNNGelu, Kind::XNNClamp,      Kind::XNNELU,   Kind::XNNLeakyReLU,
        Kind::XNNExp,       Kind::XNNLog,  Kind::XNNSquareRoot, Kind::XNNFloor, Kind::XNNReciprocalSquareRoot,
        Kind::XNNSquare,    Kind::XNNCopy, Kind::XNNCeiling};
    const Kind kind = in_.pick(kKinds);
    switch (kind) {
      case Kind::XNNClamp: {
        const float min = static_cast<float>(in_.within(-8, 4)) / 4;
        made(clamp(id, min, min + static_cast<float>(in_.byte()) / 32));
        return;
      }
      case Kind::XNNELU: {
        const float alpha = static_cast<float>(in_.byte()) / 128;
        const Id result = builder_.inner(dims(id));
        auto& node = builder_.node<xnn::XNNELUT>(kind);
        node.alpha = alpha;
        node.input_id = id;
        node.output_id = result;
        made(result);
        return;
      }
      case Kind::XNNLeakyReLU: {
        const float slope = static_cast<float>(in_.byte()) / 128 - 0.5F;
        const Id result = builder_.inner(dims(id));
        auto& node = builder_.node<xnn::XNNLeakyReLUT>(kind);
        node.negative_slope = slope;
        node.input_id = id;
        node.output_id = result;
        made(result);
        return;
      }
      default: break;
    }
    if (kind == Kind::XNNSoftmax && dims(id).empty()) return;
    if (tame_) {
      // Where they have steps, poles or steep slopes, the least error becomes a large one.
      if (kind == Kind::XNNFloor || kind == Kind::XNNCeiling) return;
      if (kind == Kind::XNNExp || kind == Kind::XNNSquare) id = clamp(id, -2, 1);
      if (kind == Kind::XNNLog || kind == Kind::XNNSquareRoot || kind == Kind::XNNReciprocalSquareRoot)
        id = clamp(id, 0.25F, 4);
    }
    made(unary(kind, id));
  }

  static std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
    Dims result(std::max(a.size(), b.size()));
    for (std::size_t i = 1; i <= result.size(); ++i) {
      const unsigned x = i <= a.size() ? a[a.size() - i] : 1;
      const unsigned y = i <= b.size() ? b[b.size() - i] : 1;
      if (x != y && x != 1 && y != 1) return std::nullopt;
      result[result.size() - i] = std::max(x, y);
    }
    return result;
  }

  void add_binary(Kind kind, Id a, Id b) {
    const auto to = broadcast(dims(a), dims(b));
    if (!to || !fits(*to)) return;
    const Id result = builder_.inner(*to);
    builder_.binary(kind, a, b, result);
    if (kind == Kind::XNNAdd || kind == Kind::XNNSubtract || kind == Kind::XNNMultiply) limit_perhaps();
    made(result);
  }

  void binary(Id id) {
    static constexpr std::array kKinds{Kind::XNNAdd,     Kind::XNNAdd,     Kind::XNNSubtract, Kind::XNNMultiply,
                                       Kind::XNNMinimum, Kind::XNNMaximum, Kind::XNNPReLU,    Kind::XNNDiv};
    const Kind kind = in_.pick(kKinds);
    const Dims from = dims(id);
    const bool known = kind == Kind::XNNPReLU || kind == Kind::XNNDiv || kind == Kind::XNNMultiply;
    const unsigned which = in_.below(tame_ && known ? 3 : 5);
    Id other = 0;
    if (which == 0 || from.empty()) {
      other = constant({1}, 0.5F, 1.5F);
    } else if (which == 1) {
      Dims channels(from.size(), 1);
      channels.back() = from.back();
      other = constant(channels, 0.5F, 1.5F);
    } else if (which == 2) {
      other = constant(from, 0.5F, 1.5F);
    } else {
      other = any();
    }
    const bool turned = kind != Kind::XNNPReLU && !(tame_ && kind == Kind::XNNDiv) && in_.one_in(3);
    add_binary(kind, turned ? other : id, turned ? id : other);
  }

  /// An image times something between 0 and 1 made of another, as in squeeze-and-excitation.
  void gate(Id id) { add_binary(Kind::XNNMultiply, id, unary(Kind::XNNSigmoid, any())); }

  void concatenate(Id id) {
    const Dims from = dims(id);
    if (from.empty()) return;
    const unsigned axis =
        in_.one_in(2) ? in_.below(static_cast<unsigned>(from.size())) : static_cast<unsigned>(from.size() - 1);
    std::array<Id, 5> parts{id, kNone, kNone, kNone, kNone};
    Dims to = from;
    std::size_t parts_count = 1;
    for (std::size_t wanted = number(2, 5); parts_count < wanted;) {
      const Id part = in_.one_in(4) ? constant(from, -1, 1) : any();
      Dims other = dims(part);
      if (other.size() != from.size()) return;
      to[axis] += other[axis];
      other[axis] = from[axis];
      if (other != from) return;
      parts[parts_count++] = part;
    }
    if (!fits(to)) return;
    static constexpr std::array kKinds{Kind::XNNConcatenate2, Kind::XNNConcatenate3, Kind::XNNConcatenate4,
                                       Kind::XNNConcatenate5};
    const Id result = builder_.inner(to);
    auto& node = builder_.node<xnn::_XNNCatT>(kKinds[parts_count - 2]);
    node.axis = axis;
    node.input1_id = parts[0];
    node.input2_id = parts[1];
    node.input3_id = parts[2];
    node.input4_id = parts[3];
    node.input5_id = parts[4];
    node.output_id = result;
    made(result);
  }

  void pad(Id id) {
    const Dims from = dims(id);
    Dims before(from.size());
    Dims after(from.size());
    Dims to = from;
    for (std::size_t i = 0; i < from.size(); ++i) {
      before[i] = in_.one_in(3) ? number(0, 5) : 0;
      after[i] = in_.one_in(3) ? number(0, 5) : 0;
      to[i] += before[i] + after[i];
    }
    if (!fits(to)) return;
    const float value = static_cast<float>(in_.within(-2, 2)) / 2;
    const Id result = builder_.inner(to);
    auto& node = builder_.node<xnn::XNNStaticConstantPadT>(Kind::XNNStaticConstantPad);
    node.pre_paddings = before;
    node.post_paddings = after;
    node.padding_value = value;
    node.input_id = id;
    node.output_id = result;
    made(result);
  }

  void slice(Id id) {
    const Dims from = dims(id);
    Dims offsets(from.size());
    Dims sizes = from;
    for (std::size_t i = 0; i < from.size(); ++i) {
      offsets[i] = in_.one_in(3) ? in_.below(std::min(from[i], 256U)) : 0;
      sizes[i] = from[i] - offsets[i];
      if (in_.one_in(3)) sizes[i] = 1 + in_.below(std::min(sizes[i], 256U));
    }
    const Id result = builder_.inner(sizes);
    auto& node = builder_.node<xnn::XNNStaticSliceT>(Kind::XNNStaticSlice);
    node.num_dims = static_cast<unsigned>(from.size());
    node.offsets = offsets;
    node.sizes = sizes;
    node.input_id = id;
    node.output_id = result;
    made(result);
  }

  void reshape(Id id) {
    auto left = static_cast<unsigned>(count(dims(id)));
    Dims to;
    for (int rank = in_.within(1, 5); rank > 1; --rank) {
      unsigned side = number(1, 16);
      while (left % side != 0) --side;
      to.push_back(side);
      left /= side;
    }
    to.push_back(left);
    if (in_.one_in(3)) to.insert(to.begin(), 1);
    const Id result = builder_.inner(to);
    auto& node = builder_.node<xnn::XNNStaticReshapeT>(Kind::XNNStaticReshape);
    node.num_dims = static_cast<unsigned>(to.size());
    node.new_shape = to;
    node.input_id = id;
    node.output_id = result;
    made(result);
  }

  void shuffle(Id id) {
    Dims order(dims(id).size());
    if (order.empty()) return;
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[in_.below(static_cast<unsigned>(i + 1))]);
    made(transpose(id, order, kNone));
  }

  void add_resize(Id id) {
    const Dims from = dims(id);
    if (!is_image(from)) return;
    const unsigned height = number(1, 40);
    const unsigned width = number(1, 40);
    if (!fits({1, height, width, from[3]})) return;
    static constexpr std::array kFlags{0U, 0U, 4U, 8U};
    made(resize(id, height, width, in_.pick(kFlags)));
  }

  void fully_connected(Id id) {
    const Dims from = dims(id);
    if (from.empty()) return;
    Dims to = from;
    to.back() = number(1, 24);
    if (!fits(to) || count(to) * from.back() > kMostMultiplyAdds ||
        std::uint64_t{from.back()} * to.back() > kMostValues)
      return;
    const float scale = std::sqrt(3.0F / static_cast<float>(from.back()));
    const bool transposed = in_.one_in(2);
    const Id filter = constant(transposed ? Dims{from.back(), to.back()} : Dims{to.back(), from.back()}, -scale, scale);
    const Id bias = in_.one_in(3) ? kNone : constant({to.back()}, -1, 1);
    const Id result = builder_.inner(to);
    auto& node = builder_.node<xnn::XNNFullyConnectedT>(Kind::XNNFullyConnected);
    node.input1_id = id;
    node.filter_id = filter;
    node.bias_id = bias;
    node.output_id = result;
    node.flags = transposed ? 1 : 0;
    limit_perhaps();
    made(result);
  }

  /// From the last image to the output's channels and size.
  void finish(Id output) {
    const auto last = std::find_if(made_.rbegin(), made_.rend(), [&](Id id) {
      const Dims& image = dims(id);
      return is_image(image) && fits({4, image[1], image[2]}) && fits({4, image[3]});
    });
    const Dims from = dims(*last);
    xnn::_XNNNodeConvT shape;
    shape.kernel_height = shape.kernel_width = shape.groups = 1;
    shape.subsampling_height = shape.subsampling_width = shape.dilation_height = shape.dilation_width = 1;
    shape.group_input_channels = from[3];
    shape.group_output_channels = 4;
    add_convolution(Kind::XNNConv2d, shape, *last, {4, 1, 1, from[3]}, {1, from[1], from[2], 4});
    Id result = made_.back();
    if (from[1] != 16 || from[2] != 16) result = resize(result, 16, 16, in_.one_in(2) ? 8 : 0);
    transpose(result, {0, 3, 1, 2}, output);
  }

  Input& in_;
  bool tame_;
  std::mt19937 random_;
  GraphBuilder builder_;
  std::vector<Id> made_;  // what steps may read
};

using Numbers = std::vector<std::uint32_t*>;

void add(Numbers& numbers, Dims& list) {
  for (std::uint32_t& number : list) numbers.push_back(&number);
}

/// Those of a node that verification has to look at.
Numbers numbers_of(xnn::XNodeUnionUnion& node) {
  Numbers numbers;
  const auto ends = [&](auto& table) {
    numbers.insert(numbers.end(), {&table.input_id, &table.output_id, &table.flags});
  };
  if (auto* const pad = node.AsXNNStaticConstantPad()) {
    add(numbers, pad->pre_paddings);
    add(numbers, pad->post_paddings);
    ends(*pad);
  } else if (auto* const slice = node.AsXNNStaticSlice()) {
    add(numbers, slice->offsets);
    add(numbers, slice->sizes);
    numbers.push_back(&slice->num_dims);
    ends(*slice);
  } else if (auto* const reshape = node.AsXNNStaticReshape()) {
    add(numbers, reshape->new_shape);
    numbers.push_back(&reshape->num_dims);
    ends(*reshape);
  } else if (auto* const order = node.AsXNNStaticTranspose()) {
    add(numbers, order->perm);
    numbers.push_back(&order->num_dims);
    ends(*order);
  } else if (auto* const resize = node.AsXNNStaticResizeBilinear2D()) {
    numbers = {&resize->new_height, &resize->new_width};
    ends(*resize);
  } else if (auto* const full = node.AsXNNFullyConnected()) {
    numbers = {&full->input1_id, &full->filter_id, &full->bias_id, &full->output_id, &full->flags};
  } else if (node.type == Kind::XNNConv2d || node.type == Kind::XNNDepthwiseConv2d ||
             node.type == Kind::XNNConvTranspose2d) {
    auto& window = *static_cast<xnn::_XNNNodeConvT*>(node.value);
    numbers = {&window.padding_top,
               &window.padding_right,
               &window.padding_bottom,
               &window.padding_left,
               &window.kernel_height,
               &window.kernel_width,
               &window.subsampling_height,
               &window.subsampling_width,
               &window.dilation_height,
               &window.dilation_width,
               &window.group_input_channels,
               &window.group_output_channels,
               &window.groups,
               &window.adjustment_height,
               &window.adjustment_width,
               &window.input1_id,
               &window.filter_id,
               &window.bias_id,
               &window.output_id,
               &window.flags};
  } else if (node.type == Kind::XNNAvgPooling2d || node.type == Kind::XNNMaxPooling2d) {
    auto& window = *static_cast<xnn::_XNNPooling2DT*>(node.value);
    numbers = {&window.padding_top,     &window.padding_right, &window.padding_bottom, &window.padding_left,
               &window.pooling_height,  &window.pooling_width, &window.stride_height,  &window.stride_width,
               &window.dilation_height, &window.dilation_width};
    ends(window);
  }
  return numbers;
}

/// Those of a value.
Numbers numbers_of(xnn::XNNTensorValueT& tensor) {
  Numbers numbers{&tensor.num_dims, &tensor.constant_buffer_idx, &tensor.external_id, &tensor.flags, &tensor.id_out};
  add(numbers, tensor.dims);
  return numbers;
}

std::uint32_t other_number(std::uint32_t number, Input& in) {
  static constexpr std::array<std::uint32_t, 12> kEdges{0,      1,          2,           3,           255,    16'384,
                                                        65'536, 0x7fffffff, 0x80000000U, 0xffffffffU, 16'385, 7};
  switch (in.below(4)) {
    case 0: return in.pick(kEdges);
    case 1: return in.word() >> in.below(32);
    default: return number + (in.one_in(2) ? 1 + in.below(3) : 0U - 1 - in.below(3));  // just beyond what fits
  }
}

void spoil_constants(GraphBuilder& builder, Input& in) {
  static constexpr std::array kFloats{
      std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38F, -3e38F, 1e-40F, -0.0F};
  auto& places = builder.graph.constant_data;
  const std::size_t floats = builder.constants.size() / sizeof(float);
  if (floats == 0) return;
  if (in.one_in(2)) {
    auto& place = *places[in.below(static_cast<unsigned>(places.size()))];
    auto& number = in.one_in(2) ? place.offset : place.size;
    number = other_number(static_cast<std::uint32_t>(number), in);
    return;
  }
  const float value = in.pick(kFloats);
  std::memcpy(builder.constants.data() + in.word() % floats * sizeof value, &value, sizeof value);
}

}  // namespace

GraphBuilder make_network(Input& in, Manner manner) {
  return NetworkMaker(in, manner).make();
}

void spoil(GraphBuilder& builder, Input& in) {
  for (int times = in.within(1, 3); times > 0; --times) {
    const unsigned which = in.below(5);
    if (which == 0) {
      spoil_constants(builder, in);
      continue;
    }
    const bool value = which == 1;
    auto& nodes = builder.graph.xnodes;
    const Numbers numbers =
        value ? numbers_of(builder.tensor(in.below(static_cast<unsigned>(builder.graph.xvalues.size()))))
              : numbers_of(nodes[in.below(static_cast<unsigned>(nodes.size()))]->xnode_union);
    if (numbers.empty()) continue;
    std::uint32_t& number = *in.pick(numbers);
    number = other_number(number, in);
  }
}

std::vector<std::byte> as_file(GraphBuilder builder, Place constants) {
  constexpr std::size_t kPayload = 1;  // the segment
  static auto model = EditableModel::read(silhouette::test::source_file("tests/data/models/tiny_plain.pte"));
  static const std::size_t kSegments = model.segments.size();
  static const std::size_t kNamed = model.program.named_data.size();
  model.segments.resize(kSegments);
  model.program.segments.resize(kSegments);
  model.program.named_data.resize(kNamed);
  if (constants == Place::kNamedData) {
    auto& places = builder.graph.constant_data;
    for (std::size_t i = 1; i < places.size(); ++i) {
      const std::span all(builder.constants);
      const std::size_t offset = std::min<std::size_t>(places[i]->offset, all.size());
      const auto bytes = all.subspan(offset, std::min<std::size_t>(places[i]->size, all.size() - offset));
      auto named = std::make_unique<executorch_flatbuffer::NamedDataT>();
      named->key = places[i]->named_key = fmt::format("constant {}", i);
      named->segment_index = static_cast<std::uint32_t>(model.segments.size());
      model.program.named_data.push_back(std::move(named));
      model.program.segments.push_back(std::make_unique<executorch_flatbuffer::DataSegmentT>());
      model.segments.emplace_back(bytes.begin(), bytes.end());
    }
    builder.constants.clear();
  }
  model.segments[kPayload] = builder.payload();
  return model.write();
}

}  // namespace silhouette::fuzz
