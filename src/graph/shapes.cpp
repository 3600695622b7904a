#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/checked.hpp"
#include "graph/operators.hpp"

namespace silhouette::graph {
namespace {

using Dims = std::vector<std::int64_t>;

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  Dims result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {  // from the last dimension
    const std::int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1) return std::nullopt;
    result[result.size() - 1 - i] = da == 1 ? db : da;
  }
  return result;
}

class Inference {
 public:
  Inference(const Graph& graph, const Node& node)
      : graph_(graph), node_(node), declared_(graph.tensors[node.output].dims) {}

  Result<Dims> run() const {
    if (std::isnan(node_.activation.min) || std::isnan(node_.activation.max) ||
        node_.activation.min > node_.activation.max)
      return wrong(fmt::format("it is clamped to [{}, {}]", node_.activation.min, node_.activation.max));
    if (!is_known(node_.op)) return wrong("its operation isn't known");
    const Operator& op = properties(node_.op);
    if (node_.inputs.size() < op.least_operands || node_.inputs.size() > op.most_operands) return wrong_operands();
    if (op.kind == Kind::kUnary) return in(0);
    if (op.kind == Kind::kBinary) {
      if (auto dims = broadcast(in(0), in(1))) return *std::move(dims);
      return wrong("its operands don't fit together");
    }
    switch (node_.op) {
      case Op::kConvolution:
      case Op::kTransposeConvolution: return convolution();
      case Op::kDepthwiseConvolution: return depthwise_convolution();
      case Op::kFullyConnected: return fully_connected();
      case Op::kConcatenate: return concatenate();
      case Op::kAveragePool:
      case Op::kMaxPool: return pool();
      case Op::kCopy: return declared_if(count(in(0)) == count(declared_));
      case Op::kExpand: return declared_if(broadcast(in(0), declared_) == declared_);
      case Op::kGlobalAverage: return global_average();
      case Op::kPad: return pad();
      case Op::kResizeBilinear: return declared_if(is_image(in(0)) && is_image(declared_) && in(0)[3] == declared_[3]);
      case Op::kSlice: return slice();
      case Op::kSoftmax: return in(0).empty() ? wrong("its operand is a single number") : Result<Dims>(in(0));
      case Op::kTranspose: return transpose();
      default: return wrong("its operation isn't known");
    }
  }

 private:
  [[nodiscard]] const Dims& in(std::size_t i) const { return graph_.tensors[node_.inputs[i]].dims; }
  [[nodiscard]] bool is_constant(std::size_t i) const { return graph_.tensors[node_.inputs[i]].is_constant(); }

  static bool is_image(const Dims& dims) { return dims.size() == 4 && dims[0] == 1; }

  static std::unexpected<Error> wrong(std::string what) { return fail(ErrorCode::kInvalidModel, std::move(what)); }
  [[nodiscard]] std::unexpected<Error> wrong_operands() const {
    return wrong(fmt::format("it has {} operands", node_.inputs.size()));
  }

  /// For what has its result's dimensions as an attribute.
  [[nodiscard]] Result<Dims> declared_if(bool fits) const {
    if (fits) return declared_;
    return wrong(fmt::format("it can't make [{}] of [{}]", fmt::join(declared_, ", "), fmt::join(in(0), ", ")));
  }

  [[nodiscard]] bool is_sane_window() const {
    const Window& w = node_.window;
    const auto sane = [](std::int64_t least, auto... values) {
      return ((values >= least && values <= kMaxWindowParameter) && ...);
    };
    // A transpose convolution may add rows and columns.
    const bool transpose = node_.op == Op::kTransposeConvolution;
    return sane(1, w.kernel_height, w.kernel_width, w.stride_height, w.stride_width, w.dilation_height,
                w.dilation_width, w.groups) &&
           sane(0, w.pad_top, w.pad_left) && sane(transpose ? 1 - w.stride_height : 0, w.pad_bottom) &&
           sane(transpose ? 1 - w.stride_width : 0, w.pad_right);
  }

  /// Height and width of the result of a window over operand 0, or nothing where it doesn't fit.
  [[nodiscard]] std::optional<Dims> window_result(std::int64_t channels) const {
    const Window& w = node_.window;
    const bool transpose = node_.op == Op::kTransposeConvolution;
    const auto along = [&](std::int64_t size, std::int64_t pad, std::int64_t kernel, std::int64_t stride,
                           std::int64_t dilation) {
      const std::int64_t reach = (kernel - 1) * dilation + 1;
      if (transpose) return (size - 1) * stride + reach - pad;
      return size + pad < reach ? 0 : (size + pad - reach) / stride + 1;
    };
    const std::int64_t height =
        along(in(0)[1], w.pad_top + w.pad_bottom, w.kernel_height, w.stride_height, w.dilation_height);
    const std::int64_t width =
        along(in(0)[2], w.pad_left + w.pad_right, w.kernel_width, w.stride_width, w.dilation_width);
    if (height < 1 || width < 1) return std::nullopt;
    return Dims{1, height, width, channels};
  }

  [[nodiscard]] bool has_bias(std::int64_t channels) const {
    return node_.inputs.size() < 3 || (is_constant(2) && in(2) == Dims{channels});
  }

  [[nodiscard]] Result<Dims> convolution() const {
    const Window& w = node_.window;
    const Dims& weights = in(1);
    if (!is_sane_window()) return wrong("its window isn't sound");
    if (!is_image(in(0))) return wrong("its operand is no image");
    if (!is_constant(1) || weights.size() != 4 || weights[1] != w.kernel_height || weights[2] != w.kernel_width ||
        in(0)[3] % w.groups != 0 || weights[3] != in(0)[3] / w.groups || weights[0] % w.groups != 0)
      return wrong(fmt::format("its weights [{}] don't go with its window", fmt::join(weights, ", ")));
    if (!has_bias(weights[0])) return wrong("its bias doesn't go with its weights");
    const auto dims = window_result(weights[0]);
    if (!dims) return wrong("its window doesn't fit the image");
    if (node_.inputs.size() == 4 && in(3) != *dims && in(3) != Dims{1, 1, 1, weights[0]})
      return wrong(fmt::format("its addend is [{}]", fmt::join(in(3), ", ")));
    return *dims;
  }

  [[nodiscard]] Result<Dims> depthwise_convolution() const {
    const Window& w = node_.window;
    const Dims& weights = in(1);
    if (!is_sane_window()) return wrong("its window isn't sound");
    if (!is_image(in(0))) return wrong("its operand is no image");
    if (!is_constant(1) || weights.size() != 3 || weights[0] != w.kernel_height || weights[1] != w.kernel_width ||
        weights[2] % in(0)[3] != 0)
      return wrong(fmt::format("its weights [{}] don't go with its window", fmt::join(weights, ", ")));
    if (!has_bias(weights[2])) return wrong("its bias doesn't go with its weights");
    if (auto dims = window_result(weights[2])) return *std::move(dims);
    return wrong("its window doesn't fit the image");
  }

  [[nodiscard]] Result<Dims> fully_connected() const {
    if (in(0).empty() || in(1).size() != 2 || !is_constant(1) || in(0).back() != in(1)[1])
      return wrong("its weights don't go with its operand");
    if (!has_bias(in(1)[0])) return wrong("its bias doesn't go with its weights");
    Dims dims = in(0);
    dims.back() = in(1)[0];
    return dims;
  }

  [[nodiscard]] Result<Dims> pool() const {
    const Window& w = node_.window;
    if (!is_sane_window() || w.groups != 1) return wrong("its window isn't sound");
    if (!is_image(in(0))) return wrong("its operand is no image");
    const auto dims = window_result(in(0)[3]);
    if (!dims) return wrong("its window doesn't fit the image");
    // A window without a pixel has neither mean nor maximum. If the first and the last have one, so have those between,
    // unless an image is so small that taps step over it.
    const auto sees_pixels = [](std::int64_t outputs, std::int64_t inputs, std::int64_t kernel, std::int64_t stride,
                                std::int64_t dilation, std::int64_t pad) {
      const std::int64_t step = dilation > inputs ? 1 : std::max<std::int64_t>(outputs - 1, 1);
      for (std::int64_t position = 0; position < outputs; position += step) {
        const std::int64_t first = position * stride - pad;
        const std::int64_t skipped = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
        if (skipped >= kernel || first + skipped * dilation >= inputs) return false;
      }
      return true;
    };
    if (!sees_pixels((*dims)[1], in(0)[1], w.kernel_height, w.stride_height, w.dilation_height, w.pad_top) ||
        !sees_pixels((*dims)[2], in(0)[2], w.kernel_width, w.stride_width, w.dilation_width, w.pad_left))
      return wrong("its window may see nothing but padding");
    return *dims;
  }

  [[nodiscard]] Result<Dims> global_average() const {
    if (!is_image(in(0))) return wrong("its operand is no image");
    return declared_if(declared_ == Dims{1, 1, 1, in(0)[3]} || declared_ == Dims{1, in(0)[3]});
  }

  [[nodiscard]] Result<Dims> concatenate() const {
    Dims dims = in(0);
    if (node_.axis < 0 || static_cast<std::size_t>(node_.axis) >= dims.size())
      return wrong(fmt::format("its axis is {}", node_.axis));
    const auto axis = static_cast<std::size_t>(node_.axis);
    for (std::size_t i = 1; i < node_.inputs.size(); ++i) {
      Dims other = in(i);
      if (other.size() != dims.size()) return wrong("its operands differ in rank");
      const std::int64_t sum = dims[axis] + other[axis];
      other[axis] = dims[axis];
      if (other != dims) return wrong("its operands don't fit together");
      dims[axis] = sum;
    }
    return dims;
  }

  [[nodiscard]] Result<Dims> pad() const {
    Dims dims = in(0);
    if (node_.before.size() != dims.size() || node_.after.size() != dims.size())
      return wrong("it pads another number of dimensions");
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (node_.before[i] < 0 || node_.after[i] < 0 || node_.before[i] > kMaxTensorValues ||
          node_.after[i] > kMaxTensorValues)
        return wrong("it pads by less than nothing or too much");
      dims[i] += node_.before[i] + node_.after[i];
    }
    return dims;
  }

  [[nodiscard]] Result<Dims> slice() const {
    bool fits = node_.before.size() == in(0).size() && declared_.size() == in(0).size();
    for (std::size_t i = 0; fits && i < declared_.size(); ++i)
      fits = in_range(static_cast<std::uint64_t>(node_.before[i]), static_cast<std::uint64_t>(declared_[i]),
                      static_cast<std::uint64_t>(in(0)[i]));
    return declared_if(fits);
  }

  [[nodiscard]] Result<Dims> transpose() const {
    if (node_.order.size() != in(0).size()) return wrong("it orders another number of dimensions");
    Dims dims;
    std::vector<bool> seen(in(0).size());
    for (const std::int64_t dim : node_.order) {
      if (dim < 0 || static_cast<std::size_t>(dim) >= seen.size() || seen[static_cast<std::size_t>(dim)])
        return wrong("its order is no permutation");
      seen[static_cast<std::size_t>(dim)] = true;
      dims.push_back(in(0)[static_cast<std::size_t>(dim)]);
    }
    return dims;
  }

  const Graph& graph_;
  const Node& node_;
  const Dims& declared_;
};

std::unexpected<Error> fault(std::size_t index, const Node& node, std::string_view what) {
  return fail(ErrorCode::kInvalidModel, fmt::format("step {} ({}): {}", index, op_name(node.op), what));
}

Result<void> verify_tensor(const Tensor& tensor, std::size_t index) {
  std::int64_t values = 1;
  for (const std::int64_t dim : tensor.dims) {
    if (dim < 1) return fail(ErrorCode::kInvalidModel, fmt::format("tensor {} has a dimension of {}", index, dim));
    const auto product = checked_mul(values, dim);
    if (!product || *product > kMaxTensorValues)
      return fail(ErrorCode::kInvalidModel, fmt::format("tensor {} is too large", index));
    values = *product;
  }
  if (tensor.is_constant() && std::cmp_not_equal(tensor.constant.values.size(), values))
    return fail(ErrorCode::kInvalidModel,
                fmt::format("constant {} has {} values instead of {}", index, tensor.constant.values.size(), values));
  return {};
}

}  // namespace

Result<std::vector<std::int64_t>> result_dims(const Graph& graph, const Node& node) {
  return Inference(graph, node).run();
}

Result<void> verify(const Graph& graph) {
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    if (auto ok = verify_tensor(graph.tensors[i], i); !ok) return ok;
  }
  if (graph.input >= graph.tensors.size() || graph.output >= graph.tensors.size())
    return fail(ErrorCode::kInvalidModel, "its input or output isn't there");
  if (graph.tensors[graph.input].is_constant()) return fail(ErrorCode::kInvalidModel, "its input is a constant");
  std::vector<bool> ready(graph.tensors.size());
  for (std::size_t i = 0; i < ready.size(); ++i) ready[i] = graph.tensors[i].is_constant() || i == graph.input;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const TensorId id : node.inputs) {
      if (id >= ready.size()) return fault(n, node, fmt::format("its operand {} isn't there", id));
      if (!ready[id]) return fault(n, node, fmt::format("it reads %{} before that is made", id));
    }
    if (node.output >= ready.size()) return fault(n, node, "its result isn't there");
    if (ready[node.output]) return fault(n, node, fmt::format("it makes %{} a second time", node.output));
    auto dims = result_dims(graph, node);
    if (!dims) return fault(n, node, dims.error().message);
    if (*dims != graph.tensors[node.output].dims)
      return fault(n, node,
                   fmt::format("it makes [{}], but that is declared as [{}]", fmt::join(*dims, ", "),
                               fmt::join(graph.tensors[node.output].dims, ", ")));
    ready[node.output] = true;
  }
  if (!ready[graph.output]) return fail(ErrorCode::kInvalidModel, "nothing makes its output");
  return {};
}

}  // namespace silhouette::graph
