#include "formats/pte/network_delegate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace silhouette::pte {
namespace {

using Dims = NetworkBuilder::Dims;
using Kind = xnnpack::Op;
using graph::Op;
using graph::TensorId;

constexpr TensorId kNothing = std::numeric_limits<TensorId>::max();

/// Operations that are the same there and here but for their parameters.
std::optional<Op> same_op(Kind kind) {
  switch (kind) {
    case Kind::kAbs: return Op::kAbs;
    case Kind::kCeiling: return Op::kCeiling;
    case Kind::kClamp: return Op::kClamp;
    case Kind::kConvert:  // between floats, as all values are
    case Kind::kCopy:
    case Kind::kStaticReshape: return Op::kCopy;
    case Kind::kElu: return Op::kElu;
    case Kind::kExp: return Op::kExp;
    case Kind::kFloor: return Op::kFloor;
    case Kind::kGelu: return Op::kGelu;
    case Kind::kHardswish: return Op::kHardswish;
    case Kind::kLeakyRelu: return Op::kLeakyRelu;
    case Kind::kLog: return Op::kLog;
    case Kind::kNegate: return Op::kNegate;
    case Kind::kReciprocalSquareRoot: return Op::kReciprocalSquareRoot;
    case Kind::kSigmoid: return Op::kSigmoid;
    case Kind::kSoftmax: return Op::kSoftmax;
    case Kind::kSquare: return Op::kSquare;
    case Kind::kSquareRoot: return Op::kSquareRoot;
    case Kind::kTanh: return Op::kTanh;
    case Kind::kAdd: return Op::kAdd;
    case Kind::kDivide: return Op::kDivide;
    case Kind::kMaximum: return Op::kMaximum;
    case Kind::kMinimum: return Op::kMinimum;
    case Kind::kMultiply: return Op::kMultiply;
    case Kind::kPrelu: return Op::kPrelu;
    case Kind::kSubtract: return Op::kSubtract;
    case Kind::kAveragePooling: return Op::kAveragePool;
    case Kind::kConcatenate: return Op::kConcatenate;
    case Kind::kConvolution: return Op::kConvolution;
    case Kind::kDepthwiseConvolution: return Op::kDepthwiseConvolution;
    case Kind::kFullyConnected: return Op::kFullyConnected;
    case Kind::kGlobalAveragePooling: return Op::kGlobalAverage;
    case Kind::kMaxPooling: return Op::kMaxPool;
    case Kind::kStaticConstantPad: return Op::kPad;
    case Kind::kStaticResizeBilinear: return Op::kResizeBilinear;
    case Kind::kStaticSlice: return Op::kSlice;
    case Kind::kStaticTranspose: return Op::kTranspose;
    case Kind::kTransposeConvolution: return Op::kTransposeConvolution;
    case Kind::kBatchMatrixMultiply:
    case Kind::kCos:
    case Kind::kSin: break;
  }
  return std::nullopt;
}

/// Whether the runtime heeds a node's limits.
bool is_limited(Kind kind) {
  switch (kind) {
    case Kind::kClamp:
    case Kind::kAdd:
    case Kind::kDivide:
    case Kind::kMultiply:
    case Kind::kSubtract:
    case Kind::kAveragePooling:
    case Kind::kConvolution:
    case Kind::kDepthwiseConvolution:
    case Kind::kFullyConnected:
    case Kind::kGlobalAveragePooling:
    case Kind::kMaxPooling:
    case Kind::kTransposeConvolution: return true;
    default: return false;
  }
}

bool is_windowed(Kind kind) {
  switch (kind) {
    case Kind::kAveragePooling:
    case Kind::kConvolution:
    case Kind::kDepthwiseConvolution:
    case Kind::kGlobalAveragePooling:
    case Kind::kMaxPooling:
    case Kind::kStaticResizeBilinear:
    case Kind::kTransposeConvolution: return true;
    default: return false;
  }
}

graph::Window window_of(const xnnpack::Window& w) {
  return {.pad_top = w.top,
          .pad_left = w.left,
          .pad_bottom = std::int64_t{w.bottom} - w.adjustment.height,
          .pad_right = std::int64_t{w.right} - w.adjustment.width,
          .kernel_height = w.kernel.height,
          .kernel_width = w.kernel.width,
          .stride_height = w.stride.height,
          .stride_width = w.stride.width,
          .dilation_height = w.dilation.height,
          .dilation_width = w.dilation.width,
          .groups = std::max<std::int64_t>(w.groups, 1)};
}

Dims dims_of(const xnnpack::Value& value) {
  return {value.dims.begin(), value.dims.end()};
}

class Lowering {
 public:
  Lowering(NetworkBuilder& builder, const xnnpack::Graph& delegate, const Messages& messages)
      : builder_(builder), delegate_(delegate), messages_(messages), ids_(delegate.values.size(), kNothing) {}

  Outcome<std::vector<TensorId>> run(std::span<const TensorId> arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::uint32_t value = delegate_.externals[i];
      if (!delegate_.values[value].is_input) continue;
      // A single number has no dimensions outside and one inside.
      const auto id = builder_.reshape(arguments[i], dims_of(delegate_.values[value]));
      if (!id) return std::unexpected(id.error());
      ids_[value] = *id;
    }
    for (std::size_t n = 0; n < delegate_.nodes.size(); ++n) {
      const xnnpack::Node& node = delegate_.nodes[n];
      const auto id = add(node, messages_.within(fmt::format("node {} ({})", n, xnnpack::op_name(node.op))));
      if (!id) return std::unexpected(id.error());
      ids_[node.output] = *id;
    }
    std::vector<TensorId> results;
    results.reserve(delegate_.externals.size());
    for (const std::uint32_t value : delegate_.externals) results.push_back(ids_[value]);
    return results;
  }

 private:
  TensorId id_of(std::uint32_t value) {
    if (ids_[value] == kNothing)
      ids_[value] = builder_.add_constant(dims_of(delegate_.values[value]), delegate_.values[value].data);
    return ids_[value];
  }

  Outcome<TensorId> add(const xnnpack::Node& source, const Messages& place) {
    const auto op = same_op(source.op);
    if (!op) return place.unsupported("the native engine has no such operator");
    if (auto ok = check(source, place); !ok) return std::unexpected(ok.error());
    graph::Node node{.op = *op};
    for (const std::uint32_t value : source.inputs) node.inputs.push_back(id_of(value));
    if (is_limited(source.op)) {
      node.activation.min = source.min;
      node.activation.max = source.max;
    }
    const Dims dims = dims_of(delegate_.values[source.output]);
    node.parameter = source.parameter;
    node.axis = source.axis;
    switch (source.op) {
      case Kind::kAveragePooling:
      case Kind::kConvolution:
      case Kind::kMaxPooling:
      case Kind::kTransposeConvolution: node.window = window_of(source.window); break;
      case Kind::kDepthwiseConvolution: {
        node.window = window_of(source.window);
        node.window.groups = 1;
        const Dims& weights = builder_.dims(node.inputs[1]);
        const auto id = builder_.reshape(node.inputs[1], Dims(weights.begin() + 1, weights.end()));
        if (!id) return id;
        node.inputs[1] = *id;
        break;
      }
      case Kind::kFullyConnected:
        if ((source.flags & xnnpack::kFlagTransposeWeights) != 0) {
          const auto id = builder_.transpose(node.inputs[1], {1, 0});
          if (!id) return id;
          node.inputs[1] = *id;
        }
        break;
      case Kind::kStaticConstantPad:
        node.before.assign(source.shape.begin(), source.shape.end());
        node.after.assign(source.offset.begin(), source.offset.end());
        break;
      case Kind::kStaticResizeBilinear:
        node.corners = (source.flags & xnnpack::kFlagAlignCorners) != 0   ? graph::Corners::kAligned
                       : (source.flags & xnnpack::kFlagLegacyResize) != 0 ? graph::Corners::kAsymmetric
                                                                          : graph::Corners::kHalfPixel;
        break;
      case Kind::kStaticReshape: return builder_.reshape(node.inputs[0], dims);
      case Kind::kStaticSlice: node.before.assign(source.offset.begin(), source.offset.end()); break;
      case Kind::kStaticTranspose:
        return builder_.transpose(node.inputs[0], {source.shape.begin(), source.shape.end()});
      default: break;
    }
    return builder_.add_node(std::move(node), dims);
  }

  [[nodiscard]] Status check(const xnnpack::Node& node, const Messages& place) const {
    const auto is_float = [&](std::uint32_t value) {
      return delegate_.values[value].type == xnnpack::DataType::kFloat;
    };
    if (!is_float(node.output) || !std::ranges::all_of(node.inputs, is_float))
      return place.unsupported("it is quantised, and the native engine computes in fp32");
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (!is_limited(node.op) && (node.min != -kInfinity || node.max != kInfinity))
      return place.unsupported("it limits its result");
    if (is_windowed(node.op) && delegate_.values[node.inputs[0]].dims[0] != 1)
      return place.unsupported(fmt::format("it takes {} images", delegate_.values[node.inputs[0]].dims[0]));
    return {};
  }

  NetworkBuilder& builder_;
  const xnnpack::Graph& delegate_;
  Messages messages_;
  std::vector<TensorId> ids_;  // of each value
};

}  // namespace

Outcome<std::vector<TensorId>> add_delegate(NetworkBuilder& builder, const xnnpack::Graph& delegate,
                                            std::span<const TensorId> arguments, const Messages& messages) {
  return Lowering(builder, delegate, messages).run(arguments);
}

}  // namespace silhouette::pte
