#pragma once

#include <memory>
#include <string_view>

#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "graph/graph.hpp"
#include "kernels/kernels.hpp"

namespace silhouette {

struct NativeOptions {
  const kernels::Kernels* kernels = nullptr;  ///< null: the machine's best
  bool low_memory = false;                    ///< packed weights no larger than the file's
};

/// Our own engine: float32 networks on our own kernels.
///
/// `graph` must have been verified and is rewritten; what its constants borrow must outlive the call, and the engine if
/// `keeps_constants` says so after it. Any number of runs at once: each takes its memory from a pool of workspaces, and
/// they share `pool`'s threads; results don't depend on threads or instruction-set-independent order. kLimitExceeded.
Result<std::unique_ptr<Engine>> create_native_engine(graph::Graph graph, const NetworkShape& shape, ThreadPool& pool,
                                                     const NativeOptions& options, std::string_view name);

}  // namespace silhouette
