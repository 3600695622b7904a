#include "formats/pte/xnnpack_nodes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "formats/pte/flat.hpp"
#include "formats/pte/limits.hpp"
#include "runtime_schema_generated.h"

namespace silhouette::pte::xnnpack {
namespace {

namespace fb = fb_xnnpack;
using Type = fb::XNodeUnion;

constexpr std::uint32_t kNoId = UINT32_MAX;  // XNN_INVALID_VALUE_ID

/// Which table of the schema a node's parameters are.
enum class Layout : std::uint8_t { kUnary, kBinary, kConvolution, kPooling, kConcatenate, kOwn };

/// What its result's dimensions are: the operand's, or those that two are broadcast to.
enum class Shape : std::uint8_t { kUnary, kBinary, kOther };

struct Entry {
  Type type;
  Op op;
  Layout layout;
  std::string_view name;
  Shape shape = Shape::kOther;
};

constexpr std::array kEntries{
    Entry{Type::XNNAbs, Op::kAbs, Layout::kUnary, "abs", Shape::kUnary},
    Entry{Type::XNNCeiling, Op::kCeiling, Layout::kUnary, "ceiling", Shape::kUnary},
    Entry{Type::XNNClamp, Op::kClamp, Layout::kUnary, "clamp", Shape::kUnary},
    Entry{Type::XNNConvert, Op::kConvert, Layout::kUnary, "convert", Shape::kUnary},
    Entry{Type::XNNCopy, Op::kCopy, Layout::kUnary, "copy", Shape::kUnary},
    Entry{Type::XNNCos, Op::kCos, Layout::kUnary, "cos", Shape::kUnary},
    Entry{Type::XNNELU, Op::kElu, Layout::kOwn, "elu", Shape::kUnary},
    Entry{Type::XNNExp, Op::kExp, Layout::kUnary, "exp", Shape::kUnary},
    Entry{Type::XNNFloor, Op::kFloor, Layout::kUnary, "floor", Shape::kUnary},
    Entry{Type::XNNGelu, Op::kGelu, Layout::kUnary, "gelu", Shape::kUnary},
    Entry{Type::XNNHardswish, Op::kHardswish, Layout::kUnary, "hardswish", Shape::kUnary},
    Entry{Type::XNNLeakyReLU, Op::kLeakyRelu, Layout::kOwn, "leaky_relu", Shape::kUnary},
    Entry{Type::XNNLog, Op::kLog, Layout::kUnary, "log", Shape::kUnary},
    Entry{Type::XNNNegate, Op::kNegate, Layout::kUnary, "negate", Shape::kUnary},
    Entry{Type::XNNReciprocalSquareRoot, Op::kReciprocalSquareRoot, Layout::kUnary, "reciprocal_square_root",
          Shape::kUnary},
    Entry{Type::XNNSigmoid, Op::kSigmoid, Layout::kUnary, "sigmoid", Shape::kUnary},
    Entry{Type::XNNSin, Op::kSin, Layout::kUnary, "sin", Shape::kUnary},
    Entry{Type::XNNSoftmax, Op::kSoftmax, Layout::kUnary, "softmax", Shape::kUnary},
    Entry{Type::XNNSquare, Op::kSquare, Layout::kUnary, "square", Shape::kUnary},
    Entry{Type::XNNSquareRoot, Op::kSquareRoot, Layout::kUnary, "square_root", Shape::kUnary},
    Entry{Type::XNNTanh, Op::kTanh, Layout::kUnary, "tanh", Shape::kUnary},
    Entry{Type::XNNAdd, Op::kAdd, Layout::kBinary, "add", Shape::kBinary},
    Entry{Type::XNNDiv, Op::kDivide, Layout::kBinary, "divide", Shape::kBinary},
    Entry{Type::XNNMaximum, Op::kMaximum, Layout::kBinary, "maximum", Shape::kBinary},
    Entry{Type::XNNMinimum, Op::kMinimum, Layout::kBinary, "minimum", Shape::kBinary},
    Entry{Type::XNNMultiply, Op::kMultiply, Layout::kBinary, "multiply", Shape::kBinary},
    Entry{Type::XNNPReLU, Op::kPrelu, Layout::kBinary, "prelu", Shape::kBinary},
    Entry{Type::XNNSubtract, Op::kSubtract, Layout::kBinary, "subtract", Shape::kBinary},
    Entry{Type::XNNAvgPooling2d, Op::kAveragePooling, Layout::kPooling, "average_pooling_2d"},
    Entry{Type::XNNBatchMatrixMultiply, Op::kBatchMatrixMultiply, Layout::kBinary, "batch_matrix_multiply"},
    Entry{Type::XNNConcatenate2, Op::kConcatenate, Layout::kConcatenate, "concatenate"},
    Entry{Type::XNNConcatenate3, Op::kConcatenate, Layout::kConcatenate, "concatenate"},
    Entry{Type::XNNConcatenate4, Op::kConcatenate, Layout::kConcatenate, "concatenate"},
    Entry{Type::XNNConcatenate5, Op::kConcatenate, Layout::kConcatenate, "concatenate"},
    Entry{Type::XNNConv2d, Op::kConvolution, Layout::kConvolution, "conv_2d"},
    Entry{Type::XNNDepthwiseConv2d, Op::kDepthwiseConvolution, Layout::kConvolution, "depthwise_conv_2d"},
    Entry{Type::XNNFullyConnected, Op::kFullyConnected, Layout::kOwn, "fully_connected"},
    Entry{Type::XNNGlobalAvgPooling2d, Op::kGlobalAveragePooling, Layout::kUnary, "global_average_pooling_2d"},
    Entry{Type::XNNMaxPooling2d, Op::kMaxPooling, Layout::kPooling, "max_pooling_2d"},
    Entry{Type::XNNStaticConstantPad, Op::kStaticConstantPad, Layout::kOwn, "static_constant_pad"},
    Entry{Type::XNNStaticReshape, Op::kStaticReshape, Layout::kOwn, "static_reshape"},
    Entry{Type::XNNStaticResizeBilinear2D, Op::kStaticResizeBilinear, Layout::kOwn, "static_resize_bilinear_2d"},
    Entry{Type::XNNStaticSlice, Op::kStaticSlice, Layout::kOwn, "static_slice"},
    Entry{Type::XNNStaticTranspose, Op::kStaticTranspose, Layout::kOwn, "static_transpose"},
    Entry{Type::XNNConvTranspose2d, Op::kTransposeConvolution, Layout::kConvolution, "conv_transpose_2d"},
};

class Reader {
 public:
  Reader(const fb::XNode& table, const Messages& messages) : table_(table), messages_(messages) {}

  Outcome<Node> read() {
    const auto* const entry = std::ranges::find(kEntries, table_.xnode_union_type(), &Entry::type);
    if (entry == kEntries.end()) {
      return messages_.unsupported(fmt::format("the operator {} ({}) isn't known",
                                               fb::EnumNameXNodeUnion(table_.xnode_union_type()),
                                               static_cast<int>(table_.xnode_union_type())));
    }
    if (table_.xnode_union() == nullptr) return messages_.damaged("it is missing");
    node_.op = entry->op;
    if (const auto* const limits = table_.output_min_max(); limits != nullptr) {
      node_.min = limits->output_min();
      node_.max = limits->output_max();
    }
    switch (entry->layout) {
      case Layout::kUnary: set(content<fb::_XNNNode1x1>()); break;
      case Layout::kBinary: {
        const auto& pair = content<fb::_XNNNode2x1>();
        node_.inputs = {pair.input1_id(), pair.input2_id()};
        node_.output = pair.output_id();
        node_.flags = pair.flags();
        break;
      }
      case Layout::kConvolution: read_convolution(content<fb::_XNNNodeConv>()); break;
      case Layout::kPooling: read_pooling(content<fb::_XNNPooling2D>()); break;
      case Layout::kConcatenate: read_concatenate(content<fb::_XNNCat>()); break;
      case Layout::kOwn:
        if (auto ok = read_own(); !ok) return forward_error(std::move(ok));
        break;
    }
    return std::move(node_);
  }

 private:
  template <typename T>
  [[nodiscard]] const T& content() const {
    return *static_cast<const T*>(table_.xnode_union());
  }

  /// Operand, result and flags, which all nodes with one operand have.
  template <typename T>
  void set(const T& table) {
    node_.inputs = {table.input_id()};
    node_.output = table.output_id();
    node_.flags = table.flags();
  }

  void set_weights(std::uint32_t operand, std::uint32_t filter, std::uint32_t bias) {
    node_.inputs = {operand, filter};
    if (bias != kNoId) node_.inputs.push_back(bias);
  }

  void read_convolution(const fb::_XNNNodeConv& table) {
    set_weights(table.input1_id(), table.filter_id(), table.bias_id());
    node_.output = table.output_id();
    node_.flags = table.flags();
    node_.window = {.top = table.padding_top(),
                    .right = table.padding_right(),
                    .bottom = table.padding_bottom(),
                    .left = table.padding_left(),
                    .kernel = {table.kernel_height(), table.kernel_width()},
                    .stride = {table.subsampling_height(), table.subsampling_width()},
                    .dilation = {table.dilation_height(), table.dilation_width()},
                    .adjustment = {table.adjustment_height(), table.adjustment_width()},
                    .groups = table.groups(),
                    .group_inputs = table.group_input_channels(),
                    .group_outputs = table.group_output_channels()};
  }

  void read_pooling(const fb::_XNNPooling2D& table) {
    set(table);
    node_.window.top = table.padding_top();
    node_.window.right = table.padding_right();
    node_.window.bottom = table.padding_bottom();
    node_.window.left = table.padding_left();
    node_.window.kernel = {table.pooling_height(), table.pooling_width()};
    node_.window.stride = {table.stride_height(), table.stride_width()};
    node_.window.dilation = {table.dilation_height(), table.dilation_width()};
    // An average isn't dilated; exporters leave the field at 0 or 1.
    if (node_.op == Op::kAveragePooling) {
      node_.window.dilation.height = std::max(node_.window.dilation.height, 1U);
      node_.window.dilation.width = std::max(node_.window.dilation.width, 1U);
    }
  }

  void read_concatenate(const fb::_XNNCat& table) {
    const std::array ids{table.input1_id(), table.input2_id(), table.input3_id(), table.input4_id(), table.input5_id()};
    const auto type = table_.xnode_union_type();
    const std::size_t used = type == Type::XNNConcatenate2   ? 2
                             : type == Type::XNNConcatenate3 ? 3
                             : type == Type::XNNConcatenate4 ? 4
                                                             : 5;
    node_.inputs.assign(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(used));
    node_.output = table.output_id();
    node_.flags = table.flags();
    node_.axis = table.axis();
  }

  Status copy_dims(const flatbuffers::Vector<std::uint32_t>* source, std::vector<std::uint32_t>& target) const {
    if (source == nullptr || source->size() > kMaxXnnRank)
      return messages_.damaged("its list of dimensions is missing or too long");
    target.assign(source->begin(), source->end());
    return {};
  }

  Status read_own() {
    switch (node_.op) {
      case Op::kElu:
        set(content<fb::XNNELU>());
        node_.parameter = content<fb::XNNELU>().alpha();
        return {};
      case Op::kLeakyRelu:
        set(content<fb::XNNLeakyReLU>());
        node_.parameter = content<fb::XNNLeakyReLU>().negative_slope();
        return {};
      case Op::kFullyConnected: {
        const auto& table = content<fb::XNNFullyConnected>();
        set_weights(table.input1_id(), table.filter_id(), table.bias_id());
        node_.output = table.output_id();
        node_.flags = table.flags();
        return {};
      }
      case Op::kStaticConstantPad: {
        const auto& table = content<fb::XNNStaticConstantPad>();
        set(table);
        node_.parameter = table.padding_value();
        if (auto ok = copy_dims(table.pre_paddings(), node_.shape); !ok) return ok;
        return copy_dims(table.post_paddings(), node_.offset);
      }
      case Op::kStaticReshape: {
        const auto& table = content<fb::XNNStaticReshape>();
        set(table);
        return copy_dims(table.new_shape(), node_.shape);
      }
      case Op::kStaticResizeBilinear: {
        const auto& table = content<fb::XNNStaticResizeBilinear2D>();
        set(table);
        node_.size = {table.new_height(), table.new_width()};
        return {};
      }
      case Op::kStaticSlice: {
        const auto& table = content<fb::XNNStaticSlice>();
        set(table);
        if (auto ok = copy_dims(table.offsets(), node_.offset); !ok) return ok;
        return copy_dims(table.sizes(), node_.shape);
      }
      case Op::kStaticTranspose: {
        const auto& table = content<fb::XNNStaticTranspose>();
        set(table);
        return copy_dims(table.perm(), node_.shape);
      }
      default: return messages_.unsupported("the operator isn't known");
    }
  }

  const fb::XNode& table_;
  const Messages& messages_;
  Node node_;
};

}  // namespace

Outcome<Node> read_node(const fb::XNode& table, const Messages& messages) {
  return Reader(table, messages).read();
}

std::string_view op_name(Op op) noexcept {
  const auto* const entry = std::ranges::find(kEntries, op, &Entry::op);
  return entry == kEntries.end() ? "unknown" : entry->name;
}

bool is_unary(Op op) noexcept {
  const auto* const entry = std::ranges::find(kEntries, op, &Entry::op);
  return entry != kEntries.end() && entry->shape == Shape::kUnary;
}

bool is_binary(Op op) noexcept {
  const auto* const entry = std::ranges::find(kEntries, op, &Entry::op);
  return entry != kEntries.end() && entry->shape == Shape::kBinary;
}

}  // namespace silhouette::pte::xnnpack
