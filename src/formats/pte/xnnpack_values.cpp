#include "formats/pte/xnnpack_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.hpp"
#include "formats/pte/flat.hpp"
#include "formats/pte/limits.hpp"
#include "runtime_schema_generated.h"

namespace silhouette::pte::xnnpack {
namespace {

namespace fb = fb_xnnpack;

constexpr std::uint32_t kNoId = UINT32_MAX;  // XNN_INVALID_VALUE_ID
constexpr std::uint32_t kExternalInput = 1;
constexpr std::uint32_t kExternalOutput = 2;

std::optional<DataType> data_type(fb::XNNDatatype type) {
  switch (type) {
    case fb::XNNDatatype::xnn_datatype_fp32: return DataType::kFloat;
    case fb::XNNDatatype::xnn_datatype_qint8: return DataType::kQint8;
    case fb::XNNDatatype::xnn_datatype_quint8: return DataType::kQuint8;
    case fb::XNNDatatype::xnn_datatype_qint32: return DataType::kQint32;
    case fb::XNNDatatype::xnn_datatype_qcint8: return DataType::kQcint8;
    case fb::XNNDatatype::xnn_datatype_qcint32: return DataType::kQcint32;
    default: return std::nullopt;
  }
}

bool is_per_channel(DataType type) {
  return type == DataType::kQcint8 || type == DataType::kQcint32;
}

bool is_scale(float scale) {
  return scale > 0 && std::isnormal(scale);
}

class Reader {
 public:
  Reader(const fb::XValue& table, const ConstantSource& constants, const Messages& messages)
      : table_(table), constants_(constants), messages_(messages) {}

  Outcome<DecodedValue> read() {
    if (table_.xvalue_union() == nullptr) return messages_.damaged("it is missing");
    const fb::XNNTensorValue* tensor = nullptr;
    const fb::XNNQuantizedTensorValue* quantized = nullptr;
    switch (table_.xvalue_union_type()) {
      case fb::XValueUnion::XNNTensorValue:
        tensor = static_cast<const fb::XNNTensorValue*>(table_.xvalue_union());
        break;
      case fb::XValueUnion::XNNQuantizedTensorValue:
        quantized = static_cast<const fb::XNNQuantizedTensorValue*>(table_.xvalue_union());
        tensor = quantized->tensor_value();
        break;
      default:
        return messages_.damaged(fmt::format("it is of unknown kind {}", static_cast<int>(table_.xvalue_union_type())));
    }
    if (tensor == nullptr) return messages_.damaged("it is missing");
    if (auto ok = read_tensor(*tensor); !ok) return forward_error(std::move(ok));
    if (auto ok = read_quantization(quantized); !ok) return forward_error(std::move(ok));
    return std::move(result_);
  }

 private:
  Status read_tensor(const fb::XNNTensorValue& tensor) {
    Value& value = result_.value;
    result_.id = tensor.id_out();
    if (result_.id == kNoId) return messages_.damaged("it has no id");
    const auto type = data_type(tensor.datatype());
    if (!type)
      return messages_.unsupported(fmt::format("it has the type {} ({})", fb::EnumNameXNNDatatype(tensor.datatype()),
                                               static_cast<int>(tensor.datatype())));
    value.type = *type;
    if (tensor.dq_datatype() != fb::XNNDatatype::xnn_datatype_invalid)
      return messages_.unsupported("it is quantised while the model runs");
    if (auto ok = read_dims(tensor); !ok) return ok;
    if (auto ok = read_role(tensor); !ok) return ok;
    return {};
  }

  Status read_dims(const fb::XNNTensorValue& tensor) {
    Value& value = result_.value;
    const auto dims = as_span(tensor.dims());
    if (dims.size() > kMaxXnnRank) return messages_.damaged(fmt::format("it has {} dimensions", dims.size()));
    if (dims.size() != tensor.num_dims())
      return messages_.damaged(fmt::format("it has {} dimensions of {}", dims.size(), tensor.num_dims()));
    value.dims.assign(dims.begin(), dims.end());
    bytes_ = element_bytes(value.type);
    for (const std::uint32_t dim : dims) {
      if (dim == 0) return messages_.damaged(fmt::format("it has the shape {}", describe(value.dims)));
      const auto product = checked_mul(bytes_, std::uint64_t{dim});
      if (!product || *product > kMaxWorkspaceBytes)
        return messages_.too_large(fmt::format("it has the shape {}", describe(value.dims)));
      bytes_ = *product;
    }
    return {};
  }

  /// A value is a constant, or an argument of the call, or neither.
  Status read_role(const fb::XNNTensorValue& tensor) {
    Value& value = result_.value;
    if ((tensor.flags() & ~(kExternalInput | kExternalOutput)) != 0 ||
        tensor.flags() == (kExternalInput | kExternalOutput)) {
      return messages_.damaged(fmt::format("it has the flags {:#x}", tensor.flags()));
    }
    value.is_input = tensor.flags() == kExternalInput;
    value.is_output = tensor.flags() == kExternalOutput;
    const bool external = value.is_input || value.is_output;
    if (external != (tensor.external_id() != kNoId)) return messages_.damaged("its external id contradicts its flags");
    if (external) value.external = tensor.external_id();
    if (tensor.constant_buffer_idx() != 0) {
      if (external) return messages_.damaged("it is a constant and an argument");
      const auto data = find_constant(tensor.constant_buffer_idx(), bytes_);
      if (!data) return std::unexpected(data.error());
      value.constant = true;
      value.data = *data;
    }
    if (!value.constant && value.type != DataType::kFloat && value.type != DataType::kQint8 &&
        value.type != DataType::kQuint8) {
      return messages_.damaged("it has the type of weights but is no constant");
    }
    return {};
  }

  /// The first `needed` bytes of constant `index` ≥ 1.
  Outcome<Bytes> find_constant(std::uint32_t index, std::uint64_t needed) const {
    Outcome<Bytes> data = constants_.has_header ? find_outside(index) : find_inline(index);
    if (!data) return data;
    if (data->size() < needed) {
      return messages_.damaged(fmt::format("it needs {} bytes, but its constant has {}", needed, data->size()));
    }
    // Inline and segment data are aligned by their containers; only offsets can be odd.
    if (reinterpret_cast<std::uintptr_t>(data->data()) % element_bytes(result_.value.type) != 0) {
      return messages_.damaged("its constant is misaligned");
    }
    return data->first(static_cast<std::size_t>(needed));
  }

  Outcome<Bytes> find_inline(std::uint32_t index) const {
    const auto* const table = constants_.graph->constant_buffer();
    if (index >= count(table)) return messages_.damaged(fmt::format("it is constant {} of {}", index, count(table)));
    return as_bytes(table->Get(index)->storage());
  }

  Outcome<Bytes> find_outside(std::uint32_t index) const {
    const auto* const table = constants_.graph->constant_data();
    if (index >= count(table)) return messages_.damaged(fmt::format("it is constant {} of {}", index, count(table)));
    const auto* const entry = table->Get(index);
    if (entry->named_key() != nullptr) {
      if (!is_name(entry->named_key())) return messages_.damaged(fmt::format("constant {} has no proper key", index));
      const auto found = constants_.named->find(as_text(entry->named_key()));
      if (found == constants_.named->end()) {
        return messages_.damaged(fmt::format(
            "constant {} is '{}', which the file hasn't; if it came with a .ptd, export the weights into the "
            ".pte itself",
            index, printable(as_text(entry->named_key()))));
      }
      return found->second;
    }
    if (!in_range<std::uint64_t>(entry->offset(), entry->size(), constants_.region.size())) {
      return messages_.damaged(fmt::format("constant {} ({} bytes at {}) is outside its region of {} bytes", index,
                                           entry->size(), entry->offset(), constants_.region.size()));
    }
    return constants_.region.subspan(static_cast<std::size_t>(entry->offset()),
                                     static_cast<std::size_t>(entry->size()));
  }

  Status read_quantization(const fb::XNNQuantizedTensorValue* quantized) {
    Value& value = result_.value;
    if ((quantized == nullptr) != (value.type == DataType::kFloat))
      return messages_.damaged("its type contradicts its quantisation");
    if (quantized == nullptr) return {};
    const void* const parameters = quantized->quant_params();
    if (parameters == nullptr) return messages_.damaged("it has no scale");
    switch (quantized->quant_params_type()) {
      case fb::XNNQuantParams::PerTensorQuant:
        return read_per_tensor(*static_cast<const fb::PerTensorQuant*>(parameters));
      case fb::XNNQuantParams::PerChannelQuant:
        return read_per_channel(*static_cast<const fb::PerChannelQuant*>(parameters));
      default:
        return messages_.unsupported(
            fmt::format("it is quantised by {}", fb::EnumNameXNNQuantParams(quantized->quant_params_type())));
    }
  }

  Status read_per_tensor(const fb::PerTensorQuant& parameters) {
    Value& value = result_.value;
    if (is_per_channel(value.type)) return messages_.damaged("it has one scale, but a type with one per channel");
    value.scale = parameters.scale();
    value.zero_point = parameters.zero_point();
    if (!is_scale(value.scale)) return messages_.damaged(fmt::format("it has the scale {}", value.scale));
    const std::int32_t least = value.type == DataType::kQint8 ? -128 : 0;
    const std::int32_t most = value.type == DataType::kQint8 ? 127 : value.type == DataType::kQuint8 ? 255 : 0;
    if (value.zero_point < least || value.zero_point > most)
      return messages_.damaged(fmt::format("it has the zero point {}", value.zero_point));
    return {};
  }

  Status read_per_channel(const fb::PerChannelQuant& parameters) {
    Value& value = result_.value;
    if (!is_per_channel(value.type)) return messages_.damaged("it has a scale per channel, but a type with one");
    const auto dim = parameters.channel_dim();
    if (dim < 0 || static_cast<std::size_t>(dim) >= value.dims.size())
      return messages_.damaged(fmt::format("its scales are along dimension {}", dim));
    value.channel_dim = static_cast<std::uint32_t>(dim);
    const std::uint32_t channels = value.dims[value.channel_dim];
    if (channels > kMaxScales) return messages_.too_large(fmt::format("it has {} scales", channels));
    if (parameters.scale_buffer_idx() != 0) {
      const auto data = find_constant(parameters.scale_buffer_idx(), std::uint64_t{channels} * sizeof(float));
      if (!data) return std::unexpected(data.error());
      if (reinterpret_cast<std::uintptr_t>(data->data()) % alignof(float) != 0)
        return messages_.damaged("its scales are misaligned");
      value.scales.resize(channels);
      std::memcpy(value.scales.data(), data->data(), data->size());
    } else {
      const auto scales = as_span(parameters.scale());
      if (scales.size() < channels)
        return messages_.damaged(fmt::format("it has {} scales for {} channels", scales.size(), channels));
      value.scales.assign(scales.begin(), scales.begin() + static_cast<std::ptrdiff_t>(channels));
    }
    if (!std::ranges::all_of(value.scales, is_scale))
      return messages_.damaged("it has a scale that isn't positive and finite");
    return {};
  }

  const fb::XValue& table_;
  const ConstantSource& constants_;
  const Messages& messages_;
  DecodedValue result_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Outcome<DecodedValue> read_value(const fb::XValue& table, const ConstantSource& constants, const Messages& messages) {
  return Reader(table, constants, messages).read();
}

std::size_t element_bytes(DataType type) noexcept {
  switch (type) {
    case DataType::kQint8:
    case DataType::kQuint8:
    case DataType::kQcint8: return 1;
    case DataType::kFloat:
    case DataType::kQint32:
    case DataType::kQcint32: break;
  }
  return 4;
}

std::string describe(std::span<const std::uint32_t> dims) {
  if (dims.empty()) return "a single number";
  std::string text;
  for (const std::uint32_t dim : dims) text += fmt::format("{}{}", text.empty() ? "" : "x", dim);
  return text;
}

}  // namespace silhouette::pte::xnnpack
