#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/common/tensor_info.hpp"

namespace silhouette::pte {

using formats::ScalarType;
using formats::TensorInfo;

/// A value that a constant method returns: a number, a text, a list of numbers (a tensor's, too), or something else.
using MetadataValue = std::variant<std::monostate, double, std::string, std::vector<double>>;

/// What a verified `.pte` holds.
struct Program {
  std::vector<TensorInfo> inputs;  ///< of the method `forward`; non-tensor inputs make the file unsupported
  std::vector<TensorInfo> outputs;
  std::vector<std::string> operators;  ///< distinct: "aten::clone.out", and "xnnpack:conv_2d" within delegates; sorted
  std::vector<std::string> delegates;  ///< backend id of every delegate call, in order
  std::map<std::string, MetadataValue, std::less<>> metadata;  ///< constant methods by name ("get_labels")
  std::uint64_t weight_bytes = 0;                              ///< segments and inline constants
  /// Payloads of delegates that hold constants of their own, by first byte and length.
  std::vector<std::pair<std::size_t, std::size_t>> payloads_in_use;
  std::string_view fault_of_xnnpack;  ///< why it can't be trusted with a delegate, or nothing
};

}  // namespace silhouette::pte
