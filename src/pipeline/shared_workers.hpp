#pragma once

#include <memory>

#include "base/worker_set.hpp"

namespace silhouette {

/// The threads of all models of this process, meant for as many at once as it has processors. They end with the last
/// model. May throw std::bad_alloc.
std::shared_ptr<WorkerSet> shared_workers();

}  // namespace silhouette
