#include "graph/operators.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace silhouette::graph {
namespace {

constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

constexpr Operator unary(Op op, std::string_view name, float (*definition)(float, float)) {
  return {.op = op, .name = name, .kind = Kind::kUnary, .makes_image = true, .unary = definition};
}
constexpr Operator binary(Op op, std::string_view name, float (*definition)(float, float)) {
  return {.op = op,
          .name = name,
          .kind = Kind::kBinary,
          .least_operands = 2,
          .most_operands = 2,
          .makes_image = true,
          .binary = definition};
}
constexpr Operator window(Op op, std::string_view name, std::size_t least, std::size_t most) {
  return {.op = op,
          .name = name,
          .kind = Kind::kWindow,
          .least_operands = least,
          .most_operands = most,
          .makes_image = true};
}
constexpr Operator movement(Op op, std::string_view name, bool makes_image) {
  return {.op = op, .name = name, .kind = Kind::kMovement, .makes_image = makes_image};
}

/// For what float has no function of its own as exact as double's.
constexpr float rounded(double value) {
  return static_cast<float>(value);
}

constexpr std::array kOperators{
    unary(Op::kClamp, "clamp", [](float x, float) { return x; }),
    unary(Op::kAbs, "abs", [](float x, float) { return std::fabs(x); }),
    unary(Op::kCeiling, "ceiling", [](float x, float) { return std::ceil(x); }),
    unary(Op::kElu, "elu",
          [](float x, float alpha) { return x < 0 ? rounded(double{alpha} * std::expm1(double{x})) : x; }),
    unary(Op::kExp, "exp", [](float x, float) { return rounded(std::exp(double{x})); }),
    unary(Op::kFloor, "floor", [](float x, float) { return std::floor(x); }),
    unary(Op::kGelu, "gelu",
          [](float x, float) { return rounded(double{x} / 2 * (1 + std::erf(double{x} * std::sqrt(0.5)))); }),
    unary(Op::kHardswish, "hardswish",
          [](float x, float) { return rounded(double{x} * std::clamp(double{x} + 3, 0.0, 6.0) / 6); }),
    unary(Op::kLeakyRelu, "leaky_relu",
          [](float x, float slope) { return x < 0 ? rounded(double{slope} * double{x}) : x; }),
    unary(Op::kLog, "log", [](float x, float) { return rounded(std::log(double{x})); }),
    unary(Op::kNegate, "negate", [](float x, float) { return -x; }),
    unary(Op::kReciprocalSquareRoot, "reciprocal_square_root",
          [](float x, float) { return rounded(1 / std::sqrt(double{x})); }),
    unary(Op::kSigmoid, "sigmoid", [](float x, float) { return rounded(1 / (1 + std::exp(-double{x}))); }),
    unary(Op::kSquare, "square", [](float x, float) { return x * x; }),
    unary(Op::kSquareRoot, "square_root", [](float x, float) { return std::sqrt(x); }),
    unary(Op::kTanh, "tanh", [](float x, float) { return rounded(std::tanh(double{x})); }),
    binary(Op::kAdd, "add", [](float a, float b) { return a + b; }),
    binary(Op::kDivide, "divide", [](float a, float b) { return a / b; }),
    binary(Op::kMaximum, "maximum", [](float a, float b) { return std::max(a, b); }),
    binary(Op::kMinimum, "minimum", [](float a, float b) { return std::min(a, b); }),
    binary(Op::kMultiply, "multiply", [](float a, float b) { return a * b; }),
    binary(Op::kPrelu, "prelu", [](float a, float b) { return a < 0 ? a * b : a; }),
    binary(Op::kSubtract, "subtract", [](float a, float b) { return a - b; }),
    window(Op::kConvolution, "convolution", 2, 4),
    window(Op::kDepthwiseConvolution, "depthwise_convolution", 2, 3),
    window(Op::kTransposeConvolution, "transpose_convolution", 2, 3),
    window(Op::kAveragePool, "average_pool", 1, 1),
    window(Op::kMaxPool, "max_pool", 1, 1),
    Operator{.op = Op::kConcatenate, .name = "concatenate", .kind = Kind::kMovement, .most_operands = kAnyNumber},
    movement(Op::kCopy, "copy", false),
    movement(Op::kExpand, "expand", true),
    Operator{.op = Op::kFullyConnected, .name = "fully_connected", .least_operands = 2, .most_operands = 3},
    Operator{.op = Op::kGlobalAverage, .name = "global_average"},
    movement(Op::kPad, "pad", true),
    Operator{.op = Op::kResizeBilinear, .name = "resize_bilinear", .makes_image = true},
    movement(Op::kSlice, "slice", true),
    Operator{.op = Op::kSoftmax, .name = "softmax", .makes_image = true},
    movement(Op::kTranspose, "transpose", false),
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kOperators.size(); ++i) {
    const Operator& row = kOperators[i];
    if (static_cast<std::size_t>(row.op) != i) return false;
    if ((row.kind == Kind::kUnary) != (row.unary != nullptr)) return false;
    if ((row.kind == Kind::kBinary) != (row.binary != nullptr)) return false;
  }
  return true;
}
static_assert(is_in_order() && kOperators.back().op == Op::kLast);

}  // namespace

std::span<const Operator> operators() noexcept {
  return kOperators;
}

bool is_known(Op op) noexcept {
  return static_cast<std::size_t>(op) < kOperators.size();
}

const Operator& properties(Op op) noexcept {
  return kOperators[static_cast<std::size_t>(is_known(op) ? op : Op::kCopy)];
}

std::string_view op_name(Op op) noexcept {
  return properties(op).name;
}

}  // namespace silhouette::graph
