// Plans of small networks, and what their steps really read and write.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "engine/native/planning/builder.hpp"
#include "graph/operators.hpp"
#include "graph/passes.hpp"

namespace silhouette::test {

/// A network as the engine rewrites it, and its plan.
struct Planned {
  graph::Graph graph;
  native::Build build;

  Planned(const graph::Graph& original, const native::PlanOptions& options, bool planar_output = false)
      : graph(original) {
    graph::optimize(graph);
    build = native::build_plan(graph, planar_output, options);
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& step : build.plan.steps) result.push_back(step->name);
    return result;
  }
};

/// Runs a plan step by step on this thread and returns, for each step whose lists aren't true, what is wrong.
inline std::vector<std::string> untrue_lists(const native::Build& build, std::span<const float> input,
                                             std::size_t results) {
  const native::Plan& plan = build.plan;
  constexpr std::size_t kRoom = 64;
  auto weights = *AlignedBuffer<float>::create(plan.weights + kRoom, "weights");
  auto arena = *AlignedBuffer<float>::create(plan.arena + kRoom, "the arena");
  auto scratch = *AlignedBuffer<float>::create(plan.scratch + kRoom, "a worker's scratch");
  auto output = *AlignedBuffer<float>::create(results + kRoom, "the result");
  auto pending = *AlignedBuffer<float>::create(results + kRoom, "the pending result");
  for (const native::Packing& packing : build.packings) {
    for (std::size_t part = 0; part < packing.parts; ++part) packing.run(weights.data() + packing.offset, part);
  }
  std::vector<float*> bases;
  for (const native::Buffer& buffer : plan.buffers) bases.push_back(arena.data() + buffer.offset);
  bases[native::kWeightsBuffer] = weights.data();
  bases[native::kInputBuffer] = const_cast<float*>(input.data());
  bases[plan.pending_output] = pending.data();
  bases[plan.output] = output.data();
  std::atomic<bool> out_of_memory = false;
  std::vector<std::string> wrong;
  for (const auto& step : plan.steps) {
    native::Accesses accesses;
    const native::Frame frame(bases, scratch.data(), out_of_memory, &accesses);
    // Nobody would write this into what a step hasn't asked for.
    constexpr float kUntouched = -123456.75F;
    const auto beyond = scratch.span().subspan(step->scratch);
    std::ranges::fill(beyond, kUntouched);
    for (std::size_t task = 0; task < step->tasks; ++task) step->run(frame, task);
    const std::set<std::uint32_t> reads(step->reads.begin(), step->reads.end());
    const std::set<std::uint32_t> writes(step->writes.begin(), step->writes.end());
    const auto complain = [&](const char* what, std::uint32_t buffer) {
      wrong.push_back("'" + step->name + "' " + what + " buffer " + std::to_string(buffer));
    };
    const auto is_touched = [](float value) { return value != kUntouched; };
    if (std::ranges::any_of(beyond, is_touched))
      wrong.push_back("'" + step->name + "' takes more scratch than it says");
    for (const auto buffer : accesses.reads) {
      if (!reads.contains(buffer)) complain("doesn't say that it reads", buffer);
    }
    for (const auto buffer : accesses.writes) {
      if (!writes.contains(buffer)) complain("doesn't say that it writes", buffer);
    }
    for (const auto buffer : writes) {
      if (!accesses.writes.contains(buffer)) complain("only says that it writes", buffer);
    }
    // Constants are always alive, and not all are needed by all shapes. What is added to is asked for to be written.
    for (const auto buffer : reads) {
      if (buffer != native::kWeightsBuffer && !accesses.reads.contains(buffer) && !accesses.writes.contains(buffer)) {
        complain("only says that it reads", buffer);
      }
    }
  }
  return wrong;
}

}  // namespace silhouette::test
