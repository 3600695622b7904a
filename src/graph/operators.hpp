#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "graph/graph.hpp"

namespace silhouette::graph {

/// What sort of work an operator is.
enum class Kind : std::uint8_t {
  kUnary,     ///< one operand, each value for itself
  kBinary,    ///< two operands, broadcast as NumPy does
  kWindow,    ///< a window that slides over an image
  kMovement,  ///< values go elsewhere as they are
  kOther,
};

/// All that is known of an operator without looking at a node.
struct Operator {
  Op op = Op::kCopy;
  std::string_view name = {};  ///< "convolution", for people
  Kind kind = Kind::kOther;
  std::size_t least_operands = 1;
  std::size_t most_operands = 1;
  bool makes_image = false;  ///< of images it makes an image of values of its own, which may lie as it is best
  float (*unary)(float value, float parameter) = nullptr;  ///< the definition, of what is unary
  float (*binary)(float a, float b) = nullptr;             ///< the same of what is binary
};

/// Of every operator, in the order of Op.
std::span<const Operator> operators() noexcept;
/// kCopy's for a number that is none.
const Operator& properties(Op op) noexcept;
bool is_known(Op op) noexcept;

inline bool is_unary(Op op) noexcept {
  return properties(op).kind == Kind::kUnary;
}
inline bool is_binary(Op op) noexcept {
  return properties(op).kind == Kind::kBinary;
}
/// Either of them.
inline bool is_elementwise(Op op) noexcept {
  return is_unary(op) || is_binary(op);
}

}  // namespace silhouette::graph
