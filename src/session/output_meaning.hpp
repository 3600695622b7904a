#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "graph/output_range.hpp"
#include "postprocess/postprocess.hpp"

namespace silhouette {

/// What the floats are that a network gives.
enum class OutputMeaning : std::uint8_t {
  kScores,           ///< of several classes before softmax, or the probability that one channel is a foreground's
  kProbabilities,    ///< of several classes, after softmax
  kForegroundScore,  ///< of one channel, before the sigmoid
  kClassNumbers,     ///< of one channel
};

/// Whether all values must be looked at, at the output's own size, to tell; otherwise the operators have told already.
bool needs_values(int channels, graph::OutputRange range) noexcept;

/// `values`: whole and planar. Several channels are probabilities if everywhere they are between 0 and 1 and sum to 1,
/// which scores never are; one channel is a score if it leaves 0…1 (or nothing keeps it there), and holds numbers of
/// classes if all are whole and some are above 1.
OutputMeaning output_meaning(std::span<const float> values, int channels, graph::OutputRange range) noexcept;

/// Makes `logits` what make_class_maps takes. Of probabilities their logarithms, whose softmax they are; interpolated,
/// too, these give what the scores before the softmax would have given. A foreground's score becomes two classes'.
/// kLimitExceeded.
Result<void> to_scores(Logits& logits, OutputMeaning meaning, BufferPool& buffers, ThreadPool& pool);

/// The class map that a network decided on itself, each pixel the nearest's number if the size is another. `classes`:
/// numbers that there may be; `name` stands for the model. kUnsupportedModel for what is none of them, kLimitExceeded.
Result<ClassMaps> class_maps_of_numbers(const Logits& numbers, std::size_t classes, int width, int height,
                                        std::string_view name);

}  // namespace silhouette
