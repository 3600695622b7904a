#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace silhouette::kernels {

inline constexpr std::size_t kCacheLineFloats = 16;  ///< as all processors that this runs on have them

// Images are kept in blocks of channels: [channels / block][pixels][block], the last block filled up with lanes that
// hold finite numbers of no meaning. One layout serves matrix products, windows and transforms: neighbouring pixels of
// a block are contiguous. All pointers to blocks are aligned to the block; sizes and strides are in floats.

/// Functions that a kernel may apply to its result before it clamps it.
enum class Function : std::uint8_t { kNone, kHardswish, kHardsigmoid, kSigmoid };

/// The last thing that happens to a result: function, then clamp.
struct Epilogue {
  Function function = Function::kNone;
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
};

/// A part of a matrix product's depth that lies in one piece: `chunks` × `chunk_length` values of every row and as many
/// rows of the panel.
struct DepthPart {
  std::ptrdiff_t a = 0;  ///< from Tile::a
  std::ptrdiff_t b = 0;  ///< from Tile::b
};

/// One tile of C = A × B: some rows, one or two blocks of columns, the whole depth or a part of it.
struct Tile {
  const float* a = nullptr;
  std::ptrdiff_t row_stride = 0;  ///< between rows of A
  const DepthPart* parts = nullptr;
  std::size_t part_count = 0;
  std::size_t chunks = 0;           ///< in every part
  std::ptrdiff_t chunk_stride = 0;  ///< between chunks of A; in B chunks follow each other
  std::size_t chunk_length = 0;     ///< obeyed by the general kernels only; others take a block
  std::size_t last_length = 0;      ///< of every part's last chunk, if that is less; not for the general kernels
  const float* b = nullptr;         ///< panel: depth × (blocks of columns × block)
  float* c = nullptr;
  std::ptrdiff_t c_row_stride = 0;
  std::ptrdiff_t c_block_stride = 0;
  const float* bias = nullptr;     ///< one for each column, or null
  const float* earlier = nullptr;  ///< added, with C's strides: C itself if it was begun before; or null
  const float* addend = nullptr;   ///< added, with strides of its own, or null
  std::ptrdiff_t addend_row_stride = 0;
  std::ptrdiff_t addend_block_stride = 0;
  /// What will be read soon, to be fetched into the second-level cache on the way: so many cache lines a chunk.
  const float* next = nullptr;
  std::size_t next_cache_lines = 0;
  bool finish = true;  ///< apply the epilogue
  Epilogue epilogue;
};
using TileKernel = void (*)(const Tile&);

/// One row of a depthwise convolution's result for one block of channels, or two that share all but one input row each.
struct DepthwiseRow {
  const float* const* rows = nullptr;  ///< kernel_height input rows, one more for two; null where there is none
  std::size_t kernel_height = 0;
  std::size_t kernel_width = 0;
  std::ptrdiff_t input_width = 0;
  std::ptrdiff_t output_width = 0;
  std::ptrdiff_t stride = 1;
  std::ptrdiff_t dilation = 1;
  std::ptrdiff_t pad_left = 0;
  const float* weights = nullptr;  ///< [kernel_height][kernel_width][block]
  const float* bias = nullptr;     ///< [block]
  float* output = nullptr;
  float* second = nullptr;  ///< the result of all rows but the first, or null for one result
  Epilogue epilogue;
};

/// One row of a pooling's result for one block of channels.
struct PoolRow {
  const float* const* rows = nullptr;  ///< kernel_height input rows; null where there is none
  std::size_t kernel_height = 0;
  std::size_t kernel_width = 0;
  std::ptrdiff_t input_width = 0;
  std::ptrdiff_t output_width = 0;
  std::ptrdiff_t stride = 1;
  std::ptrdiff_t dilation = 1;
  std::ptrdiff_t pad_left = 0;
  float* output = nullptr;
  bool average = false;  ///< of the pixels that there are; otherwise the largest
  Epilogue epilogue;
};

enum class Binary : std::uint8_t { kAdd, kSubtract, kMultiply, kDivide, kMaximum, kMinimum, kPrelu };
enum class Unary : std::uint8_t {
  kClamp,
  kAbs,
  kCeiling,
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
  kSquare,
  kSquareRoot,
  kTanh,
};

/// `pixels` results of one block of channels.
struct BinaryRow {
  Binary op = Binary::kAdd;
  const float* a = nullptr;
  const float* b = nullptr;
  std::ptrdiff_t a_stride = 0;  ///< between pixels: the block, or 0 for one value a channel
  std::ptrdiff_t b_stride = 0;
  float* output = nullptr;
  std::size_t pixels = 0;
  Epilogue epilogue;
};

/// Values in any order and at any address: `a_step`, `b_step` are 1, or 0 for one value with all of the other's.
struct BinaryValues {
  Binary op = Binary::kAdd;
  const float* a = nullptr;
  const float* b = nullptr;
  std::size_t a_step = 1;
  std::size_t b_step = 1;
  float* output = nullptr;
  std::size_t count = 0;
  Epilogue epilogue;
};
struct UnaryValues {
  Unary op = Unary::kClamp;
  float parameter = 0;
  const float* a = nullptr;
  float* output = nullptr;  ///< may be `a`
  std::size_t count = 0;
  Epilogue epilogue;
};

/// Each pixel's softmax over its channels; `channels` of the last block have a meaning.
struct SoftmaxPixels {
  const float* input = nullptr;
  float* output = nullptr;
  std::size_t pixels = 0;
  std::size_t plane = 0;  ///< floats from block to block
  std::size_t blocks = 0;
  std::size_t channels = 0;
};
/// The softmax of values that follow each other, at any address.
struct SoftmaxValues {
  const float* input = nullptr;
  float* output = nullptr;
  std::size_t count = 0;
};

/// One row of a bilinear resize for one block of channels: left[x] and right[x] are pixels of the two input rows.
struct ResizeRow {
  const float* top = nullptr;
  const float* bottom = nullptr;
  float weight_bottom = 0;
  const std::int32_t* left = nullptr;
  const std::int32_t* right = nullptr;
  const float* weight_right = nullptr;
  std::size_t output_width = 0;
  float* output = nullptr;
  Epilogue epilogue;
};

/// The same, its results as planes: rows of one channel each.
struct ResizePlanesRow {
  const float* top = nullptr;
  const float* bottom = nullptr;
  float weight_bottom = 0;
  std::size_t input_width = 0;
  const std::int32_t* left = nullptr;
  const std::int32_t* right = nullptr;
  const float* weight_right = nullptr;
  std::size_t output_width = 0;
  float* output = nullptr;   ///< of the block's first channel
  std::size_t plane = 0;     ///< from channel to channel
  std::size_t channels = 0;  ///< of the block that are wanted
};

/// output[column × output_stride + row] = input[row × input_stride + column], at any address.
struct MatrixTransposition {
  const float* input = nullptr;
  std::size_t input_stride = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
  float* output = nullptr;
  std::size_t output_stride = 0;
};

/// A part of an image from blocks to planes.
struct ToPlanes {
  const float* input = nullptr;
  std::size_t pixels = 0;
  float* output = nullptr;
  std::size_t plane = 0;
  std::size_t channels = 0;
};

/// Sums of a matrix's quarters: s1 = a21 + a22, s2 = s1 − a11, s3 = a11 − a21, s4 = a12 − s2.
struct StrassenSums {
  const float* a11 = nullptr;
  const float* a12 = nullptr;
  const float* a21 = nullptr;
  const float* a22 = nullptr;
  float* s1 = nullptr;
  float* s2 = nullptr;
  float* s3 = nullptr;
  float* s4 = nullptr;
  std::size_t count = 0;  ///< floats of each, a multiple of the block
};

/// A one-dimensional Winograd transform: linear combinations of a few lines of pixels.
struct LineTransform {
  const float* const* inputs = nullptr;  ///< first pixel of each line
  float* const* outputs = nullptr;       ///< first pixel of each result line
  std::size_t pixels = 0;                ///< transformed, each for itself
  std::ptrdiff_t input_step = 0;         ///< between pixels
  std::ptrdiff_t output_step = 0;
  const float* bias = nullptr;  ///< [block]; a transform with a bias finishes, others leave out what follows
  std::ptrdiff_t addend = 0;    ///< from each result to what is added to it, or 0 for nothing
  Epilogue epilogue;
};
using LineKernel = void (*)(const LineTransform&);

/// Tile types of the one-dimensional algorithms that convolve with three taps; see winograd/line.hpp.
enum class LineType : std::uint8_t { kF4, kF3, kF2, kShort1, kShort2, kShort3, kShort3BySix };
inline constexpr std::size_t kLineTypes = 7;

// The points of Winograd's algorithms are 0, ±a, ±b and ∞. Errors are half of what the usual 1 and 2 give (1.9 times a
// plain sum's, not 4.1, with 512 channels), since powers of points near 1 stay near 1, and products of these two are
// exact. After B. Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution for deep neural
// networks", 2020.
inline constexpr float kPointA = 0.625F;
inline constexpr float kPointB = 1.5F;

inline constexpr std::size_t kMaxTileRows = 16;

/// The kernels of one instruction set.
struct Kernels {
  const char* name = "";  ///< "avx2"
  std::size_t block = 0;  ///< channels in a block, floats
  std::size_t depth = 0;  ///< of a matrix product that one pass covers, for the first-level cache's sake
  /// By number of rows − 1; [0] for panels of one block of columns, [1] for those of two. Null beyond the largest.
  TileKernel packed[2][kMaxTileRows] = {};   ///< rows follow each other: row_stride is the block
  TileKernel strided[2][kMaxTileRows] = {};  ///< any row_stride
  TileKernel general[2][kMaxTileRows] = {};  ///< any row_stride and chunk_length
  std::size_t tile_rows[2] = {};             ///< largest number of rows
  void (*depthwise)(const DepthwiseRow&) = nullptr;
  void (*pool)(const PoolRow&) = nullptr;
  void (*binary)(const BinaryRow&) = nullptr;
  void (*binary_values)(const BinaryValues&) = nullptr;
  void (*unary_values)(const UnaryValues&) = nullptr;
  void (*softmax_pixels)(const SoftmaxPixels&) = nullptr;
  void (*softmax_values)(const SoftmaxValues&) = nullptr;
  void (*resize)(const ResizeRow&) = nullptr;
  void (*resize_planes)(const ResizePlanesRow&) = nullptr;
  void (*to_planes)(const ToPlanes&) = nullptr;
  void (*transpose_matrix)(const MatrixTransposition&) = nullptr;
  /// Sum over pixels of one block, divided by their number.
  void (*average)(const float* input, std::size_t pixels, float* output) = nullptr;
  /// output[i] = Σ factors[j] × inputs[j][i] over three j; `count` is a multiple of the block.
  void (*combine)(const float* const* inputs, const float* factors, float* output, std::size_t count) = nullptr;
  void (*strassen_sums)(const StrassenSums&) = nullptr;
  LineKernel winograd_input[kLineTypes] = {};
  LineKernel winograd_output[kLineTypes] = {};
};

/// What this machine runs best within the limit of base/instruction_set.hpp.
const Kernels& best_kernels() noexcept;

/// All that this machine can run, best first.
struct KernelList {
  const Kernels* items[3] = {};
  std::size_t size = 0;
  [[nodiscard]] const Kernels* const* begin() const noexcept { return items; }
  [[nodiscard]] const Kernels* const* end() const noexcept { return items + size; }
};
KernelList available_kernels() noexcept;

}  // namespace silhouette::kernels
