#include "formats/pte/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/checked.hpp"
#include "formats/pte/flat.hpp"
#include "formats/pte/limits.hpp"
#include "program_generated.h"

namespace silhouette::pte {
namespace {

namespace fb = executorch_flatbuffer;

std::optional<ScalarType> scalar_type(fb::ScalarType type) {
  switch (type) {
    case fb::ScalarType::FLOAT: return ScalarType::kFloat;
    case fb::ScalarType::DOUBLE: return ScalarType::kDouble;
    case fb::ScalarType::HALF: return ScalarType::kHalf;
    case fb::ScalarType::BFLOAT16: return ScalarType::kBFloat16;
    case fb::ScalarType::LONG: return ScalarType::kInt64;
    case fb::ScalarType::INT: return ScalarType::kInt32;
    case fb::ScalarType::CHAR: return ScalarType::kInt8;
    case fb::ScalarType::BYTE: return ScalarType::kUint8;
    case fb::ScalarType::BOOL: return ScalarType::kBool;
    default: return std::nullopt;
  }
}

class Reader {
 public:
  Reader(const fb::ExecutionPlan& table, std::span<const std::uint64_t> planned, const Container& container,
         const Messages& messages)
      : table_(table), planned_(planned), container_(container), messages_(messages), used_(planned.size()) {}

  Outcome<std::vector<Value>> read() {
    const auto* const values = table_.values();
    if (values == nullptr) return messages_.damaged("it has no values");
    if (values->size() > kMaxValues) {
      return messages_.too_large(fmt::format("it has {} values", values->size()));
    }
    values_.resize(values->size());
    for (index_ = 0; index_ < values_.size(); ++index_) {
      const auto* const entry = values->Get(static_cast<flatbuffers::uoffset_t>(index_));
      if (entry->val() == nullptr && entry->val_type() != fb::KernelTypes::Null) {
        return messages_.damaged(fmt::format("value {} is missing", index_));
      }
      if (auto ok = read_value(*entry); !ok) return forward_error(std::move(ok));
    }
    // The integers of a list are values of their own, possibly later ones.
    for (index_ = 0; index_ < values_.size(); ++index_) {
      const auto* const entry = values->Get(static_cast<flatbuffers::uoffset_t>(index_));
      if (values_[index_].kind != ValueKind::kIntList) continue;
      if (auto ok = read_int_list(static_cast<const fb::IntList*>(entry->val())->items()); !ok)
        return forward_error(std::move(ok));
    }
    if (auto ok = check_buffers(); !ok) return forward_error(std::move(ok));
    return std::move(values_);
  }

 private:
  /// The runtime allocates what the plan says, so that must not exceed by far what its tensors use.
  [[nodiscard]] Status check_buffers() const {
    constexpr std::uint64_t kSlack = 1 << 20;
    for (std::size_t i = 0; i < planned_.size(); ++i) {
      if (planned_[i] / 2 > used_[i] + kSlack) {
        return messages_.damaged(
            fmt::format("planned buffer {} has {} bytes, but its tensors use {}", i + 1, planned_[i], used_[i]));
      }
    }
    return {};
  }

  template <typename T>
  Status check_list(const flatbuffers::Vector<T>* items) {
    if (items == nullptr) return messages_.damaged(fmt::format("value {} is a list without content", index_));
    if (items->size() > kMaxListItems) {
      return messages_.too_large(fmt::format("value {} is a list of {} items", index_, items->size()));
    }
    total_items_ += items->size();
    if (total_items_ > kMaxTotalItems) return messages_.too_large("its lists have too many items");
    return {};
  }

  Status read_value(const fb::EValue& entry) {
    Value& value = values_[index_];
    const void* const content = entry.val();
    switch (entry.val_type()) {
      case fb::KernelTypes::Null: value.kind = ValueKind::kNone; return {};
      case fb::KernelTypes::Int:
        value.kind = ValueKind::kInt;
        value.integer = static_cast<const fb::Int*>(content)->int_val();
        return {};
      case fb::KernelTypes::Bool:
        value.kind = ValueKind::kBool;
        value.integer = static_cast<const fb::Bool*>(content)->bool_val() ? 1 : 0;
        return {};
      case fb::KernelTypes::Double:
        value.kind = ValueKind::kDouble;
        value.number = static_cast<const fb::Double*>(content)->double_val();
        return {};
      case fb::KernelTypes::Tensor:
        value.kind = ValueKind::kTensor;
        return read_tensor(*static_cast<const fb::Tensor*>(content), value.tensor);
      case fb::KernelTypes::String: {
        const auto* const text = static_cast<const fb::String*>(content)->string_val();
        if (text == nullptr) return messages_.damaged(fmt::format("value {} is a text without content", index_));
        if (text->size() > kMaxTextBytes) {
          return messages_.too_large(fmt::format("value {} is a text of {} bytes", index_, text->size()));
        }
        value.kind = ValueKind::kString;
        value.text = as_text(text);
        return {};
      }
      case fb::KernelTypes::IntList:
        value.kind = ValueKind::kIntList;
        return check_list(static_cast<const fb::IntList*>(content)->items());
      case fb::KernelTypes::DoubleList: {
        const auto* const items = static_cast<const fb::DoubleList*>(content)->items();
        if (auto ok = check_list(items); !ok) return ok;
        value.kind = ValueKind::kDoubleList;
        const auto numbers = as_wide_span(items);
        if (!numbers) return messages_.damaged(fmt::format("value {} is a misaligned list", index_));
        value.numbers.assign(numbers->begin(), numbers->end());
        return {};
      }
      case fb::KernelTypes::BoolList: {
        const auto* const items = static_cast<const fb::BoolList*>(content)->items();
        if (auto ok = check_list(items); !ok) return ok;
        value.kind = ValueKind::kBoolList;
        for (const std::uint8_t item : as_span(items)) {
          // The runtime reads these bytes as bool, for which others than 0 and 1 are undefined.
          if (item > 1) return messages_.damaged(fmt::format("value {} has a boolean of {}", index_, item));
          value.integers.push_back(item);
        }
        return {};
      }
      case fb::KernelTypes::TensorList:
        value.kind = ValueKind::kTensorList;
        return read_tensor_list(static_cast<const fb::TensorList*>(content)->items(), false);
      case fb::KernelTypes::OptionalTensorList:
        value.kind = ValueKind::kOptionalTensorList;
        return read_tensor_list(static_cast<const fb::OptionalTensorList*>(content)->items(), true);
      default:
        return messages_.damaged(
            fmt::format("value {} is of unknown kind {}", index_, static_cast<int>(entry.val_type())));
    }
  }

  Status read_int_list(const flatbuffers::Vector<std::int64_t>* items) {
    const auto indices = as_wide_span(items);
    if (!indices) return messages_.damaged(fmt::format("value {} is a misaligned list", index_));
    for (const std::int64_t item : *indices) {
      if (item < 0 || static_cast<std::uint64_t>(item) >= values_.size()) {
        return messages_.damaged(fmt::format("value {} lists value {} of {}", index_, item, values_.size()));
      }
      const Value& integer = values_[static_cast<std::size_t>(item)];
      if (integer.kind != ValueKind::kInt) {
        return messages_.damaged(fmt::format("value {} lists value {}, which is no integer", index_, item));
      }
      values_[index_].integers.push_back(integer.integer);
    }
    return {};
  }

  /// The runtime copies the tensors of a list when it makes the list, so they must come before it.
  Status read_tensor_list(const flatbuffers::Vector<std::int32_t>* items, bool optional) {
    if (auto ok = check_list(items); !ok) return ok;
    for (const std::int32_t item : as_span(items)) {
      if (optional && item == -1) continue;
      if (item < 0 || static_cast<std::size_t>(item) >= index_) {
        return messages_.damaged(fmt::format("value {} lists value {}, which isn't there yet", index_, item));
      }
      const auto target = static_cast<std::size_t>(item);
      if (optional && values_[target].kind == ValueKind::kNone) continue;
      if (values_[target].kind != ValueKind::kTensor) {
        return messages_.damaged(fmt::format("value {} lists value {}, which is no tensor", index_, item));
      }
      values_[index_].items.push_back(target);
    }
    return {};
  }

  Status read_tensor(const fb::Tensor& table, Tensor& tensor) {
    const auto type = scalar_type(table.scalar_type());
    if (!type)
      return messages_.unsupported(
          fmt::format("tensor {} has elements of type {}", index_, static_cast<int>(table.scalar_type())));
    tensor.info.type = *type;
    if (table.storage_offset() != 0)
      return messages_.unsupported(fmt::format("tensor {} starts inside its storage", index_));
    if (table.shape_dynamism() != fb::TensorShapeDynamism::STATIC) {
      return messages_.unsupported(fmt::format("tensor {} has a shape that changes", index_));
    }
    if (const auto* const extra = table.extra_tensor_info(); extra != nullptr) {
      if (extra->location() != fb::TensorDataLocation::SEGMENT)
        return messages_.unsupported(
            fmt::format("tensor {} ('{}') is in another file (.ptd); export the weights into the .pte itself", index_,
                        printable(as_text(extra->fully_qualified_name()))));
      if (extra->device_type() != fb::DeviceType::CPU)
        return messages_.unsupported(fmt::format("tensor {} isn't for the CPU", index_));
      if (extra->mutable_data_segments_idx() != 0)
        return messages_.unsupported(fmt::format("tensor {} has its data in a second segment", index_));
    }
    if (auto ok = read_shape(table, tensor); !ok) return ok;
    return read_storage(table, tensor);
  }

  Status read_shape(const fb::Tensor& table, Tensor& tensor) {
    if (table.sizes() == nullptr || table.dim_order() == nullptr)
      return messages_.damaged(fmt::format("tensor {} has no shape", index_));
    const auto sizes = as_span(table.sizes());
    const auto order = as_span(table.dim_order());
    if (sizes.size() > kMaxRank)
      return messages_.damaged(fmt::format("tensor {} has {} dimensions", index_, sizes.size()));
    std::uint64_t bytes = element_bytes(tensor.info.type);
    for (const std::int32_t size : sizes) {
      if (size < 0) return messages_.damaged(fmt::format("tensor {} has a dimension of {}", index_, size));
      const auto product = checked_mul(bytes, static_cast<std::uint64_t>(size));
      if (!product || *product > kMaxPlannedBytes) {
        return messages_.too_large(fmt::format("tensor {} has the shape [{}]", index_, fmt::join(sizes, ", ")));
      }
      bytes = *product;
      tensor.info.sizes.push_back(size);
    }
    tensor.bytes = bytes;
    std::vector<bool> seen(sizes.size());
    for (const std::uint8_t dim : order) {
      if (dim >= sizes.size() || seen[dim]) {
        return messages_.damaged(fmt::format("tensor {} has the dimension order [{}]", index_, fmt::join(order, ", ")));
      }
      seen[dim] = true;
    }
    if (order.size() != sizes.size())
      return messages_.damaged(
          fmt::format("tensor {} has an order of {} dimensions and {} sizes", index_, order.size(), sizes.size()));
    tensor.info.dim_order.assign(order.begin(), order.end());
    return {};
  }

  Status read_storage(const fb::Tensor& table, Tensor& tensor) {
    const std::uint32_t data = table.data_buffer_idx();
    const auto* const allocation = table.allocation_info();
    if (allocation == nullptr) {
      tensor.storage = data == 0 ? Storage::kCaller : Storage::kConstant;
      if (data == 0) return {};
      const auto constant = find_constant(data, tensor);
      if (!constant) return std::unexpected(constant.error());
      tensor.data = *constant;
      return {};
    }
    tensor.storage = Storage::kPlanned;
    const std::uint64_t offset = allocation->memory_offset_low() | std::uint64_t{allocation->memory_offset_high()}
                                                                       << 32;
    if (allocation->memory_id() == 0 || allocation->memory_id() > planned_.size()) {
      return messages_.damaged(
          fmt::format("tensor {} is in planned buffer {} of {}", index_, allocation->memory_id(), planned_.size()));
    }
    const std::uint64_t size = planned_[allocation->memory_id() - 1];
    if (!in_range<std::uint64_t>(offset, tensor.bytes, size) || offset % element_bytes(tensor.info.type) != 0) {
      return messages_.damaged(fmt::format("tensor {} ({} bytes at {}) doesn't fit its planned buffer of {} bytes",
                                           index_, tensor.bytes, offset, size));
    }
    used_[allocation->memory_id() - 1] = std::max(used_[allocation->memory_id() - 1], offset + tensor.bytes);
    tensor.buffer = allocation->memory_id();
    tensor.offset = offset;
    tensor.has_initial_value = data != 0;
    if (data == 0) return {};
    const auto initial =
        find_data("initial value", data, tensor, container_.mutable_segment, container_.mutable_offsets);
    return initial ? Status() : std::unexpected(initial.error());
  }

  Outcome<Bytes> find_constant(std::uint32_t data, const Tensor& tensor) const {
    if (!container_.constant_offsets.empty()) {
      return find_data("constant", data, tensor, container_.constant_segment, container_.constant_offsets);
    }
    if (data >= container_.inline_constants.size()) {
      return messages_.damaged(
          fmt::format("tensor {} is constant {} of {}", index_, data, container_.inline_constants.size()));
    }
    const Bytes constant = container_.inline_constants[data];
    if (constant.size() < tensor.bytes ||
        reinterpret_cast<std::uintptr_t>(constant.data()) % element_bytes(tensor.info.type) != 0) {
      return messages_.damaged(fmt::format("tensor {} needs {} bytes, but its constant has {} or is misaligned", index_,
                                           tensor.bytes, constant.size()));
    }
    return constant;
  }

  Outcome<Bytes> find_data(std::string_view what, std::uint32_t data, const Tensor& tensor, Bytes segment,
                           const std::vector<std::uint64_t>& offsets) const {
    if (data >= offsets.size())
      return messages_.damaged(fmt::format("tensor {} has {} {} of {}", index_, what, data, offsets.size()));
    const std::uint64_t offset = offsets[data];
    if (!in_range<std::uint64_t>(offset, tensor.bytes, segment.size()) ||
        offset % element_bytes(tensor.info.type) != 0) {
      return messages_.damaged(fmt::format("tensor {} needs {} bytes at {} of a segment of {}", index_, tensor.bytes,
                                           offset, segment.size()));
    }
    return segment.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(tensor.bytes));
  }

  const fb::ExecutionPlan& table_;
  std::span<const std::uint64_t> planned_;
  const Container& container_;
  Messages messages_;
  std::vector<Value> values_;
  std::size_t index_ = 0;  // of the value that is being read
  std::size_t total_items_ = 0;
  std::vector<std::uint64_t> used_;  // bytes of each planned buffer up to the end of the last tensor in it
};

}  // namespace

std::size_t element_bytes(ScalarType type) noexcept {
  switch (type) {
    case ScalarType::kInt8:
    case ScalarType::kUint8:
    case ScalarType::kBool: return 1;
    case ScalarType::kHalf:
    case ScalarType::kBFloat16: return 2;
    case ScalarType::kFloat:
    case ScalarType::kInt32: return 4;
    case ScalarType::kDouble:
    case ScalarType::kInt64: return 8;
    case ScalarType::kOther: break;
  }
  return 0;
}

Outcome<std::vector<Value>> read_values(const fb::ExecutionPlan& table, std::span<const std::uint64_t> planned,
                                        const Container& container, const Messages& messages) {
  return Reader(table, planned, container, messages).read();
}

}  // namespace silhouette::pte
