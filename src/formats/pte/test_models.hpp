#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "program_generated.h"
#include "runtime_schema_generated.h"

namespace silhouette::pte::test {

/// A `.pte` taken apart, to be changed and put together again.
struct EditableModel {
  executorch_flatbuffer::ProgramT program;
  std::vector<std::vector<std::byte>> segments;

  static EditableModel read(const std::filesystem::path& path);
  [[nodiscard]] std::vector<std::byte> write() const;

  [[nodiscard]] executorch_flatbuffer::ExecutionPlanT& forward();
  [[nodiscard]] executorch_flatbuffer::TensorT& tensor(std::size_t value);
  [[nodiscard]] executorch_flatbuffer::KernelCallT& kernel_call(std::size_t instruction);
  [[nodiscard]] executorch_flatbuffer::DelegateCallT& delegate_call(std::size_t instruction);

  /// The graph of a payload with "XH00" header in a segment.
  [[nodiscard]] fb_xnnpack::XNNGraphT graph(std::size_t segment) const;
  void set_graph(std::size_t segment, const fb_xnnpack::XNNGraphT& graph);
};

/// A payload of `XnnpackBackend` with "XH00" header around a graph and constants.
std::vector<std::byte> make_payload(const fb_xnnpack::XNNGraphT& graph, const std::vector<std::byte>& constants = {});

using Dims = std::vector<std::uint32_t>;
using Type = fb_xnnpack::XNNDatatype;

/// Builds a graph value by value and node by node; ids count from 0 in the order of the calls.
class GraphBuilder {
 public:
  std::uint32_t input(const Dims& dims, Type type = Type::xnn_datatype_fp32);
  std::uint32_t output(const Dims& dims, Type type = Type::xnn_datatype_fp32);
  std::uint32_t inner(const Dims& dims, Type type = Type::xnn_datatype_fp32);
  /// Filled with small numbers. Quantised types get a scale, or one per entry of `channel_dim`.
  std::uint32_t constant(const Dims& dims, Type type = Type::xnn_datatype_fp32, int channel_dim = 0);

  /// Adds a node of the schema's table `T` (for example `_XNNNodeConvT`) as kind `kind`; the caller fills it in.
  template <typename T>
  T& node(fb_xnnpack::XNodeUnion kind) {
    auto entry = std::make_unique<fb_xnnpack::XNodeT>();
    auto content = std::make_unique<T>();
    T& result = *content;
    entry->xnode_union.type = kind;
    entry->xnode_union.value = content.release();
    graph.xnodes.push_back(std::move(entry));
    return result;
  }
  void unary(fb_xnnpack::XNodeUnion kind, std::uint32_t in, std::uint32_t out, std::uint32_t flags = 0);
  void binary(fb_xnnpack::XNodeUnion kind, std::uint32_t a, std::uint32_t b, std::uint32_t out);

  [[nodiscard]] fb_xnnpack::XNNTensorValueT& tensor(std::uint32_t id);
  [[nodiscard]] std::vector<std::byte> payload() const { return make_payload(graph, constants); }

  fb_xnnpack::XNNGraphT graph;
  std::vector<std::byte> constants;

 private:
  std::uint32_t add(const Dims& dims, Type type, int channel_dim);
};

}  // namespace silhouette::pte::test
