#include "pipeline/network_shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/limits.hpp"

namespace silhouette {
namespace {

std::unexpected<Error> unsupported(std::string_view name, const std::string& what) {
  return fail(
      ErrorCode::kUnsupportedModel,
      fmt::format("'{}' is no image segmentation network: {}; it needs one float image 1 × 3 × height × width in and "
                  "one float map 1 × classes × height × width out",
                  name, what));
}

/// Whether the order is channels-last; nothing if it is neither that nor plain.
std::optional<bool> channels_last(const pte::TensorInfo& tensor) {
  constexpr std::array<std::uint8_t, 4> kPlain{0, 1, 2, 3};
  constexpr std::array<std::uint8_t, 4> kChannelsLast{0, 2, 3, 1};
  if (tensor.dim_order.empty() || std::ranges::equal(tensor.dim_order, kPlain)) return false;
  if (std::ranges::equal(tensor.dim_order, kChannelsLast)) return true;
  return std::nullopt;
}

Result<void> check_map(const pte::TensorInfo& tensor, const char* which, std::string_view name) {
  if (tensor.type != pte::ScalarType::kFloat) return unsupported(name, fmt::format("its {} isn't float", which));
  if (tensor.sizes.size() != 4 || tensor.sizes[0] != 1) {
    return unsupported(name, fmt::format("its {} has the shape [{}]", which, fmt::join(tensor.sizes, ", ")));
  }
  for (const std::int64_t size : tensor.sizes) {
    if (size < 1 || size > kMaxNetworkSide) {
      return fail(ErrorCode::kLimitExceeded, fmt::format("the {} of '{}' has the shape [{}]; sides may be 1 … {}",
                                                         which, name, fmt::join(tensor.sizes, ", "), kMaxNetworkSide));
    }
  }
  if (tensor.sizes[1] * tensor.sizes[2] * tensor.sizes[3] > kMaxNetworkValues) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("the {} of '{}' has more than {} values", which, name, kMaxNetworkValues));
  }
  if (!channels_last(tensor)) return unsupported(name, fmt::format("its {} has an unusual dim order", which));
  return {};
}

}  // namespace

Result<NetworkShape> network_shape(const pte::Program& program, std::string_view name) {
  if (program.inputs.size() != 1) return unsupported(name, fmt::format("it has {} inputs", program.inputs.size()));
  if (program.outputs.empty()) return unsupported(name, "it has no output");
  const auto& input = program.inputs[0];
  const auto& output = program.outputs[0];
  if (auto checked = check_map(input, "input", name); !checked) return std::unexpected(std::move(checked.error()));
  if (auto checked = check_map(output, "output", name); !checked) return std::unexpected(std::move(checked.error()));
  if (input.sizes[1] != 3) return unsupported(name, fmt::format("its input has {} channels", input.sizes[1]));

  NetworkShape shape;
  shape.input_height = static_cast<int>(input.sizes[2]);
  shape.input_width = static_cast<int>(input.sizes[3]);
  shape.input_nhwc = *channels_last(input);
  shape.channels = static_cast<int>(output.sizes[1]);
  shape.output_height = static_cast<int>(output.sizes[2]);
  shape.output_width = static_cast<int>(output.sizes[3]);
  shape.output_nhwc = *channels_last(output);
  return shape;
}

}  // namespace silhouette
