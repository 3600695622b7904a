#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pte/container.hpp"
#include "formats/pte/messages.hpp"
#include "formats/pte/program.hpp"

namespace executorch_flatbuffer {
struct ExecutionPlan;
}

namespace silhouette::pte {

/// Where a tensor's data lives while the method runs.
enum class Storage : std::uint8_t {
  kConstant,  ///< in the file: must never be written
  kPlanned,   ///< at a fixed place in a planned buffer
  kCaller,    ///< nowhere until the caller sets it
};

struct Tensor {
  TensorInfo info;  ///< dim_order always filled in
  std::uint64_t bytes = 0;
  Storage storage = Storage::kCaller;
  Bytes data;                ///< of a constant: `bytes` bytes or more, aligned for its type; borrowed from the file
  std::uint32_t buffer = 0;  ///< kPlanned: number of its planned buffer
  std::uint64_t offset = 0;  ///< kPlanned: first byte in that
  bool has_initial_value = false;  ///< kPlanned: the file says what it holds at first
};

enum class ValueKind : std::uint8_t {
  kNone,
  kInt,
  kBool,
  kDouble,
  kTensor,
  kString,
  kIntList,
  kDoubleList,
  kBoolList,
  kTensorList,
  kOptionalTensorList
};

/// A value of a method (ExecuTorch's EValue); the member that belongs to `kind` is set.
struct Value {
  ValueKind kind = ValueKind::kNone;
  std::int64_t integer = 0;  ///< kInt, kBool
  double number = 0;         ///< kDouble
  std::string_view text;     ///< kString; borrowed from the file
  Tensor tensor;
  std::vector<std::int64_t> integers;  ///< kIntList, kBoolList
  std::vector<double> numbers;         ///< kDoubleList
  std::vector<std::size_t> items;      ///< kTensorList: indices of tensors
};

/// One step: a kernel or a delegate, called with values.
struct Call {
  bool is_delegate = false;
  std::string operator_name;      ///< of a kernel: "aten::clone.out"
  std::size_t delegate = 0;       ///< index into `Plan.delegates`
  std::vector<std::size_t> args;  ///< indices into `Plan.values`
};

struct Delegate {
  std::string_view backend;  ///< borrowed from the file
  Bytes payload;
};

/// One method, verified alone: every index is in range and every tensor has sound memory.
struct Plan {
  std::string_view name;
  std::vector<Value> values;
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
  std::vector<Call> calls;
  std::vector<Delegate> delegates;
};

Outcome<Plan> read_plan(const executorch_flatbuffer::ExecutionPlan& table, const Container& container,
                        const Messages& messages);

/// Bytes of one element of that type; 0 for types that nothing here can hold.
std::size_t element_bytes(ScalarType type) noexcept;

/// "float [1, 3, 224, 224]" for messages.
std::string describe(const TensorInfo& tensor);

}  // namespace silhouette::pte
