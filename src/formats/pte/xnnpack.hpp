#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pte/container.hpp"
#include "formats/pte/messages.hpp"

namespace silhouette::pte::xnnpack {

/// Types of the elements of a value. Quantised ones stand for scale × (q − zero_point).
enum class DataType : std::uint8_t {
  kFloat,
  kQint8,    ///< int8, one scale and zero point
  kQuint8,   ///< uint8, one scale and zero point
  kQint32,   ///< int32, one scale: biases
  kQcint8,   ///< int8, a scale per channel: weights
  kQcint32,  ///< int32, a scale per channel: biases
};

/// A tensor of the graph; dimensions in memory order, the last one densest. Images are NHWC.
struct Value {
  DataType type = DataType::kFloat;
  std::vector<std::uint32_t> dims;
  bool constant = false;
  Bytes data;  ///< of a constant: exactly the bytes that dims and type need; borrowed from the file
  std::optional<std::uint32_t> external;  ///< which argument of the delegate call it is
  bool is_input = false;                  ///< of the graph; only with `external`
  bool is_output = false;                 ///< likewise
  float scale = 0;
  std::int32_t zero_point = 0;
  std::vector<float> scales;      ///< one per channel for kQcint8 and kQcint32
  std::uint32_t channel_dim = 0;  ///< dimension that `scales` belongs to
};

enum class Op : std::uint8_t {
  // One operand.
  kAbs,
  kCeiling,
  kClamp,
  kConvert,
  kCopy,
  kCos,
  kElu,
  kExp,
  kFloor,
  kGelu,
  kHardswish,
  kLeakyRelu,
  kLog,
  kNegate,
  kReciprocalSquareRoot,
  kSigmoid,
  kSin,
  kSoftmax,
  kSquare,
  kSquareRoot,
  kTanh,
  // Two operands, broadcast.
  kAdd,
  kDivide,
  kMaximum,
  kMinimum,
  kMultiply,
  kPrelu,
  kSubtract,
  // Others.
  kAveragePooling,
  kBatchMatrixMultiply,
  kConcatenate,
  kConvolution,
  kDepthwiseConvolution,
  kFullyConnected,
  kGlobalAveragePooling,
  kMaxPooling,
  kStaticConstantPad,
  kStaticReshape,
  kStaticResizeBilinear,
  kStaticSlice,
  kStaticTranspose,
  kTransposeConvolution,
};

/// Name for people and for `Program.operators`: "conv_2d".
std::string_view op_name(Op op) noexcept;
/// Whether its result has the dimensions of its one operand, or those that its two are broadcast to.
bool is_unary(Op op) noexcept;
bool is_binary(Op op) noexcept;

/// Height and width of something.
struct Extent {
  std::uint32_t height = 0;
  std::uint32_t width = 0;
};

/// A window that slides over an image, of convolutions and poolings.
struct Window {
  std::uint32_t top = 0;  ///< padding
  std::uint32_t right = 0;
  std::uint32_t bottom = 0;
  std::uint32_t left = 0;
  Extent kernel;
  Extent stride;
  Extent dilation;
  Extent adjustment;               ///< rows and columns added to a transpose convolution's output
  std::uint32_t groups = 0;        ///< of convolutions
  std::uint32_t group_inputs = 0;  ///< channels
  std::uint32_t group_outputs = 0;
};

// Bits of Node.flags.
inline constexpr std::uint32_t kFlagTransposeWeights = 0x01;  ///< fully connected: weights are [inputs, outputs]
inline constexpr std::uint32_t kFlagLegacyResize = 0x04;      ///< resize: corners at pixel corners, no half pixel
inline constexpr std::uint32_t kFlagAlignCorners = 0x08;      ///< resize: corner pixels' centres stay in place
inline constexpr std::uint32_t kFlagKeepDims = 0x40;          ///< global pooling: height and width stay as 1

/// An operation. Operands are indices into `Graph.values`.
struct Node {
  Op op = Op::kCopy;
  std::vector<std::uint32_t> inputs;  ///< weights and bias last
  std::uint32_t output = 0;
  float min = -std::numeric_limits<float>::infinity();  ///< the result is clamped to [min, max]
  float max = std::numeric_limits<float>::infinity();
  std::uint32_t flags = 0;
  Window window;                      ///< convolutions and poolings
  Extent size;                        ///< resize: of the result
  std::uint32_t axis = 0;             ///< concatenate
  std::vector<std::uint32_t> shape;   ///< reshape: new shape; transpose: permutation; slice: sizes; pad: before
  std::vector<std::uint32_t> offset;  ///< slice: first elements; pad: after
  float parameter = 0;                ///< pad: value; ELU: alpha; leaky ReLU: slope
};

/// A delegate's network as the file tells it.
struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;               ///< in an order in which they can run
  std::vector<std::uint32_t> externals;  ///< index of the value that is argument 0, 1, … of a call
  bool holds_constants = false;          ///< in the payload itself, into which the runtime keeps pointing
};

/// Decodes a payload of `XnnpackBackend` (with or without "XH00" header; "XN00" or "XN01"), its constants found inside
/// or in `named`, and verifies it whole: structure, constants' sizes, types, and every result's shape. What the runtime
/// could run but isn't understood here is kUnsupportedModel. `what` names the payload in messages ("delegate 0").
Outcome<Graph> read_graph(Bytes payload, const NamedData& named, std::string_view what, const Messages& messages);

/// Bytes of one element.
std::size_t element_bytes(DataType type) noexcept;

/// "1x28x28x256" for messages.
std::string describe(std::span<const std::uint32_t> dims);

}  // namespace silhouette::pte::xnnpack
