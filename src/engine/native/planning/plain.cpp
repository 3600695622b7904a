#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"
#include "graph/reference.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

/// A node run by the plain interpreter: for what is too rare to be worth a kernel. The one step that allocates.
class Plain final : public Step {
 public:
  Plain(const graph::Graph& graph, const Node& node, std::vector<View> operands, View to, std::size_t room)
      : node_(node), operands_(std::move(operands)), to_(to), room_(room) {
    // The graph isn't kept: what evaluating a node needs of it is copied.
    std::uint32_t next = 0;
    const auto keep = [&](graph::TensorId id) {
      graph_.tensors.push_back(graph.tensors[id]);
      auto& constant = graph_.tensors.back().constant;
      if (constant.values.data() != nullptr && constant.owner == nullptr) {
        // What the file holds is gone after loading.
        const auto copy = std::make_shared<std::vector<float>>(constant.values.begin(), constant.values.end());
        constant = {.values = *copy, .owner = copy};
      }
      return next++;
    };
    for (graph::TensorId& id : node_.inputs) id = keep(id);
    node_.output = keep(node_.output);
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      counts_.push_back(static_cast<std::size_t>(graph::count(graph_.tensors[i].dims)));
      if (!graph_.tensors[i].is_constant()) reads.push_back(operands_[i].buffer);
    }
    writes = {to.buffer};
    name = fmt::format("plain {}", graph::op_name(node.op));
  }

  void run(const Frame& frame, std::size_t /*task*/) const noexcept override {
    try {
      evaluate(frame);
    } catch (const std::bad_alloc&) {
      frame.report_out_of_memory();
    }
  }

 private:
  void evaluate(const Frame& frame) const {
    std::vector<std::span<const float>> operands;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const auto& constant = graph_.tensors[i].constant.values;
      operands.push_back(
          graph_.tensors[i].is_constant() ? constant : std::span<const float>(frame.from(operands_[i]), counts_[i]));
    }
    const std::vector<float> values = graph::evaluate_node(graph_, node_, operands);
    float* const to = frame.to(to_);
    std::ranges::copy(values, to);
    std::fill(to + values.size(), to + room_, 0.0F);
  }

  graph::Graph graph_;
  Node node_;
  std::vector<View> operands_;
  std::vector<std::size_t> counts_;
  View to_;
  std::size_t room_;
};

}  // namespace

void emit(Builder& builder, const Node& node, const choice::Plain& /*chosen*/) {
  std::vector<View> operands;
  for (const graph::TensorId id : node.inputs) {
    operands.push_back(builder.tensor(id).is_constant() ? View{} : builder.view(id, Layout::kDense));
  }
  const View to = builder.result(node.output, Layout::kDense);
  const auto count = static_cast<std::size_t>(graph::count(builder.tensor(node.output).dims));
  builder.add_step(std::make_unique<Plain>(builder.graph(), node, std::move(operands), to,
                                           (count + builder.block() - 1) / builder.block() * builder.block()));
}

}  // namespace silhouette::native
