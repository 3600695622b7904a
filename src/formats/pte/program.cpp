#include "formats/pte/program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/aligned_buffer.hpp"
#include "formats/pte/container.hpp"
#include "formats/pte/flat.hpp"
#include "formats/pte/kernels.hpp"
#include "formats/pte/limits.hpp"
#include "formats/pte/messages.hpp"
#include "formats/pte/plan.hpp"
#include "formats/pte/values.hpp"
#include "formats/pte/verified.hpp"
#include "formats/pte/xnnpack.hpp"
#include "formats/pte/xnnpack_faults.hpp"
#include "program_generated.h"

namespace silhouette::pte {
namespace {

namespace fb = executorch_flatbuffer;

constexpr std::string_view kMethod = "forward";
constexpr std::string_view kBackend = "XnnpackBackend";

bool is_contiguous(const TensorInfo& tensor) {
  return std::ranges::is_sorted(tensor.dim_order);
}

/// Sizes in memory order, which is how a delegate sees a tensor.
std::vector<std::int64_t> sizes_in_memory(const TensorInfo& tensor) {
  std::vector<std::int64_t> sizes;
  for (const std::uint8_t dim : tensor.dim_order) sizes.push_back(tensor.sizes[dim]);
  return sizes;
}

ScalarType tensor_type(xnnpack::DataType type) {
  switch (type) {
    case xnnpack::DataType::kQint8: return ScalarType::kInt8;
    case xnnpack::DataType::kQuint8: return ScalarType::kUint8;
    default: return ScalarType::kFloat;
  }
}

/// Whether all that a delegate does with one of its values is arithmetic with larger ones, which are no single numbers
/// either when it runs.
bool is_only_broadcast(const xnnpack::Graph& graph, std::uint32_t value) {
  for (const xnnpack::Node& node : graph.nodes) {
    if (std::ranges::find(node.inputs, value) == node.inputs.end()) continue;
    const auto is_larger = [&](std::uint32_t id) {
      const auto& dims = graph.values[id].dims;
      return graph.values[id].external ? dims.size() > 1 : !dims.empty();
    };
    if (!xnnpack::is_binary(node.op) || std::ranges::none_of(node.inputs, is_larger)) return false;
  }
  return true;
}

class Parser {
 public:
  Parser(Bytes file, std::string_view name) : file_(file), messages_(messages_of(name)) {}

  Outcome<VerifiedProgram> parse() {
    auto container = open_container(file_, messages_);
    if (!container) return forward_error(std::move(container));
    container_ = std::move(*container);
    result_.weight_bytes = container_.weight_bytes;

    const auto* const plans = container_.program->execution_plan();
    if (count(plans) == 0) return messages_.damaged("it has no methods");
    if (plans->size() > kMaxMethods) return messages_.too_large(fmt::format("it has {} methods", plans->size()));
    const fb::ExecutionPlan* forward = nullptr;
    std::set<std::string_view> names;
    for (const fb::ExecutionPlan* const plan : *plans) {
      if (!is_name(plan->name())) return messages_.damaged("a method has no proper name");
      if (!names.insert(as_text(plan->name())).second) {
        return messages_.damaged(fmt::format("it has two methods '{}'", printable(as_text(plan->name()))));
      }
      if (as_text(plan->name()) == kMethod) {
        forward = plan;
      } else if (auto ok = read_metadata(*plan); !ok) {
        return forward_error(std::move(ok));
      }
    }
    if (forward == nullptr) return no_forward(*plans);
    if (auto ok = read_forward(*forward); !ok) return forward_error(std::move(ok));
    return VerifiedProgram{.program = std::move(result_), .forward = std::move(plan_), .graphs = std::move(graphs_)};
  }

 private:
  /// Names what could be meant: metadata takes nothing.
  std::unexpected<Fault> no_forward(const flatbuffers::Vector<flatbuffers::Offset<fb::ExecutionPlan>>& plans) const {
    constexpr std::size_t kShown = 8;
    std::vector<std::string> others;
    for (const fb::ExecutionPlan* const plan : plans) {
      if (count(plan->inputs()) > 0) others.push_back(fmt::format("'{}'", printable(as_text(plan->name()))));
    }
    if (others.empty())
      return messages_.unsupported(fmt::format("it has no method '{}', and no other that takes an image", kMethod));
    const std::string more = others.size() > kShown ? ", …" : "";
    others.resize(std::min(others.size(), kShown));
    return messages_.unsupported(
        fmt::format("it has no method '{}', but {}{}", kMethod, fmt::join(others, ", "), more));
  }

  static Messages within_method(const Messages& messages, const fb::ExecutionPlan& plan) {
    return messages.within(fmt::format("method '{}'", printable(as_text(plan.name()))));
  }

  /// A method without inputs and instructions returns constants: metadata. Other methods than `forward` are never run
  /// and don't matter.
  Status read_metadata(const fb::ExecutionPlan& table) {
    if (count(table.inputs()) != 0 || count(table.chains()) != 1 || count(table.chains()->Get(0)->instructions()) != 0)
      return {};
    const auto place = within_method(messages_, table);
    auto plan = read_plan(table, container_, place);
    if (!plan) return forward_error(std::move(plan));
    std::vector<const Value*> outputs;
    for (const std::size_t index : plan->outputs) outputs.push_back(&plan->values[index]);
    if (outputs.empty()) return {};

    const auto is_text = [](const Value* value) { return value->kind == ValueKind::kString; };
    if (std::ranges::all_of(outputs, is_text)) return add_text(plan->name, outputs, place);
    std::vector<double> numbers;
    for (const Value* const value : outputs) {
      switch (value->kind) {
        case ValueKind::kInt:
        case ValueKind::kBool: numbers.push_back(static_cast<double>(value->integer)); break;
        case ValueKind::kDouble: numbers.push_back(value->number); break;
        case ValueKind::kIntList:
        case ValueKind::kBoolList:
          for (const std::int64_t item : value->integers) numbers.push_back(static_cast<double>(item));
          break;
        case ValueKind::kDoubleList: numbers.insert(numbers.end(), value->numbers.begin(), value->numbers.end()); break;
        case ValueKind::kTensor:
          if (const auto items = numbers_of(value->tensor)) {
            numbers.insert(numbers.end(), items->begin(), items->end());
            break;
          }
          [[fallthrough]];
        default: result_.metadata.emplace(plan->name, std::monostate()); return {};
      }
      if (numbers.size() > kMaxTotalItems) return place.too_large("it returns too many numbers");
    }
    const bool single = outputs.size() == 1 && numbers.size() == 1 &&
                        (outputs[0]->kind == ValueKind::kInt || outputs[0]->kind == ValueKind::kBool ||
                         outputs[0]->kind == ValueKind::kDouble);
    result_.metadata.emplace(plan->name, single ? MetadataValue(numbers[0]) : MetadataValue(std::move(numbers)));
    return {};
  }

  /// A small constant tensor's numbers.
  static std::optional<std::vector<double>> numbers_of(const Tensor& tensor) {
    constexpr std::uint64_t kMaxBytes = 4096;
    if (tensor.storage != Storage::kConstant || tensor.bytes > kMaxBytes) return std::nullopt;
    switch (tensor.info.type) {
      case ScalarType::kFloat: return elements_as<float, double>(tensor);
      case ScalarType::kDouble: return elements_as<double, double>(tensor);
      case ScalarType::kInt32: return elements_as<std::int32_t, double>(tensor);
      case ScalarType::kInt64: return elements_as<std::int64_t, double>(tensor);
      default: return std::nullopt;
    }
  }

  /// Several texts become lines of one.
  Status add_text(std::string_view name, const std::vector<const Value*>& texts, const Messages& place) {
    std::string text;
    for (const Value* const value : texts) {
      metadata_bytes_ += value->text.size() + 1;
      if (metadata_bytes_ > kMaxMetadataBytes) return place.too_large("its texts are long");
      if (!text.empty()) text += '\n';
      text += value->text;
    }
    result_.metadata.emplace(name, std::move(text));
    return {};
  }

  Status read_forward(const fb::ExecutionPlan& table) {
    const auto place = within_method(messages_, table);
    auto plan = read_plan(table, container_, place);
    if (!plan) return forward_error(std::move(plan));
    return read_calls(*plan, std::ranges::any_of(plan->delegates, is_xnnpack) ? place.of_well_exported() : place);
  }

  static bool is_xnnpack(const Delegate& delegate) { return delegate.backend == kBackend; }

  Status read_calls(Plan& plan, const Messages& place) {
    if (auto ok = read_interface(plan, place); !ok) return ok;
    for (std::size_t i = 0; i < plan.delegates.size(); ++i) {
      const Delegate& delegate = plan.delegates[i];
      if (!is_xnnpack(delegate)) {
        return place.unsupported(fmt::format("a part of it is made for the backend '{}'", printable(delegate.backend)));
      }
      auto graph = xnnpack::read_graph(delegate.payload, container_.named_data, fmt::format("delegate {}", i), place);
      if (!graph) return forward_error(std::move(graph));
      for (const xnnpack::Node& node : graph->nodes)
        operators_.insert(fmt::format("xnnpack:{}", xnnpack::op_name(node.op)));
      if (graph->holds_constants) {
        result_.payloads_in_use.emplace_back(static_cast<std::size_t>(delegate.payload.data() - file_.data()),
                                             delegate.payload.size());
      }
      if (result_.fault_of_xnnpack.empty()) result_.fault_of_xnnpack = xnnpack::fault_of_xnnpack(*graph);
      graphs_.push_back(std::move(*graph));
    }
    for (std::size_t i = 0; i < plan.calls.size(); ++i) {
      const Call& call = plan.calls[i];
      if (call.is_delegate) {
        const auto at = place.within(fmt::format("instruction {} (delegate {})", i, call.delegate));
        if (auto ok = check_delegate_call(plan, call, graphs_[call.delegate], at); !ok) return ok;
        result_.delegates.emplace_back(plan.delegates[call.delegate].backend);
      } else {
        const auto at = place.within(fmt::format("instruction {} ({})", i, printable(call.operator_name)));
        if (auto ok = verify_kernel_call(plan, call, at); !ok) return ok;
        operators_.insert(call.operator_name);
      }
    }
    result_.operators.assign(operators_.begin(), operators_.end());
    plan_ = std::move(plan);
    return {};
  }

  Status read_interface(const Plan& plan, const Messages& place) {
    if (plan.inputs.empty()) return place.unsupported("it has no input");
    if (plan.outputs.empty()) return place.unsupported("it has no output");
    std::set<std::size_t> seen;
    for (const std::size_t index : plan.inputs) {
      const Value& value = plan.values[index];
      if (value.kind != ValueKind::kTensor) return place.unsupported("one of its inputs is no tensor");
      if (!seen.insert(index).second) return place.damaged("two of its inputs are the same");
      // The runtime copies the caller's data over whatever the input's memory is.
      if (value.tensor.storage == Storage::kConstant) return place.damaged("one of its inputs is a constant");
      add_tensor(value.tensor.info, result_.inputs);
    }
    for (const std::size_t index : plan.outputs) {
      const Value& value = plan.values[index];
      if (value.kind != ValueKind::kTensor) return place.unsupported("one of its outputs is no tensor");
      if (value.tensor.storage == Storage::kConstant) return place.unsupported("one of its outputs is a constant");
      if (value.tensor.storage == Storage::kCaller)
        return place.unsupported("one of its outputs has no planned memory");
      add_tensor(value.tensor.info, result_.outputs);
      result_.outputs.back().classes = classes_of_argmax(plan, index);
    }
    return {};
  }

  /// The length of the dimension that an argmax went over to make a value, directly or before it was converted.
  static std::int64_t classes_of_argmax(const Plan& plan, std::size_t value) {
    for (auto call = plan.calls.rbegin(); call != plan.calls.rend(); ++call) {
      // The last two arguments are the result and, once more, the returned value.
      if (call->is_delegate || call->args.size() < 3 || call->args[call->args.size() - 2] != value) continue;
      const Value& from = plan.values[call->args[0]];
      if (from.kind != ValueKind::kTensor) return 0;
      if (call->operator_name != "aten::argmax.out") {
        value = call->args[0];
        continue;
      }
      const auto& sizes = from.tensor.info.sizes;
      const Value& dim = plan.values[call->args[1]];
      const auto rank = static_cast<std::int64_t>(sizes.size());
      if (dim.kind != ValueKind::kInt || dim.integer < -rank || dim.integer >= rank) return 0;
      return sizes[static_cast<std::size_t>(dim.integer < 0 ? dim.integer + rank : dim.integer)];
    }
    return 0;
  }

  static void add_tensor(TensorInfo tensor, std::vector<TensorInfo>& tensors) {
    if (is_contiguous(tensor)) tensor.dim_order.clear();
    tensors.push_back(std::move(tensor));
  }

  /// The arguments of a call are what the delegate's graph takes and makes.
  Status check_delegate_call(const Plan& plan, const Call& call, const xnnpack::Graph& graph,
                             const Messages& place) const {
    if (call.args.size() != graph.externals.size()) {
      return place.damaged(
          fmt::format("it has {} arguments, but the delegate takes {}", call.args.size(), graph.externals.size()));
    }
    for (std::size_t i = 0; i < call.args.size(); ++i) {
      const Value& value = plan.values[call.args[i]];
      const xnnpack::Value& external = graph.values[graph.externals[i]];
      if (value.kind != ValueKind::kTensor) return place.damaged(fmt::format("argument {} is no tensor", i));
      const Tensor& tensor = value.tensor;
      if (external.is_output && tensor.storage != Storage::kPlanned) {
        return place.damaged(fmt::format("argument {} is a result without memory of its own", i));
      }
      if (tensor.storage == Storage::kCaller && std::ranges::find(plan.inputs, call.args[i]) == plan.inputs.end()) {
        return place.damaged(fmt::format("argument {} is a tensor without memory", i));
      }
      const auto sizes = sizes_in_memory(tensor.info);
      // Exporters declare single numbers as one element; the runtime then runs the graph with no dimensions.
      const bool single = sizes.empty() && external.is_input && external.dims == std::vector<std::uint32_t>{1} &&
                          is_only_broadcast(graph, graph.externals[i]);
      if (sizes.empty() && !single && external.dims == std::vector<std::uint32_t>{1} &&
          tensor.info.type == tensor_type(external.type)) {
        return place.unsupported(fmt::format(
            "argument {} is a single number, with which it does more than arithmetic on larger tensors", i));
      }
      const bool fits =
          single || std::ranges::equal(sizes, external.dims, [](std::int64_t a, std::uint32_t b) { return a == b; });
      if (!fits || tensor.info.type != tensor_type(external.type)) {
        return place.damaged(fmt::format("argument {} is {}, but the delegate takes {}{}", i, describe(tensor.info),
                                         external.type == xnnpack::DataType::kFloat ? "float " : "quantised ",
                                         xnnpack::describe(external.dims)));
      }
    }
    return {};
  }

  Bytes file_;
  Messages messages_;
  Container container_;
  Program result_;
  Plan plan_;
  std::vector<xnnpack::Graph> graphs_;
  std::set<std::string> operators_;
  std::size_t metadata_bytes_ = 0;
};

}  // namespace

Outcome<VerifiedProgram> verify_program(Bytes file, std::string_view name) {
  return Parser(file, name).parse();
}

Outcome<AlignedFile> AlignedFile::of(std::span<const std::byte> bytes) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kFileAlignment == 0) return AlignedFile{bytes, nullptr};
  auto copy = AlignedBuffer<std::byte>::create(bytes.size(), "a copy of the model");
  if (!copy) return std::unexpected(copy.error());
  std::ranges::copy(bytes, copy->data());
  const auto owner = std::make_shared<const AlignedBuffer<std::byte>>(std::move(*copy));
  return AlignedFile{{owner->data(), bytes.size()}, owner};
}

}  // namespace silhouette::pte
