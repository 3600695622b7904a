#include "formats/common/contract.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace silhouette::formats {
namespace {

std::unexpected<Error> unsupported(std::string_view name, const std::string& what) {
  return fail(
      ErrorCode::kUnsupportedModel,
      fmt::format("'{}' is no image segmentation network: {}; it needs one float image 1 × 3 × height × width in and "
                  "one map out, 1 × classes × height × width floats or 1 × height × width numbers of classes",
                  name, what));
}

/// Whether the order is channels-last; nothing if it is neither that nor plain.
std::optional<bool> channels_last(const TensorInfo& tensor) {
  constexpr std::array<std::uint8_t, 4> kChannelsLast{0, 2, 3, 1};
  if (tensor.dim_order.empty() || std::ranges::is_sorted(tensor.dim_order)) return false;
  if (std::ranges::equal(tensor.dim_order, kChannelsLast)) return true;
  return std::nullopt;
}

Result<void> check_sides(const TensorInfo& tensor, const std::string& which, std::string_view name) {
  std::int64_t values = 1;
  for (const std::int64_t size : tensor.sizes) {
    if (size < 1 || size > kMaxNetworkSide) {
      return fail(ErrorCode::kLimitExceeded, fmt::format("the {} of '{}' has the shape [{}]; sides may be 1 … {}",
                                                         which, name, fmt::join(tensor.sizes, ", "), kMaxNetworkSide));
    }
    values *= size;
    if (values > kMaxNetworkValues) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("the {} of '{}' has more than {} values", which, name, kMaxNetworkValues));
    }
  }
  return {};
}

std::unexpected<Error> wrong_shape(const TensorInfo& tensor, const std::string& which, std::string_view name) {
  return unsupported(name, fmt::format("its {} has the shape [{}]", which, fmt::join(tensor.sizes, ", ")));
}

Result<void> read_input(const TensorInfo& input, std::string_view name, NetworkShape& shape) {
  if (input.type != ScalarType::kFloat) return unsupported(name, "its input isn't float");
  auto sizes = input.sizes;
  shape.input_batched = sizes.size() == 4;
  if (!shape.input_batched && sizes.size() == 3) sizes.insert(sizes.begin(), 1);
  if (sizes.size() != 4 || sizes[0] != 1) return wrong_shape(input, "input", name);
  if (auto checked = check_sides(input, "input", name); !checked) return checked;
  if (!channels_last(input)) return unsupported(name, "its input has an unusual dim order");
  if (sizes[1] != 3) return unsupported(name, fmt::format("its input has {} channels", sizes[1]));
  shape.input_height = static_cast<int>(sizes[2]);
  shape.input_width = static_cast<int>(sizes[3]);
  shape.input_nhwc = *channels_last(input);
  return {};
}

/// Whether a map of this size has the image's aspect, but for what the rounding of sizes takes.
bool has_aspect(const NetworkShape& shape, std::int64_t height, std::int64_t width) {
  return std::abs(height * shape.input_width - width * shape.input_height) <=
         std::max(shape.input_height, shape.input_width);
}

Result<NetworkShape> read_output(NetworkShape shape, const TensorInfo& output, const std::string& which,
                                 std::string_view name, std::size_t labels) {
  switch (output.type) {
    case ScalarType::kFloat: shape.output_type = OutputType::kFloat; break;
    case ScalarType::kInt32: shape.output_type = OutputType::kInt32; break;
    case ScalarType::kInt64: shape.output_type = OutputType::kInt64; break;
    default: return unsupported(name, fmt::format("its {} is neither float, int32 nor int64", which));
  }
  auto sizes = output.sizes;
  // Without N, or of numbers of classes without the dimension that an argmax went over; of one channel that is the
  // same.
  if (sizes.size() == 3) sizes.insert(sizes.begin(), 1);
  if (sizes.size() == 2 && shape.output_type != OutputType::kFloat) sizes.insert(sizes.begin(), {1, 1});
  if (sizes.size() != 4 || sizes[0] != 1) return wrong_shape(output, which, name);
  if (output.sizes.size() == 3 && shape.input_batched && sizes[1] != 1) return wrong_shape(output, which, name);
  if (auto checked = check_sides(output, which, name); !checked) return std::unexpected(std::move(checked.error()));
  const auto last = channels_last(output);
  if (!last) return unsupported(name, fmt::format("its {} has an unusual dim order", which));
  shape.output_nhwc = *last;
  const bool reads_as_hwc = has_aspect(shape, sizes[1], sizes[2]) && !has_aspect(shape, sizes[2], sizes[3]);
  const bool labels_agree = labels == 0 || std::cmp_not_equal(labels, sizes[1]);
  if (!*last && reads_as_hwc && labels_agree) {
    std::ranges::rotate(sizes.begin() + 1, sizes.begin() + 3, sizes.end());
    shape.output_nhwc = true;
  }
  if (shape.output_type != OutputType::kFloat && sizes[1] != 1) return wrong_shape(output, which, name);
  shape.channels = static_cast<int>(sizes[1]);
  shape.output_height = static_cast<int>(sizes[2]);
  shape.output_width = static_cast<int>(sizes[3]);
  return shape;
}

}  // namespace

Result<Contract> read_contract(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs,
                               std::string_view name, std::size_t labels) {
  if (inputs.size() != 1) return unsupported(name, fmt::format("it has {} inputs", inputs.size()));
  if (outputs.empty()) return unsupported(name, "it has no output");
  NetworkShape image;
  if (auto read = read_input(inputs[0], name, image); !read) return std::unexpected(std::move(read.error()));

  const auto has_labels = [&](const NetworkShape& shape) { return std::cmp_equal(shape.channels, labels); };
  const auto area = [](const NetworkShape& shape) { return std::int64_t{shape.output_height} * shape.output_width; };
  std::optional<NetworkShape> best;
  Error first_error;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    image.output_index = i;
    auto shape =
        read_output(image, outputs[i], outputs.size() == 1 ? "output" : fmt::format("output {}", i), name, labels);
    if (!shape) {
      if (i == 0) first_error = std::move(shape.error());
      continue;
    }
    const bool better = !best || (has_labels(*shape) && !has_labels(*best)) ||
                        (has_labels(*shape) == has_labels(*best) && area(*shape) > area(*best));
    if (better) best = *shape;
  }
  if (!best) return std::unexpected(std::move(first_error));
  const TensorInfo& output = outputs[best->output_index];
  return Contract{.shape = *best,
                  .output = fmt::format("[{}]", fmt::join(output.sizes, ", ")),
                  .numbers = best->output_type == OutputType::kFloat ? 0 : output.classes};
}

Result<void> check_contract(const graph::Graph& graph, const NetworkShape& shape, std::string_view name) {
  using Sizes = std::vector<std::int64_t>;
  const auto declared = [](bool nhwc, std::int64_t channels, std::int64_t height, std::int64_t width) {
    return nhwc ? Sizes{height, width, channels} : Sizes{channels, height, width};
  };
  const auto check = [&](std::string_view which, const Sizes& network, const Sizes& file) -> Result<void> {
    // Dimensions of 1 are nowhere in memory.
    const auto without_ones = [](Sizes sizes) {
      std::erase(sizes, 1);
      return sizes;
    };
    if (without_ones(network) == without_ones(file)) return {};
    return fail(
        ErrorCode::kInvalidModel,
        fmt::format("'{}' is damaged: its {} is declared as {} values, its network has [{}]; download or export "
                    "it again",
                    name, which, fmt::join(file, " × "), fmt::join(network, ", ")));
  };
  const auto input = check("input", graph.tensors[graph.input].dims,
                           declared(shape.input_nhwc, 3, shape.input_height, shape.input_width));
  if (!input) return input;
  return check("output", graph.tensors[graph.output].dims,
               declared(shape.output_nhwc, shape.channels, shape.output_height, shape.output_width));
}

}  // namespace silhouette::formats
