#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/native/planning/network.hpp"
#include "engine/native/planning/places.hpp"
#include "kernels/winograd/line.hpp"

namespace silhouette::native {

class Builder;

/// The ways there are to run a node, each with what was found out when it was chosen.
namespace choice {

/// Made by an earlier node's step, as a depthwise convolution is by that of the convolution before it.
struct MadeAlready {
  static constexpr std::string_view kName = "made already";
};

/// A 3×3 convolution with fewer multiplications, by an algorithm along columns and one along rows.
struct Winograd {
  static constexpr std::string_view kName = "winograd";
  kernels::LineAlgorithm down;
  kernels::LineAlgorithm across;
  bool fleeting = false;  ///< weights are transformed in every run
};

/// A large 1×1 convolution by one level of Strassen's algorithm.
struct Strassen {
  static constexpr std::string_view kName = "strassen";
  bool addend_is_row = false;
};

/// What a convolution reads and gives.
struct ConvolutionShapes {
  ImageShape in;
  ImageShape out;
  std::size_t kernel_height = 0;
  std::size_t kernel_width = 0;
  std::size_t group_channels = 0;  ///< input channels of a group
};

/// A convolution as a matrix product, or several of its groups.
struct Product {
  static constexpr std::string_view kName = "product";
  enum class Rows : std::uint8_t {
    kInterleaved,  ///< few planes, interleaved between zeros; a line of taps is one piece of memory
    kWhole,        ///< all pixels in one segment
    kLines,        ///< the image's lines as they lie
    kBordered,     ///< the same of a copy between zeros
    kInMap,        ///< stretches of results that have the same taps within the image
  };
  ConvolutionShapes shapes;
  Rows rows = Rows::kWhole;
  const graph::Node* depthwise = nullptr;  ///< what alone reads the result, if it is made along with it
};

/// A transposed convolution whose results meet one tap each: a product, spread over pixels and planes.
struct SpreadProduct {
  static constexpr std::string_view kName = "spread product";
};
/// A transposed convolution as ordinary ones, a stretch of every line for each phase.
struct TransposedLines {
  static constexpr std::string_view kName = "transposed lines";
};
struct FullyConnected {
  static constexpr std::string_view kName = "fully connected";
};

struct Depthwise {
  static constexpr std::string_view kName = "depthwise";
};
struct Pool {
  static constexpr std::string_view kName = "pool";
};
struct GlobalAverage {
  static constexpr std::string_view kName = "global average";
};

/// Arithmetic with an image in blocks.
struct BinaryInBlocks {
  static constexpr std::string_view kName = "binary in blocks";
  enum class Operand : std::uint8_t {
    kWhole,     ///< an image like the result
    kNumber,    ///< a constant number, one for each channel then
    kChannels,  ///< constant, one value a channel
    kPixel,     ///< one pixel's values, which are whole blocks as they lie
    kRepeated,  ///< brought into blocks by copying, as far as that is needed
  };
  Operand a = Operand::kWhole;
  Operand b = Operand::kWhole;
};

/// Arithmetic with values in the order of `layout`, operands repeated by strides of 0.
struct Broadcast {
  static constexpr std::string_view kName = "broadcast";
  struct Loop {
    std::int64_t count = 1;
    std::int64_t a = 0;
    std::int64_t b = 0;
  };
  Layout layout = Layout::kDense;
  Layout a = Layout::kDense;  ///< in which the operands are read
  Layout b = Layout::kDense;
  std::vector<Loop> loops;  ///< from the outermost
};

struct Unary {
  static constexpr std::string_view kName = "unary";
  Layout layout = Layout::kDense;
};
struct Softmax {
  static constexpr std::string_view kName = "softmax";
  Layout layout = Layout::kDense;
};

struct Resize {
  static constexpr std::string_view kName = "resize";
  bool planar = false;  ///< the result as planes, at no extra cost
};

/// Parts are copied unless they were made where they belong.
struct Concatenation {
  static constexpr std::string_view kName = "concatenation";
  std::optional<Layout> layout;  ///< of images; nothing for arrays
  std::vector<bool> in_place;    ///< by operand, of images
};

/// Slices, padding, expansions and transpositions by copying.
struct Move {
  static constexpr std::string_view kName = "move";
  std::optional<Layout> layout;  ///< in which an image is read; nothing for arrays
};

/// The same values under another name.
struct Rename {
  static constexpr std::string_view kName = "rename";
  bool in_all_layouts = false;   ///< wherever they are; else
  Layout from = Layout::kDense;  ///< the operand's values in this layout
  Layout to = Layout::kDense;    ///< are the result's in that
};

/// The plain interpreter: always possible.
struct Plain {
  static constexpr std::string_view kName = "plain";
};

}  // namespace choice

using Choice =
    std::variant<choice::MadeAlready, choice::Winograd, choice::Strassen, choice::Product, choice::SpreadProduct,
                 choice::TransposedLines, choice::FullyConnected, choice::Depthwise, choice::Pool,
                 choice::GlobalAverage, choice::BinaryInBlocks, choice::Broadcast, choice::Unary, choice::Softmax,
                 choice::Resize, choice::Concatenation, choice::Move, choice::Rename, choice::Plain>;

/// Which way a node is run. Pure: it depends on the network and on where values lie, and makes nothing.
Choice choose(const Network& network, const Places& places, const graph::Node& node);
/// "winograd", for people and tests.
std::string_view method(const Choice& choice) noexcept;
/// Makes the buffers, weights and steps of a choice.
void emit_choice(Builder& builder, const graph::Node& node, const Choice& choice);

// Decisions that look ahead, beside choice::Product::depthwise.

/// The node whose step may be left pending, if the network ends in a resize of an image (and its change to planes).
const graph::Node* last_resize(const Network& network);

/// A part that is made where a concatenation of channels wants it.
struct Reservation {
  graph::TensorId part = 0;
  graph::TensorId whole = 0;
  std::size_t channel = 0;  ///< of the whole, where the part begins
};
std::vector<Reservation> choose_reservations(const Network& network);

// The families' own choices: nothing where they don't know a way.
std::optional<choice::Winograd> choose_winograd(const Network& network, const graph::Node& node);
std::optional<choice::Strassen> choose_strassen(const Network& network, const graph::Node& node);
std::optional<choice::Product> choose_product(const Network& network, const graph::Node& node);
/// Whether all its results can be made as a product that is spread.
bool is_spread_product(const Network& network, const graph::Node& node);
bool is_transposed_lines(const Network& network, const graph::Node& node);
bool is_fully_connected(const Network& network, const graph::Node& node);
bool is_depthwise(const Network& network, const graph::Node& node);
bool is_pool(const Network& network, const graph::Node& node);
Choice choose_binary(const Network& network, const Places& places, const graph::Node& node);
/// Of copies with an activation, too.
std::optional<choice::Unary> choose_unary(const Network& network, const Places& places, const graph::Node& node);
choice::Softmax choose_softmax(const Network& network, const Places& places, const graph::Node& node);
std::optional<choice::Resize> choose_resize(const Network& network, const graph::Node& node);
std::optional<choice::Concatenation> choose_concatenation(const Network& network, const Places& places,
                                                          const graph::Node& node);
Choice choose_movement(const Network& network, const Places& places, const graph::Node& node);

// And what makes their steps.
inline void emit(Builder& /*builder*/, const graph::Node& /*node*/, const choice::MadeAlready& /*chosen*/) {}
void emit(Builder& builder, const graph::Node& node, const choice::Winograd& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Strassen& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Product& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::SpreadProduct& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::TransposedLines& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::FullyConnected& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Depthwise& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Pool& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::GlobalAverage& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::BinaryInBlocks& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Broadcast& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Unary& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Softmax& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Resize& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Concatenation& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Move& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Rename& chosen);
void emit(Builder& builder, const graph::Node& node, const choice::Plain& chosen);

}  // namespace silhouette::native
