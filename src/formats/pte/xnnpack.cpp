#include "formats/pte/xnnpack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/checked.hpp"
#include "formats/pte/flat.hpp"
#include "formats/pte/limits.hpp"
#include "formats/pte/xnnpack_nodes.hpp"
#include "formats/pte/xnnpack_values.hpp"
#include "formats/pte/xnnpack_verify.hpp"
#include "runtime_schema_generated.h"

namespace silhouette::pte::xnnpack {
namespace {

namespace fb = fb_xnnpack;

// Layout of the "XH00" header; all numbers are little-endian.
constexpr std::size_t kMagicOffset = 4;  // of the header and, without one, of the FlatBuffer's identifier
constexpr std::size_t kFlatbufferOffset = 10;
constexpr std::size_t kFlatbufferSize = 14;
constexpr std::size_t kConstantsOffset = 18;
constexpr std::size_t kConstantsSize = 22;
constexpr std::size_t kHeaderSize = 30;

std::uint64_t number_at(Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i);
  return value;
}

std::string_view identifier(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()) + kMagicOffset, 4};
}

class Reader {
 public:
  Reader(Bytes payload, const NamedData& named, const Messages& messages) : payload_(payload), messages_(messages) {
    constants_.named = &named;
  }

  Outcome<Graph> read() {
    for (const auto step : {&Reader::open, &Reader::read_values, &Reader::read_externals, &Reader::read_nodes}) {
      if (auto ok = (this->*step)(); !ok) return forward_error(std::move(ok));
    }
    for (const auto step : {&Reader::check_order, &Reader::check_cost}) {
      if (auto ok = (this->*step)(); !ok) return forward_error(std::move(ok));
    }
    return std::move(graph_);
  }

 private:
  Status open() {
    if (payload_.size() < kHeaderSize) return messages_.damaged(fmt::format("it has only {} bytes", payload_.size()));
    Bytes flat = payload_;
    if (identifier(payload_) == "XH00") {
      const auto offset = number_at(payload_, kFlatbufferOffset, 4);
      const auto size = number_at(payload_, kFlatbufferSize, 4);
      const auto constants_offset = number_at(payload_, kConstantsOffset, 4);
      const auto constants_size = number_at(payload_, kConstantsSize, 8);
      if (offset < kHeaderSize || !in_range<std::uint64_t>(offset, size, payload_.size()) ||
          !in_range<std::uint64_t>(constants_offset, constants_size, payload_.size()) ||
          constants_offset < offset + size) {
        return messages_.damaged(fmt::format("its header tells of {} bytes at {} and {} at {}, of {}", size, offset,
                                             constants_size, constants_offset, payload_.size()));
      }
      flat = payload_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
      constants_.has_header = true;
      constants_.region =
          payload_.subspan(static_cast<std::size_t>(constants_offset), static_cast<std::size_t>(constants_size));
    }
    if (flat.size() < kMagicOffset + 4 || flat.size() > kMaxFlatbufferBytes ||
        reinterpret_cast<std::uintptr_t>(flat.data()) % kFileAlignment != 0) {
      return messages_.damaged(fmt::format("its graph has {} bytes or is misaligned", flat.size()));
    }
    if (identifier(flat) != "XN00" && identifier(flat) != "XN01") {
      if (!identifier(flat).starts_with("XN")) return messages_.damaged("it holds no graph");
      return messages_.unsupported(fmt::format("its graph is of version \"{}\"", printable(identifier(flat))));
    }
    const auto* const start = reinterpret_cast<const std::uint8_t*>(flat.data());
    flatbuffers::Verifier verifier(start, flat.size());
    if (!verifier.VerifyBuffer<fb::XNNGraph>(nullptr)) return messages_.damaged("its graph's table is broken");
    table_ = fb::GetXNNGraph(start);
    constants_.graph = table_;
    // The first entry of the table stands for "no constant".
    graph_.holds_constants =
        !constants_.region.empty() || (!constants_.has_header && count(table_->constant_buffer()) > 1);
    if (table_->xvalues() == nullptr || table_->xnodes() == nullptr) return messages_.damaged("it has no graph");
    if (table_->xvalues()->size() > kMaxValues || table_->xnodes()->size() > kMaxValues) {
      return messages_.too_large(
          fmt::format("it has {} nodes and {} values", table_->xnodes()->size(), table_->xvalues()->size()));
    }
    if (table_->num_externs() > kMaxExterns)
      return messages_.too_large(fmt::format("it has {} arguments", table_->num_externs()));
    return {};
  }

  Status read_values() {
    std::size_t scales = 0;
    for (const auto* const entry : *table_->xvalues()) {
      const auto place = messages_.within(fmt::format("value {}", graph_.values.size()));
      auto decoded = read_value(*entry, constants_, place);
      if (!decoded) return forward_error(std::move(decoded));
      if (!index_of_.emplace(decoded->id, static_cast<std::uint32_t>(graph_.values.size())).second) {
        return place.damaged(fmt::format("its id {} is that of another one", decoded->id));
      }
      graph_.values.push_back(std::move(decoded->value));
      scales += graph_.values.back().scales.size();
      if (scales > kMaxScales) return place.too_large("there are too many scales");
    }
    return {};
  }

  Status read_externals() {
    constexpr std::uint32_t kUnset = UINT32_MAX;
    graph_.externals.assign(table_->num_externs(), kUnset);
    for (std::uint32_t i = 0; i < graph_.values.size(); ++i) {
      const auto external = graph_.values[i].external;
      if (!external) continue;
      if (*external >= graph_.externals.size() || graph_.externals[*external] != kUnset) {
        return messages_.damaged(
            fmt::format("value {} is argument {} of {}, or not alone", i, *external, graph_.externals.size()));
      }
      graph_.externals[*external] = i;
    }
    const auto missing = std::ranges::find(graph_.externals, kUnset);
    if (missing != graph_.externals.end()) {
      return messages_.damaged(
          fmt::format("argument {} of {} has no value", missing - graph_.externals.begin(), graph_.externals.size()));
    }
    return {};
  }

  /// Turns a payload's id into an index of `Graph.values`.
  Status resolve(std::uint32_t& id, const Messages& messages) const {
    const auto found = index_of_.find(id);
    if (found == index_of_.end()) return messages.damaged(fmt::format("it uses value {}, which isn't there", id));
    id = found->second;
    return {};
  }

  Status read_nodes() {
    for (const auto* const entry : *table_->xnodes()) {
      const std::size_t index = graph_.nodes.size();
      auto node = read_node(*entry, messages_.within(fmt::format("node {}", index)));
      if (!node) return forward_error(std::move(node));
      const auto place = messages_.within(fmt::format("node {} ({})", index, op_name(node->op)));
      for (std::uint32_t& id : node->inputs) {
        if (auto ok = resolve(id, place); !ok) return ok;
      }
      if (auto ok = resolve(node->output, place); !ok) return ok;
      if (auto ok = verify_node(graph_, *node, place); !ok) return ok;
      graph_.nodes.push_back(std::move(*node));
    }
    return {};
  }

  /// Every value that a node reads is there when it runs, and made only once.
  Status check_order() const {
    std::vector<bool> ready(graph_.values.size());
    for (std::size_t i = 0; i < ready.size(); ++i) ready[i] = graph_.values[i].constant || graph_.values[i].is_input;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      const auto fault = [&](std::string_view what) {
        return messages_.within(fmt::format("node {} ({})", n, op_name(node.op))).damaged(what);
      };
      for (const std::uint32_t id : node.inputs) {
        if (!ready[id]) return fault(fmt::format("it reads value {} before that is computed", id));
      }
      if (ready[node.output]) return fault(fmt::format("it overwrites value {}", node.output));
      ready[node.output] = true;
    }
    for (const std::uint32_t id : graph_.externals) {
      if (!ready[id])
        return messages_.damaged(fmt::format("nothing computes its result {}", *graph_.values[id].external));
    }
    return {};
  }

  [[nodiscard]] static std::uint64_t bytes_of(const Value& value) {
    std::uint64_t bytes = element_bytes(value.type);
    for (const std::uint32_t dim : value.dims) bytes *= dim;  // bounded when the value was read
    return bytes;
  }

  Status check_cost() const {
    NodeCost total;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const NodeCost cost = node_cost(graph_, graph_.nodes[n]);
      if (cost.indirection_bytes > kMaxIndirectionBytes) {
        return messages_.within(fmt::format("node {} ({})", n, op_name(graph_.nodes[n].op)))
            .too_large("its window has too many taps");
      }
      total.packed_bytes = checked_add(total.packed_bytes, cost.packed_bytes).value_or(UINT64_MAX);
      total.multiply_adds = checked_add(total.multiply_adds, cost.multiply_adds).value_or(UINT64_MAX);
    }
    if (total.packed_bytes > kMaxPackedBytes) return messages_.too_large("its packed weights need too much memory");
    if (total.multiply_adds > kMaxMultiplyAdds)
      return messages_.too_large(fmt::format("it takes {} multiply-adds", total.multiply_adds));
    return check_workspace();
  }

  /// The values that are alive at the same time fit the memory allowed for them.
  Status check_workspace() const {
    std::vector<std::size_t> last_use(graph_.values.size());
    std::vector<bool> used(graph_.values.size());
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (const std::uint32_t id : graph_.nodes[n].inputs) last_use[id] = n;
      last_use[graph_.nodes[n].output] = n;
      used[graph_.nodes[n].output] = true;
    }
    std::uint64_t alive = 0;
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      // A value that no node makes is reserved memory all the same.
      if (!used[i] && !graph_.values[i].constant && !graph_.values[i].external) alive += bytes_of(graph_.values[i]);
    }
    std::uint64_t most = alive;
    std::vector<bool> freed(graph_.values.size());
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      alive += bytes_of(graph_.values[node.output]);
      most = std::max(most, alive);
      const auto release = [&](std::uint32_t id) {
        if (used[id] && last_use[id] == n && !freed[id]) {
          alive -= bytes_of(graph_.values[id]);
          freed[id] = true;
        }
      };
      for (const std::uint32_t id : node.inputs) release(id);
      release(node.output);
    }
    if (most > kMaxWorkspaceBytes) return messages_.too_large(fmt::format("it needs {} bytes for values", most));
    return {};
  }

  Bytes payload_;
  const Messages& messages_;
  ConstantSource constants_;
  const fb::XNNGraph* table_ = nullptr;
  std::unordered_map<std::uint32_t, std::uint32_t> index_of_;  // by the payload's ids
  Graph graph_;
};

}  // namespace

Outcome<Graph> read_graph(Bytes payload, const NamedData& named, std::string_view what, const Messages& messages) {
  const auto place = messages.within(what);
  return Reader(payload, named, place).read();
}

}  // namespace silhouette::pte::xnnpack
