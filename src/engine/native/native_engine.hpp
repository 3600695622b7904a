#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "engine/native/kept_weights.hpp"
#include "graph/graph.hpp"
#include "kernels/kernels.hpp"

namespace silhouette {

struct NativeOptions {
  const kernels::Kernels* kernels = nullptr;  ///< null: the machine's best
  bool low_memory = false;                    ///< packed weights no larger than the file's
  /// Where the packed weights are kept between loads, or null: nowhere. What isn't for this model, engine and machine
  /// is replaced.
  std::shared_ptr<native::KeptWeights> kept{};
  std::string model_key{};  ///< of the model's file: changes whenever its contents do
};

/// Our own engine: float32 networks on our own kernels.
///
/// `graph` must have been verified; it is rewritten first. What its constants borrow isn't needed after the call. Any
/// number of runs at once: each takes its memory from a pool of workspaces, and they share `pool`'s threads. Results
/// don't depend on the number of threads. kLimitExceeded.
Result<std::unique_ptr<Engine>> create_native_engine(graph::Graph graph, const NetworkShape& shape, ThreadPool& pool,
                                                     const NativeOptions& options, std::string_view name);

}  // namespace silhouette
