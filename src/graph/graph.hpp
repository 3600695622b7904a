#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette::graph {

using TensorId = std::uint32_t;

/// float32 values that are known when a network is loaded. `owner` keeps them alive; without one they are borrowed
/// from the model's file.
struct Constant {
  std::span<const float> values;
  std::shared_ptr<const void> owner;
};

/// A float32 array. Dimensions are in memory order, the last one densest; images are N, H, W, C with N = 1.
struct Tensor {
  std::vector<std::int64_t> dims;
  Constant constant;  ///< empty for what is computed

  [[nodiscard]] bool is_constant() const noexcept { return constant.values.data() != nullptr; }
};

/// What each is called, takes and gives stands in operators.cpp.
enum class Op : std::uint8_t {
  // One operand, each value for itself.
  kClamp,  ///< nothing but the node's activation
  kAbs,
  kCeiling,
  kElu,  ///< parameter: alpha
  kExp,
  kFloor,
  kGelu,
  kHardswish,  ///< x × min(max(x + 3, 0), 6) / 6
  kLeakyRelu,  ///< parameter: slope of what is negative
  kLog,
  kNegate,
  kReciprocalSquareRoot,
  kSigmoid,
  kSquare,
  kSquareRoot,
  kTanh,
  // Two operands, broadcast as NumPy does.
  kAdd,
  kDivide,
  kMaximum,
  kMinimum,
  kMultiply,
  kPrelu,  ///< x where positive, else x × the second operand
  kSubtract,
  // Windows that slide over an image.
  kConvolution,           ///< image, weights [O, KH, KW, I/groups], optional bias [O]; after a bias an optional addend,
                          ///< like the result or [1, 1, 1, O], added before the activation
  kDepthwiseConvolution,  ///< image, weights [KH, KW, O], optional bias [O]; O is a multiple m of the image's channels,
                          ///< channel o looks at channel o / m
  kTransposeConvolution,  ///< image, weights [O, KH, KW, I/groups], optional bias [O]; padding is what is cut from the
                          ///< result's edges, and below zero at the bottom and right where rows are added
  kAveragePool,           ///< padding doesn't count
  kMaxPool,
  // Others.
  kConcatenate,     ///< any number of operands, along `axis`
  kCopy,            ///< the same values, perhaps with other dimensions (a reshape)
  kExpand,          ///< broadcast to the result's dimensions
  kFullyConnected,  ///< [rows…, I], weights [O, I], optional bias [O]
  kGlobalAverage,   ///< mean over H and W of an image; the result is [1, 1, 1, C] or [1, C]
  kPad,             ///< `before` and `after`: elements added to each dimension; parameter: their value
  kResizeBilinear,  ///< an image to the result's height and width
  kSlice,           ///< `before`: first element in each dimension
  kSoftmax,         ///< over the last dimension
  kTranspose,       ///< result dimension i is operand dimension order[i]
  kLast = kTranspose,
};

/// "convolution", for people.
std::string_view op_name(Op op) noexcept;

/// Applied to what a node computes, the last thing of all: hardswish or so first, if any, then the clamp.
struct Activation {
  enum class Function : std::uint8_t { kNone, kHardswish, kHardsigmoid, kSigmoid };
  Function function = Function::kNone;
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();

  [[nodiscard]] bool clamps() const noexcept {
    return min != -std::numeric_limits<float>::infinity() || max != std::numeric_limits<float>::infinity();
  }
  [[nodiscard]] bool is_identity() const noexcept { return function == Function::kNone && !clamps(); }
  bool operator==(const Activation&) const = default;
};

/// Of convolutions and pools. Everything ≥ 1 but padding; of convolutions the kernel's sizes are the weights', too.
struct Window {
  std::int64_t pad_top = 0;
  std::int64_t pad_left = 0;
  std::int64_t pad_bottom = 0;
  std::int64_t pad_right = 0;
  std::int64_t kernel_height = 1;
  std::int64_t kernel_width = 1;
  std::int64_t stride_height = 1;
  std::int64_t stride_width = 1;
  std::int64_t dilation_height = 1;
  std::int64_t dilation_width = 1;
  std::int64_t groups = 1;
  bool operator==(const Window&) const = default;
};

/// Where the samples of a resize lie.
enum class Corners : std::uint8_t {
  kHalfPixel,   ///< pixels are areas: PyTorch's align_corners=False
  kAligned,     ///< the corner pixels' centres stay in place: align_corners=True
  kAsymmetric,  ///< the first pixel's centre stays in place
};

struct Node {
  Op op = Op::kCopy;
  std::vector<TensorId> inputs = {};
  TensorId output = 0;
  Activation activation = {};
  Window window = {};
  Corners corners = Corners::kHalfPixel;
  float parameter = 0;
  std::int64_t axis = 0;
  std::vector<std::int64_t> order = {};
  std::vector<std::int64_t> before = {};
  std::vector<std::int64_t> after = {};
};

/// A network with one image in and one map out, free of where it came from. Every tensor is made by at most one node,
/// before the nodes that read it. Weights and biases are constants.
struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  TensorId input = 0;
  TensorId output = 0;

  TensorId add_tensor(std::vector<std::int64_t> dims) {
    tensors.push_back({std::move(dims), {}});
    return static_cast<TensorId>(tensors.size() - 1);
  }
  /// A constant that the graph owns.
  TensorId add_constant(std::vector<std::int64_t> dims, std::vector<float> values);
};

/// Product of dimensions; 1 of none.
std::int64_t count(std::span<const std::int64_t> dims) noexcept;

/// What `node`'s result must be, from its operands and attributes; kInvalidModel if they don't fit each other.
Result<std::vector<std::int64_t>> result_dims(const Graph& graph, const Node& node);

/// Values of one tensor at most.
inline constexpr std::int64_t kMaxTensorValues = std::int64_t{1} << (sizeof(std::size_t) > 4 ? 31 : 27);
/// Kernel sizes, strides, dilations and paddings at most.
inline constexpr std::int64_t kMaxWindowParameter = std::int64_t{1} << 20;

/// Checks that `graph` is what its description says: indices, order, single makers, and every node's result_dims.
/// Passes and engines rely on it; formats call it last. kInvalidModel; the message names the node, but no file.
Result<void> verify(const Graph& graph);

/// How many positions along one dimension, of a window's tap `kernel_index`, fall on real data: output position o looks
/// at o × stride + kernel_index × dilation − pad, in [0, input).
std::int64_t positions_inside(std::int64_t output, std::int64_t input, std::int64_t kernel_index, std::int64_t stride,
                              std::int64_t dilation, std::int64_t pad) noexcept;

/// Multiplications-and-additions of a node or of a whole network: of convolutions (of those taps only that meet real
/// data) and fully connected layers; all else touches each value a few times and counts as 0.
std::int64_t multiply_adds(const Graph& graph, const Node& node);
std::int64_t multiply_adds(const Graph& graph);

/// One line for people: operation, operands' and result's dimensions, activation, multiply-adds.
std::string describe(const Graph& graph, const Node& node);
/// The same of all nodes, and their sum.
std::string describe(const Graph& graph);

}  // namespace silhouette::graph
