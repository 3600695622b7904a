#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "formats/pte/plan.hpp"

namespace silhouette::pte {

/// Reads and verifies a method's values. `planned` are the sizes of its planned buffers, memory id 1 first.
Outcome<std::vector<Value>> read_values(const executorch_flatbuffer::ExecutionPlan& table,
                                        std::span<const std::uint64_t> planned, const Container& container,
                                        const Messages& messages);

/// The elements of a constant tensor of type T, as another type.
template <typename T, typename To>
std::vector<To> elements_as(const Tensor& tensor) {
  std::vector<To> numbers(static_cast<std::size_t>(tensor.bytes / sizeof(T)));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    T value{};
    std::memcpy(&value, tensor.data.data() + i * sizeof value, sizeof value);
    numbers[i] = static_cast<To>(value);
  }
  return numbers;
}

}  // namespace silhouette::pte
