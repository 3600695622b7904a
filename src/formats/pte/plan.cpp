#include "formats/pte/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/checked.hpp"
#include "formats/pte/flat.hpp"
#include "formats/pte/limits.hpp"
#include "formats/pte/values.hpp"
#include "program_generated.h"

namespace silhouette::pte {
namespace {

namespace fb = executorch_flatbuffer;

// The runtime builds an operator's full name in a buffer of this size.
constexpr std::size_t kMaxOperatorName = 99;

class Reader {
 public:
  Reader(const fb::ExecutionPlan& table, const Container& container, const Messages& messages)
      : table_(table), container_(container), messages_(messages) {
    plan_.name = as_text(table.name());
  }

  Outcome<Plan> read() {
    for (const auto step : {&Reader::read_buffers, &Reader::read_values, &Reader::read_interface,
                            &Reader::read_delegates, &Reader::read_chains}) {
      if (auto ok = (this->*step)(); !ok) return forward_error(std::move(ok));
    }
    return std::move(plan_);
  }

 private:
  Status read_buffers() {
    const auto given = as_wide_span(table_.non_const_buffer_sizes());
    if (!given) return messages_.damaged("its table of planned buffers is misaligned");
    const auto sizes = *given;
    // The first entry is reserved; a runtime that subtracts it from the count must find it.
    if (sizes.empty()) return messages_.damaged("it has no table of planned buffers");
    if (sizes.size() > kMaxListItems)
      return messages_.too_large(fmt::format("it has {} planned buffers", sizes.size()));
    std::uint64_t total = 0;
    for (std::size_t i = 1; i < sizes.size(); ++i) {
      if (sizes[i] < 0) return messages_.damaged(fmt::format("planned buffer {} has {} bytes", i, sizes[i]));
      const auto sum = checked_add(total, static_cast<std::uint64_t>(sizes[i]));
      if (!sum || *sum > kMaxPlannedBytes) {
        return messages_.too_large(fmt::format("it plans for more than {} GiB of memory", kMaxPlannedBytes >> 30));
      }
      total = *sum;
      planned_.push_back(static_cast<std::uint64_t>(sizes[i]));
    }
    for (std::size_t i = 0; i < count(table_.non_const_buffer_device()); ++i) {
      const auto* const device = table_.non_const_buffer_device()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (device->device_type() != fb::DeviceType::CPU)
        return messages_.unsupported("a planned buffer isn't for the CPU");
    }
    return {};
  }

  Status read_values() {
    auto values = pte::read_values(table_, planned_, container_, messages_);
    if (!values) return forward_error(std::move(values));
    plan_.values = std::move(*values);
    return {};
  }

  Status read_indices(std::string_view what, const flatbuffers::Vector<std::int32_t>* indices,
                      std::vector<std::size_t>& target) {
    if (count(indices) > kMaxListItems) return messages_.too_large(fmt::format("it has {} {}", count(indices), what));
    total_items_ += count(indices);
    if (total_items_ > kMaxTotalItems) return messages_.too_large("its calls have too many arguments");
    for (const std::int32_t index : as_span(indices)) {
      if (index < 0 || static_cast<std::size_t>(index) >= plan_.values.size()) {
        return messages_.damaged(fmt::format("value {} of {} is among the {}", index, plan_.values.size(), what));
      }
      target.push_back(static_cast<std::size_t>(index));
    }
    return {};
  }

  Status read_interface() {
    if (auto ok = read_indices("inputs", table_.inputs(), plan_.inputs); !ok) return ok;
    return read_indices("outputs", table_.outputs(), plan_.outputs);
  }

  Status read_delegates() {
    if (count(table_.delegates()) > kMaxDelegates) {
      return messages_.too_large(fmt::format("it has {} delegates", count(table_.delegates())));
    }
    for (flatbuffers::uoffset_t i = 0; i < count(table_.delegates()); ++i) {
      if (auto ok = read_delegate(*table_.delegates()->Get(i), i); !ok) return ok;
    }
    return {};
  }

  Status read_delegate(const fb::BackendDelegate& table, std::size_t index) {
    if (!is_name(table.id())) return messages_.damaged(fmt::format("delegate {} has no proper id", index));
    if (table.processed() == nullptr) return messages_.damaged(fmt::format("delegate {} has no data", index));
    for (std::size_t i = 0; i < count(table.compile_specs()); ++i) {
      const auto* const spec = table.compile_specs()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (spec->key() == nullptr || spec->value() == nullptr)
        return messages_.damaged(fmt::format("delegate {} has an empty option", index));
    }
    const std::size_t place = table.processed()->index();
    const bool in_segment = table.processed()->location() == fb::DataLocation::SEGMENT;
    if (!in_segment && table.processed()->location() != fb::DataLocation::INLINE) {
      return messages_.damaged(fmt::format("delegate {} has its data nowhere", index));
    }
    const auto& blobs = in_segment ? container_.segments : container_.inline_delegates;
    if (place >= blobs.size())
      return messages_.damaged(fmt::format("delegate {} has its data in blob {} of {}", index, place, blobs.size()));
    plan_.delegates.push_back({.backend = as_text(table.id()), .payload = blobs[place]});
    return {};
  }

  Status read_chains() {
    const auto* const chains = table_.chains();
    if (count(chains) == 0) return messages_.damaged("it has no chain of instructions");
    if (count(chains) > 1) return messages_.unsupported("it has several chains of instructions");
    const auto* const instructions = chains->Get(0)->instructions();
    if (count(instructions) > kMaxInstructions) {
      return messages_.too_large(fmt::format("it has {} instructions", count(instructions)));
    }
    for (flatbuffers::uoffset_t i = 0; i < count(instructions); ++i) {
      if (auto ok = read_instruction(*instructions->Get(i), i); !ok) return ok;
    }
    return {};
  }

  Status read_instruction(const fb::Instruction& table, std::size_t index) {
    const void* const content = table.instr_args();
    if (content == nullptr) return messages_.damaged(fmt::format("instruction {} is empty", index));
    switch (table.instr_args_type()) {
      case fb::InstructionArguments::KernelCall:
        return read_kernel_call(*static_cast<const fb::KernelCall*>(content), index);
      case fb::InstructionArguments::DelegateCall:
        return read_delegate_call(*static_cast<const fb::DelegateCall*>(content), index);
      case fb::InstructionArguments::MoveCall:
      case fb::InstructionArguments::JumpFalseCall:
      case fb::InstructionArguments::FreeCall:
        return messages_.unsupported(
            fmt::format("instruction {} is a {}", index, fb::EnumNameInstructionArguments(table.instr_args_type())));
      default:
        return messages_.damaged(
            fmt::format("instruction {} is of unknown kind {}", index, static_cast<int>(table.instr_args_type())));
    }
  }

  Status read_kernel_call(const fb::KernelCall& table, std::size_t index) {
    Call call;
    const auto number = table.op_index();
    if (number < 0 || static_cast<std::size_t>(number) >= count(table_.operators())) {
      return messages_.damaged(
          fmt::format("instruction {} calls operator {} of {}", index, number, count(table_.operators())));
    }
    const auto* const op = table_.operators()->Get(static_cast<flatbuffers::uoffset_t>(number));
    // The runtime's log of a failed call reads the overload's name too.
    if (!is_name(op->name()) || op->overload() == nullptr ||
        as_text(op->overload()).find('\0') != std::string_view::npos) {
      return messages_.damaged(fmt::format("operator {} has no proper name", number));
    }
    call.operator_name = as_text(op->name());
    if (op->overload()->size() > 0) call.operator_name.append(".").append(as_text(op->overload()));
    if (call.operator_name.size() > kMaxOperatorName)
      return messages_.damaged(fmt::format("operator {} has an overlong name", number));
    if (auto ok = read_indices(fmt::format("arguments of instruction {}", index), table.args(), call.args); !ok)
      return ok;
    plan_.calls.push_back(std::move(call));
    return {};
  }

  Status read_delegate_call(const fb::DelegateCall& table, std::size_t index) {
    Call call{.is_delegate = true, .operator_name = {}, .delegate = 0, .args = {}};
    const auto number = table.delegate_index();
    if (number < 0 || static_cast<std::size_t>(number) >= plan_.delegates.size()) {
      return messages_.damaged(
          fmt::format("instruction {} calls delegate {} of {}", index, number, plan_.delegates.size()));
    }
    call.delegate = static_cast<std::size_t>(number);
    if (auto ok = read_indices(fmt::format("arguments of instruction {}", index), table.args(), call.args); !ok)
      return ok;
    plan_.calls.push_back(std::move(call));
    return {};
  }

  const fb::ExecutionPlan& table_;
  const Container& container_;
  Messages messages_;
  std::vector<std::uint64_t> planned_;
  std::size_t total_items_ = 0;
  Plan plan_;
};

}  // namespace

Outcome<Plan> read_plan(const fb::ExecutionPlan& table, const Container& container, const Messages& messages) {
  return Reader(table, container, messages).read();
}

std::string describe(const TensorInfo& tensor) {
  static constexpr std::array<std::string_view, 10> kNames{"float", "double", "half",  "bfloat16", "int64",
                                                           "int32", "int8",   "uint8", "bool",     "other"};
  return fmt::format("{} [{}]", kNames[static_cast<std::size_t>(tensor.type)], fmt::join(tensor.sizes, ", "));
}

}  // namespace silhouette::pte
