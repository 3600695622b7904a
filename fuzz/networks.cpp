#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "fuzz/network_maker.hpp"

namespace silhouette::fuzz {
namespace {

constexpr unsigned kApart = 2048;

class NetworkMaker : private WindowMaker {
 public:
  NetworkMaker(Input& in, Manner manner) : WindowMaker(in), tame_(manner == Manner::kTame) {}

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

  bool tame_;
};

}  // namespace

GraphBuilder make_network(Input& in, Manner manner) {
  return NetworkMaker(in, manner).make();
}

}  // namespace silhouette::fuzz
