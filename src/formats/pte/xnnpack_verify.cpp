#include "formats/pte/xnnpack_verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/checked.hpp"
#include "formats/pte/limits.hpp"

namespace silhouette::pte::xnnpack {
namespace {

using Dims = std::vector<std::uint32_t>;

bool is_activation(DataType type) {
  return type == DataType::kFloat || type == DataType::kQint8 || type == DataType::kQuint8;
}

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  Dims result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {  // from the last dimension
    const std::uint32_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::uint32_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1) return std::nullopt;
    result[result.size() - 1 - i] = std::max(da, db);
  }
  return result;
}

std::uint64_t product(const Dims& dims) {
  std::uint64_t result = 1;
  for (const std::uint32_t dim : dims) result *= dim;  // can't wrap: the decoder bounds every value's bytes
  return result;
}

/// Positions of a window of `kernel` taps along one dimension.
std::optional<std::uint32_t> window_positions(std::uint64_t input, std::uint64_t padding, std::uint64_t kernel,
                                              std::uint64_t stride, std::uint64_t dilation) {
  const std::uint64_t reach = (kernel - 1) * dilation + 1;
  if (input + padding < reach) return std::nullopt;
  return static_cast<std::uint32_t>((input + padding - reach) / stride + 1);
}

/// Whether each of `positions` windows along one dimension has a tap on one of `input` pixels after `padding`.
bool meets_pixels(std::uint64_t positions, std::uint64_t input, std::uint64_t padding, std::uint64_t kernel,
                  std::uint64_t stride, std::uint64_t dilation) {
  const auto meets = [=](std::uint64_t position) {
    const std::uint64_t first = position * stride;
    const std::uint64_t skipped = first < padding ? (padding - first + dilation - 1) / dilation : 0;
    return skipped < kernel && first + skipped * dilation < padding + input;
  };
  // Of those that begin on a pixel or beyond the last one reaches farthest.
  const std::uint64_t before = std::min(positions, (padding + stride - 1) / stride);
  for (std::uint64_t position = 0; position < before; ++position) {
    if (!meets(position)) return false;
  }
  return meets(positions - 1);
}

class Verifier {
 public:
  Verifier(const Graph& graph, const Node& node, const Messages& messages)
      : graph_(graph), node_(node), messages_(messages), output_(graph.values[node.output]) {}

  Status verify() {
    if (std::isnan(node_.min) || std::isnan(node_.max) || node_.min > node_.max) {
      return messages_.damaged(fmt::format("its result is limited to [{}, {}]", node_.min, node_.max));
    }
    if (std::ranges::all_of(node_.inputs, [&](std::uint32_t id) { return graph_.values[id].constant; })) {
      return messages_.unsupported("it computes with constants only");
    }
    if (!is_activation(output_.type)) return messages_.damaged("its result has the type of weights");
    if (is_unary(node_.op)) return verify_unary();
    if (is_binary(node_.op)) return verify_binary();
    switch (node_.op) {
      case Op::kAveragePooling:
      case Op::kMaxPooling: return verify_pooling();
      case Op::kBatchMatrixMultiply: return verify_batch_matrix_multiply();
      case Op::kConcatenate: return verify_concatenate();
      case Op::kConvolution:
      case Op::kDepthwiseConvolution:
      case Op::kTransposeConvolution: return verify_convolution();
      case Op::kFullyConnected: return verify_fully_connected();
      case Op::kGlobalAveragePooling: return verify_global_pooling();
      case Op::kStaticConstantPad: return verify_pad();
      case Op::kStaticReshape: return verify_reshape();
      case Op::kStaticResizeBilinear: return verify_resize();
      case Op::kStaticSlice: return verify_slice();
      case Op::kStaticTranspose: return verify_transpose();
      default: return messages_.unsupported("the operator isn't known");
    }
  }

 private:
  [[nodiscard]] const Value& input(std::size_t i) const { return graph_.values[node_.inputs[i]]; }

  Status check_operands(std::size_t least, std::size_t most, std::uint32_t allowed_flags) const {
    if (node_.inputs.size() < least || node_.inputs.size() > most) {
      return messages_.damaged(fmt::format("it has {} operands", node_.inputs.size()));
    }
    if ((node_.flags & ~allowed_flags) != 0)
      return messages_.unsupported(fmt::format("it has the flags {:#x}", node_.flags));
    return {};
  }

  /// One operand of the result's type.
  Status check_single(std::uint32_t allowed_flags) const {
    if (auto ok = check_operands(1, 1, allowed_flags); !ok) return ok;
    return check_same_types();
  }

  Status check_same_types() const {
    for (const std::uint32_t id : node_.inputs) {
      if (graph_.values[id].type != output_.type) return messages_.damaged("its operands and result differ in type");
    }
    return {};
  }

  Status check_rank(const Value& value, std::size_t rank, std::string_view what) const {
    if (value.dims.size() == rank) return {};
    return messages_.damaged(
        fmt::format("its {} has the shape {}, not {} dimensions", what, describe(value.dims), rank));
  }

  Status check_result(const Dims& expected) const {
    if (output_.dims == expected) return {};
    return messages_.damaged(fmt::format("its result is {} by its operands, but declared as {}", describe(expected),
                                         describe(output_.dims)));
  }

  Status verify_unary() const {
    if (auto ok = check_operands(1, 1, 0); !ok) return ok;
    if (node_.op != Op::kConvert) {
      if (auto ok = check_same_types(); !ok) return ok;
    } else if (!is_activation(input(0).type)) {
      return messages_.damaged("it converts weights");
    }
    if (node_.op == Op::kSoftmax && output_.type != DataType::kFloat) return messages_.unsupported("it isn't fp32");
    if (node_.op == Op::kSoftmax && output_.dims.empty()) return messages_.damaged("its operand is a single number");
    if ((node_.op == Op::kElu || node_.op == Op::kLeakyRelu) && !std::isfinite(node_.parameter)) {
      return messages_.damaged(fmt::format("its parameter is {}", node_.parameter));
    }
    return check_result(input(0).dims);
  }

  Status verify_binary() const {
    if (auto ok = check_operands(2, 2, 0); !ok) return ok;
    if (auto ok = check_same_types(); !ok) return ok;
    const auto dims = broadcast(input(0).dims, input(1).dims);
    if (!dims) {
      return messages_.damaged(
          fmt::format("its operands {} and {} don't fit together", describe(input(0).dims), describe(input(1).dims)));
    }
    return check_result(*dims);
  }

  Status check_window() const {
    const Window& w = node_.window;
    const auto sane = [](const Extent& extent, std::uint32_t least) {
      return extent.height >= least && extent.width >= least && extent.height <= kMaxWindowParameter &&
             extent.width <= kMaxWindowParameter;
    };
    if (!sane(w.kernel, 1))
      return messages_.damaged(fmt::format("its window is {}x{}", w.kernel.height, w.kernel.width));
    if (!sane(w.stride, 1))
      return messages_.damaged(fmt::format("its stride is {}x{}", w.stride.height, w.stride.width));
    if (!sane(w.dilation, 1))
      return messages_.damaged(fmt::format("its dilation is {}x{}", w.dilation.height, w.dilation.width));
    if (std::max({w.top, w.right, w.bottom, w.left}) > kMaxWindowParameter) {
      return messages_.damaged(fmt::format("its padding is {}, {}, {}, {}", w.top, w.right, w.bottom, w.left));
    }
    return {};
  }

  /// Height and width of what a window makes of the first operand.
  std::optional<Extent> window_result() const {
    const Window& w = node_.window;
    const Dims& in = input(0).dims;
    const auto height = window_positions(in[1], w.top + w.bottom, w.kernel.height, w.stride.height, w.dilation.height);
    const auto width = window_positions(in[2], w.left + w.right, w.kernel.width, w.stride.width, w.dilation.width);
    if (!height || !width) return std::nullopt;
    return Extent{*height, *width};
  }

  /// The same for a transpose convolution, where the window is spread over the result.
  std::optional<Extent> transpose_window_result() const {
    const Window& w = node_.window;
    const Dims& in = input(0).dims;
    const auto along = [](std::uint64_t size, std::uint64_t padding, std::uint64_t kernel, std::uint64_t stride,
                          std::uint64_t dilation, std::uint64_t adjustment) -> std::optional<std::uint32_t> {
      const std::uint64_t whole = (size - 1) * stride + (kernel - 1) * dilation + 1 + adjustment;
      if (adjustment >= stride || whole <= padding || whole - padding > UINT32_MAX) return std::nullopt;
      return static_cast<std::uint32_t>(whole - padding);
    };
    const auto height =
        along(in[1], w.top + w.bottom, w.kernel.height, w.stride.height, w.dilation.height, w.adjustment.height);
    const auto width =
        along(in[2], w.left + w.right, w.kernel.width, w.stride.width, w.dilation.width, w.adjustment.width);
    if (!height || !width) return std::nullopt;
    return Extent{*height, *width};
  }

  Status verify_pooling() const {
    if (auto ok = check_single(kFlagKeepDims); !ok) return ok;  // exporters set this flag, which means nothing here
    if (node_.op == Op::kAveragePooling && output_.type != DataType::kFloat)
      return messages_.unsupported("it isn't fp32");
    if (auto ok = check_window(); !ok) return ok;
    if (auto ok = check_rank(input(0), 4, "operand"); !ok) return ok;
    const Window& w = node_.window;
    if (node_.op == Op::kAveragePooling && (w.dilation.height != 1 || w.dilation.width != 1))
      return messages_.unsupported("it is dilated");
    const auto size = window_result();
    if (!size) return messages_.damaged("its window is larger than the image");
    // Or its maximum and mean are undefined.
    const Dims& in = input(0).dims;
    if (!meets_pixels(size->height, in[1], w.top, w.kernel.height, w.stride.height, w.dilation.height) ||
        !meets_pixels(size->width, in[2], w.left, w.kernel.width, w.stride.width, w.dilation.width)) {
      return messages_.damaged("its padding leaves a window without a pixel");
    }
    return check_result({input(0).dims[0], size->height, size->width, input(0).dims[3]});
  }

  /// Whether weights and bias of these types go with the activations.
  Status check_weights(std::uint32_t channels, std::uint32_t channel_dim) const {
    const Value& in = input(0);
    const Value& filter = input(1);
    if (!filter.constant) return messages_.unsupported("its weights aren't constant");
    if (in.type != output_.type) return messages_.damaged("its operand and result differ in type");
    bool fits = filter.type == in.type;
    if (in.type == DataType::kQint8 && filter.type == DataType::kQcint8) {
      if (filter.channel_dim != channel_dim)
        return messages_.damaged(fmt::format("its weights have scales along dimension {}", filter.channel_dim));
      fits = true;
    }
    if (!fits) return messages_.unsupported("its weights' type doesn't go with its operand's");
    if (in.type == DataType::kQint8 && filter.zero_point != 0)
      return messages_.unsupported("its weights have a zero point");
    if (node_.inputs.size() == 2) return {};
    const Value& bias = input(2);
    if (!bias.constant) return messages_.unsupported("its bias isn't constant");
    const bool bias_fits = in.type == DataType::kFloat        ? bias.type == DataType::kFloat
                           : filter.type == DataType::kQcint8 ? bias.type == DataType::kQcint32
                                                              : bias.type == DataType::kQint32;
    if (!bias_fits) return messages_.unsupported("its bias' type doesn't go with its weights'");
    if (bias.dims != Dims{channels}) {
      return messages_.damaged(fmt::format("its bias has the shape {} for {} channels", describe(bias.dims), channels));
    }
    return {};
  }

  Status verify_convolution() const {
    if (auto ok = check_operands(2, 3, 0); !ok) return ok;
    if (auto ok = check_window(); !ok) return ok;
    if (auto ok = check_rank(input(0), 4, "operand"); !ok) return ok;
    const Window& w = node_.window;
    const Dims& in = input(0).dims;
    const auto inputs = checked_mul(w.groups, w.group_inputs);
    const auto outputs = checked_mul(w.groups, w.group_outputs);
    if (!inputs || !outputs || *inputs == 0 || *outputs == 0) {
      return messages_.damaged(
          fmt::format("it has {} groups of {} to {} channels", w.groups, w.group_inputs, w.group_outputs));
    }
    if (in[3] != *inputs) {
      return messages_.damaged(fmt::format("it takes {} groups of {} channels, but its operand is {}", w.groups,
                                           w.group_inputs, describe(in)));
    }
    const bool depthwise = node_.op == Op::kDepthwiseConvolution;
    if (depthwise && w.group_inputs != 1)
      return messages_.damaged(fmt::format("it has {} channels a group", w.group_inputs));
    const Dims weights = depthwise ? Dims{1, w.kernel.height, w.kernel.width, *outputs}
                                   : Dims{*outputs, w.kernel.height, w.kernel.width, w.group_inputs};
    if (input(1).dims != weights) {
      return messages_.damaged(fmt::format("its weights are {}, not {}", describe(input(1).dims), describe(weights)));
    }
    if (auto ok = check_weights(*outputs, depthwise ? 3 : 0); !ok) return ok;
    const auto size = node_.op == Op::kTransposeConvolution ? transpose_window_result() : window_result();
    if (!size) return messages_.damaged(fmt::format("its window doesn't fit the image {}", describe(in)));
    return check_result({in[0], size->height, size->width, *outputs});
  }

  Status verify_fully_connected() const {
    if (auto ok = check_operands(2, 3, kFlagTransposeWeights); !ok) return ok;
    if (auto ok = check_rank(input(1), 2, "weights"); !ok) return ok;
    if (input(0).dims.empty()) return messages_.damaged("its operand is a single number");
    const bool transposed = (node_.flags & kFlagTransposeWeights) != 0;
    if (transposed && output_.type != DataType::kFloat)
      return messages_.unsupported("its quantised weights are transposed");
    const std::uint32_t inputs = input(1).dims[transposed ? 0 : 1];
    const std::uint32_t outputs = input(1).dims[transposed ? 1 : 0];
    if (input(0).dims.back() != inputs) {
      return messages_.damaged(fmt::format("its operand {} doesn't go with its weights {}", describe(input(0).dims),
                                           describe(input(1).dims)));
    }
    if (auto ok = check_weights(outputs, 0); !ok) return ok;
    Dims dims = input(0).dims;
    dims.back() = outputs;
    return check_result(dims);
  }

  Status verify_batch_matrix_multiply() const {
    if (auto ok = check_operands(2, 2, 0); !ok) return ok;
    if (auto ok = check_same_types(); !ok) return ok;
    if (output_.type != DataType::kFloat || input(0).constant || input(1).constant)
      return messages_.unsupported("it isn't plain fp32");
    const Dims& a = input(0).dims;
    const Dims& b = input(1).dims;
    if (a.size() < 3 || a.size() != b.size() || a.back() != b[b.size() - 2] ||
        !std::equal(a.begin(), a.end() - 2, b.begin())) {
      return messages_.damaged(fmt::format("its operands {} and {} don't fit together", describe(a), describe(b)));
    }
    Dims dims = a;
    dims.back() = b.back();
    return check_result(dims);
  }

  Status verify_concatenate() const {
    if (auto ok = check_operands(2, 5, 0); !ok) return ok;
    if (auto ok = check_same_types(); !ok) return ok;
    Dims dims = input(0).dims;
    if (node_.axis >= dims.size())
      return messages_.damaged(fmt::format("its axis is {} of {}", node_.axis, dims.size()));
    for (std::size_t i = 1; i < node_.inputs.size(); ++i) {
      Dims other = input(i).dims;
      if (other.size() != dims.size()) return messages_.damaged("its operands differ in rank");
      const auto sum = checked_add(dims[node_.axis], other[node_.axis]);
      other[node_.axis] = dims[node_.axis];
      if (!sum || other != dims) {
        return messages_.damaged(
            fmt::format("its operand {} doesn't fit the others {}", describe(input(i).dims), describe(input(0).dims)));
      }
      dims[node_.axis] = *sum;
    }
    return check_result(dims);
  }

  Status verify_global_pooling() const {
    if (auto ok = check_single(kFlagKeepDims); !ok) return ok;
    if (auto ok = check_rank(input(0), 4, "operand"); !ok) return ok;
    const Dims& in = input(0).dims;
    return check_result((node_.flags & kFlagKeepDims) != 0 ? Dims{in[0], 1, 1, in[3]} : Dims{in[0], in[3]});
  }

  Status verify_pad() const {
    if (auto ok = check_single(0); !ok) return ok;
    if (std::isnan(node_.parameter)) return messages_.damaged("it pads with NaN");
    Dims dims = input(0).dims;
    if (node_.shape.size() != dims.size() || node_.offset.size() != dims.size()) {
      return messages_.damaged(
          fmt::format("it pads {} and {} of {} dimensions", node_.shape.size(), node_.offset.size(), dims.size()));
    }
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const std::uint64_t padded = std::uint64_t{dims[i]} + node_.shape[i] + node_.offset[i];
      if (padded > UINT32_MAX) return messages_.damaged(fmt::format("it pads dimension {} to {}", i, padded));
      dims[i] = static_cast<std::uint32_t>(padded);
    }
    return check_result(dims);
  }

  /// One dimension may be left to the number of values: 0, or −1 as exporters take it from PyTorch.
  Status resolve(Dims& shape) const {
    const auto is_left = [](std::uint32_t dim) { return dim == 0 || dim == UINT32_MAX; };
    const auto left = std::ranges::find_if(shape, is_left);
    if (left == shape.end()) return {};
    if (std::ranges::count_if(shape, is_left) > 1)
      return messages_.damaged(fmt::format("it leaves several dimensions of {} open", describe(shape)));
    *left = 1;
    const std::uint64_t values = product(input(0).dims);
    std::uint64_t others = 1;
    for (const std::uint32_t dim : shape) others = checked_mul(others, dim).value_or(UINT64_MAX);
    if (others > values || values % others != 0 || values / others >= UINT32_MAX) {
      return messages_.damaged(
          fmt::format("its operand {} can't become {}", describe(input(0).dims), describe(node_.shape)));
    }
    *left = static_cast<std::uint32_t>(values / others);
    return {};
  }

  Status verify_reshape() const {
    if (auto ok = check_single(0); !ok) return ok;
    Dims shape = node_.shape;
    if (auto ok = resolve(shape); !ok) return ok;
    if (auto ok = check_result(shape); !ok) return ok;
    if (product(input(0).dims) != product(output_.dims)) {
      return messages_.damaged(
          fmt::format("its operand {} can't become {}", describe(input(0).dims), describe(output_.dims)));
    }
    return {};
  }

  Status verify_resize() const {
    if (auto ok = check_single(kFlagLegacyResize | kFlagAlignCorners); !ok) return ok;
    if (node_.flags == (kFlagLegacyResize | kFlagAlignCorners))
      return messages_.damaged("its two corner conventions exclude each other");
    if (auto ok = check_rank(input(0), 4, "operand"); !ok) return ok;
    const Dims& in = input(0).dims;
    return check_result({in[0], node_.size.height, node_.size.width, in[3]});
  }

  Status verify_slice() const {
    if (auto ok = check_single(0); !ok) return ok;
    const Dims& in = input(0).dims;
    if (node_.shape.size() != in.size() || node_.offset.size() != in.size()) {
      return messages_.damaged(fmt::format("it cuts {} of {} dimensions", node_.shape.size(), in.size()));
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!in_range<std::uint32_t>(node_.offset[i], node_.shape[i], in[i])) {
        return messages_.damaged(
            fmt::format("it cuts {} at {} from dimension {} of {}", node_.shape[i], node_.offset[i], i, in[i]));
      }
    }
    return check_result(node_.shape);
  }

  Status verify_transpose() const {
    if (auto ok = check_single(0); !ok) return ok;
    const Dims& in = input(0).dims;
    if (in.empty() || node_.shape.size() != in.size()) {
      return messages_.damaged(fmt::format("it orders {} of {} dimensions", node_.shape.size(), in.size()));
    }
    Dims dims;
    std::uint32_t seen = 0;
    for (const std::uint32_t dim : node_.shape) {
      if (dim >= in.size() || (seen >> dim & 1U) != 0)
        return messages_.damaged("its order of dimensions is no permutation");
      seen |= 1U << dim;
      dims.push_back(in[dim]);
    }
    return check_result(dims);
  }

  const Graph& graph_;
  const Node& node_;
  const Messages& messages_;
  const Value& output_;
};

}  // namespace

Status verify_node(const Graph& graph, const Node& node, const Messages& messages) {
  return Verifier(graph, node, messages).verify();
}

NodeCost node_cost(const Graph& graph, const Node& node) noexcept {
  const auto saturating_mul = [](std::uint64_t a, std::uint64_t b) { return checked_mul(a, b).value_or(UINT64_MAX); };
  NodeCost cost;
  const Window& w = node.window;
  const Dims& out = graph.values[node.output].dims;
  const std::uint64_t taps = std::uint64_t{w.kernel.height} * w.kernel.width;
  switch (node.op) {
    case Op::kConvolution:
    case Op::kDepthwiseConvolution:
    case Op::kTransposeConvolution: {
      // No packed layout of the runtime blocks more than 64 outputs by 8 inputs.
      const std::uint64_t group = ((w.group_outputs + 63ULL) / 64 * 64) * ((w.group_inputs + 7ULL) / 8 * 8);
      const bool depthwise = node.op == Op::kDepthwiseConvolution;
      const std::uint64_t channels =
          depthwise ? (std::uint64_t{w.groups} * w.group_outputs + 63) / 64 * 64 : saturating_mul(group, w.groups);
      cost.packed_bytes = saturating_mul(saturating_mul(channels, taps), sizeof(float));
      cost.multiply_adds = saturating_mul(saturating_mul(product(out), taps), w.group_inputs);
      cost.indirection_bytes = saturating_mul(saturating_mul(std::uint64_t{out[1]} * out[2], taps), sizeof(void*));
      break;
    }
    case Op::kAveragePooling:
    case Op::kMaxPooling:
      cost.multiply_adds = saturating_mul(product(out), taps);
      cost.indirection_bytes = saturating_mul(saturating_mul(std::uint64_t{out[1]} * out[2], taps), sizeof(void*));
      break;
    case Op::kFullyConnected:
    case Op::kBatchMatrixMultiply: {
      const Dims& in = graph.values[node.inputs[0]].dims;
      cost.multiply_adds = saturating_mul(product(out), in.back());
      const std::uint64_t outputs = (out.back() + 63ULL) / 64 * 64;
      cost.packed_bytes = saturating_mul(outputs * ((in.back() + 7ULL) / 8 * 8), sizeof(float));
      break;
    }
    default: break;
  }
  return cost;
}

}  // namespace silhouette::pte::xnnpack
