#include "silhouette/network_listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guard.hpp"
#include "formats/model.hpp"
#include "graph/graph.hpp"
#include "graph/passes.hpp"
#include "pipeline/loaded_model.hpp"

namespace silhouette {
namespace {

std::vector<std::string> list_steps(const graph::Graph& graph) {
  std::vector<std::string> steps;
  for (const graph::Node& node : graph.nodes) steps.push_back(graph::describe(graph, node));
  return steps;
}

}  // namespace

Result<NetworkListing> list_network(ModelSource source, const LoadOptions& options) {
  return guarded([&]() -> Result<NetworkListing> {
    const auto file = open_model(std::move(source), options, {});
    if (!file) return std::unexpected(file.error());
    auto model = formats::read_model(file->data->bytes(), file->name, {.labels = options.labels.size()});
    if (!model) return std::unexpected(std::move(model.error()));
    auto& network = model->graph;
    if (!network && network.error().code == ErrorCode::kUnsupportedModel) {
      return fail(
          ErrorCode::kUnsupportedModel,
          fmt::format(
              "the network of '{}' can't be listed: {}; the native engine, whose steps these are, doesn't run it",
              file->name, network.error().reason));
    }
    if (!network) return std::unexpected(network.error());
    NetworkListing listing;
    listing.steps = list_steps(*network);
    listing.multiply_adds = graph::multiply_adds(*network);
    graph::optimize(*network, [&](const graph::Pass& pass, const graph::Graph&) {
      if (std::ranges::find(listing.passes, pass.name) == listing.passes.end()) listing.passes.emplace_back(pass.name);
    });
    listing.rewritten_steps = list_steps(*network);
    listing.rewritten_multiply_adds = graph::multiply_adds(*network);
    return listing;
  });
}

}  // namespace silhouette
