#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "engine/engine.hpp"
#include "engine/model_data.hpp"

namespace silhouette {

/// The official ExecuTorch runtime with its XNNPACK backend and CPU kernels.
///
/// `data` must have been verified: ExecuTorch trusts the file. `name` stands for the model in messages. `threads` ≥ 1:
/// the runtime has one thread pool in the process, which can be resized only while none of its models uses it, so
/// models loaded while another is there run on as many threads as that one; 1 is always obeyed. Runs take turns, also
/// those of different engines, because they'd share that pool. A run that waits for its turn ends
/// with kCancelled when its stop is asked for; one that is under way can't be stopped. `data` is used up: what isn't
/// needed for running is discarded. Its log is dropped unless the environment has
/// SILHOUETTE_EXECUTORCH_LOG. `kept`: what of `data` mustn't be discarded in any case, by first byte and length: the
/// runtime points into payloads with constants of their own after it has given them back. kInvalidModel,
/// kUnsupportedModel (an operator that this runtime lacks), kLimitExceeded, kInternal.
Result<std::unique_ptr<Engine>> create_executorch_engine(
    std::shared_ptr<const ModelData> data, const NetworkShape& shape, int threads, std::string_view name,
    std::span<const std::pair<std::size_t, std::size_t>> kept = {});

}  // namespace silhouette
