#include "formats/pte/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "formats/common/network_builder.hpp"
#include "formats/pte/limits.hpp"
#include "formats/pte/network_delegate.hpp"
#include "formats/pte/network_kernels.hpp"
#include "formats/pte/values.hpp"

namespace silhouette::pte {
namespace {

using graph::TensorId;

/// What a method's memory holds while it runs. Exporters leave out views: then a tensor is read that nothing wrote,
/// at the place of another one that has as many bytes.
class Memory {
 public:
  void write(std::size_t value, const Tensor& tensor, TensorId id) {
    if (tensor.storage != Storage::kPlanned) {
      others_[value] = id;
      return;
    }
    auto& buffer = buffers_[tensor.buffer];
    const std::uint64_t end = tensor.offset + tensor.bytes;
    auto it = buffer.upper_bound(tensor.offset);
    if (it != buffer.begin() && std::prev(it)->second.end > tensor.offset) --it;
    while (it != buffer.end() && it->first < end) it = buffer.erase(it);
    buffer[tensor.offset] = {end, id};
  }

  [[nodiscard]] std::optional<TensorId> read(std::size_t value, const Tensor& tensor) const {
    if (tensor.storage != Storage::kPlanned) {
      const auto found = others_.find(value);
      return found == others_.end() ? std::nullopt : std::optional(found->second);
    }
    const auto buffer = buffers_.find(tensor.buffer);
    if (buffer == buffers_.end()) return std::nullopt;
    const auto found = buffer->second.find(tensor.offset);
    if (found == buffer->second.end() || found->second.end != tensor.offset + tensor.bytes) return std::nullopt;
    return found->second.id;
  }

 private:
  struct Piece {
    std::uint64_t end = 0;
    TensorId id = 0;
  };
  std::map<std::uint32_t, std::map<std::uint64_t, Piece>> buffers_;  // pieces by first byte; they don't overlap
  std::map<std::size_t, TensorId> others_;
};

class Reader {
 public:
  Reader(const VerifiedProgram& program, std::size_t output, std::shared_ptr<const void> owner,
         const Messages& messages)
      : program_(program),
        plan_(program.forward),
        messages_((program.graphs.empty() ? messages : messages.of_well_exported()).within("method 'forward'")),
        builder_(std::move(owner), messages_),
        output_(output) {}

  Outcome<graph::Graph> read() {
    if (plan_.inputs.size() != 1) return messages_.unsupported(fmt::format("it has {} inputs", plan_.inputs.size()));
    if (output_ >= plan_.outputs.size()) return messages_.unsupported(fmt::format("it has no output {}", output_));
    for (const std::size_t value : {plan_.inputs[0], plan_.outputs[output_]}) {
      if (tensor(value).info.type != ScalarType::kFloat)
        return messages_.unsupported(fmt::format("its input or output is {}", describe(tensor(value).info)));
    }
    const auto input = builder_.add_value(memory_dims(tensor(plan_.inputs[0]).info));
    if (!input) return std::unexpected(input.error());
    builder_.graph().input = *input;
    memory_.write(plan_.inputs[0], tensor(plan_.inputs[0]), *input);
    for (std::size_t i = 0; i < plan_.calls.size(); ++i) {
      const Call& call = plan_.calls[i];
      auto ok = call.is_delegate
                    ? add_delegate_call(call, messages_.within(fmt::format("delegate {}", call.delegate)))
                    : add_kernel_call(
                          call, messages_.within(fmt::format("instruction {} ({})", i, printable(call.operator_name))));
      if (!ok) return forward_error(std::move(ok));
    }
    const auto output = read_value(plan_.outputs[output_], messages_);
    if (!output) return std::unexpected(output.error());
    // The delegates' limits hold for each alone, and one may be called many times.
    return builder_.finish(*output);
  }

 private:
  [[nodiscard]] const Tensor& tensor(std::size_t value) const { return plan_.values[value].tensor; }

  Outcome<TensorId> read_value(std::size_t value, const Messages& place) {
    const Tensor& source = tensor(value);
    if (source.storage == Storage::kConstant) return read_constant(value, place);
    if (source.info.type != ScalarType::kFloat) return not_float(source, place);
    const auto id = memory_.read(value, source);
    if (!id) return place.unsupported("it reads memory that nothing in the network wrote, or not as a whole");
    return builder_.reshape(*id, memory_dims(source.info));
  }

  static std::unexpected<Fault> not_float(const Tensor& source, const Messages& place) {
    return place.unsupported(fmt::format("it reads {}, and the native engine computes in fp32", describe(source.info)));
  }

  Outcome<TensorId> read_constant(std::size_t value, const Messages& place) {
    if (const auto found = constants_.find(value); found != constants_.end()) return found->second;
    const Tensor& source = tensor(value);
    const auto dims = memory_dims(source.info);
    if (std::ranges::find(dims, 0) != dims.end()) return place.unsupported("it reads an empty tensor");
    if (source.info.type == ScalarType::kFloat) return constants_[value] = builder_.add_constant(dims, source.data);
    // The numbers of Python's arithmetic, which exporters keep as integers until a kernel makes them floats.
    constexpr std::uint64_t kMaxBytes = 4096;
    if (source.bytes > kMaxBytes) return not_float(source, place);
    std::vector<float> values;
    switch (source.info.type) {
      case ScalarType::kInt64: values = elements_as<std::int64_t, float>(source); break;
      case ScalarType::kInt32: values = elements_as<std::int32_t, float>(source); break;
      case ScalarType::kDouble: values = elements_as<double, float>(source); break;
      default: return not_float(source, place);
    }
    return constants_[value] = builder_.graph().add_constant(dims, std::move(values));
  }

  Status add_delegate_call(const Call& call, const Messages& place) {
    const xnnpack::Graph& delegate = program_.graphs[call.delegate];
    std::vector<TensorId> arguments(call.args.size());
    for (std::size_t i = 0; i < call.args.size(); ++i) {
      if (!delegate.values[delegate.externals[i]].is_input) continue;
      const auto id = read_value(call.args[i], place);
      if (!id) return std::unexpected(id.error());
      arguments[i] = *id;
    }
    const auto results = add_delegate(builder_, delegate, arguments, place);
    if (!results) return std::unexpected(results.error());
    for (std::size_t i = 0; i < call.args.size(); ++i) {
      if (delegate.values[delegate.externals[i]].is_output)
        memory_.write(call.args[i], tensor(call.args[i]), (*results)[i]);
    }
    return {};
  }

  Status add_kernel_call(const Call& call, const Messages& place) {
    const auto movement = read_movement(plan_, call, place);
    if (!movement) return std::unexpected(movement.error());
    const auto from = read_value(movement->from_value, place);
    if (!from) return std::unexpected(from.error());
    const auto to = add_movement(builder_, plan_, call, *movement, *from);
    if (!to) return std::unexpected(to.error());
    memory_.write(movement->to_value, *movement->to, *to);
    return {};
  }

  const VerifiedProgram& program_;
  const Plan& plan_;
  Messages messages_;
  NetworkBuilder builder_;
  Memory memory_;
  std::map<std::size_t, TensorId> constants_;  // by value
  std::size_t output_;
};

}  // namespace

Outcome<graph::Graph> network_of(const VerifiedProgram& program, std::string_view name, std::size_t output,
                                 std::shared_ptr<const void> owner) {
  return Reader(program, output, std::move(owner), messages_of(name)).read();
}

}  // namespace silhouette::pte
