#include "session/output_meaning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace silhouette {
namespace {

/// Of a softmax in half precision, the coarsest that there is.
constexpr float kTolerance = 2e-3F;
/// Of what has been rounded or interpolated only.
constexpr float kBarelyOutside = 1e-4F;
constexpr float kLeastProbability = 1e-37F;
constexpr std::size_t kValuesATask = std::size_t{1} << 14;

bool are_distributions(std::span<const float> values, std::size_t channels) noexcept {
  const std::size_t plane = values.size() / channels;
  for (std::size_t i = 0; i < plane; ++i) {
    float sum = 0;
    for (std::size_t c = 0; c < channels; ++c) {
      const float value = values[c * plane + i];
      if (!(value >= -kBarelyOutside && value <= 1 + kTolerance)) return false;
      sum += value;
    }
    if (!(std::abs(sum - 1) <= kTolerance)) return false;
  }
  return plane > 0;
}

}  // namespace

bool needs_values(int channels, graph::OutputRange range) noexcept {
  return range == graph::OutputRange::kUnknown || (channels > 1 && range == graph::OutputRange::kUnit);
}

OutputMeaning output_meaning(std::span<const float> values, int channels, graph::OutputRange range) noexcept {
  if (!needs_values(channels, range)) {
    return channels == 1 && range == graph::OutputRange::kUnbounded ? OutputMeaning::kForegroundScore
                                                                    : OutputMeaning::kScores;
  }
  if (channels > 1) {
    return are_distributions(values, static_cast<std::size_t>(channels)) ? OutputMeaning::kProbabilities
                                                                         : OutputMeaning::kScores;
  }
  const auto is_outside = [](float value) { return value < -kBarelyOutside || value > 1 + kBarelyOutside; };
  if (std::ranges::none_of(values, is_outside)) return OutputMeaning::kScores;
  const bool whole = std::ranges::all_of(values, [](float value) { return value >= 0 && value == std::floor(value); });
  return whole ? OutputMeaning::kClassNumbers : OutputMeaning::kForegroundScore;
}

Result<void> to_scores(Logits& logits, OutputMeaning meaning, BufferPool& buffers, ThreadPool& pool) {
  const auto values = logits.values.span();
  if (meaning == OutputMeaning::kProbabilities) {
    pool.parallel_for((values.size() + kValuesATask - 1) / kValuesATask, [&](std::size_t task, std::size_t) {
      const std::size_t begin = task * kValuesATask;
      for (float& value : values.subspan(begin, std::min(kValuesATask, values.size() - begin)))
        value = std::log(std::max(value, kLeastProbability));
    });
  } else if (meaning == OutputMeaning::kForegroundScore) {
    auto both = buffers.take(2 * values.size(), "the network's output");
    if (!both) return std::unexpected(std::move(both.error()));
    std::ranges::fill(both->span().first(values.size()), 0.0F);
    std::ranges::copy(values, both->span().begin() + static_cast<std::ptrdiff_t>(values.size()));
    logits.values = std::move(*both);
    logits.channels = 2;
  }
  return {};
}

Result<ClassMaps> class_maps_of_numbers(const Logits& numbers, std::size_t classes, int width, int height,
                                        std::string_view name) {
  const auto values = numbers.values.span();
  const auto most = static_cast<float>(classes);
  const auto wrong =
      std::ranges::find_if_not(values, [=](float n) { return n >= 0 && n < most && n == std::floor(n); });
  if (wrong != values.end()) {
    return fail(ErrorCode::kUnsupportedModel,
                fmt::format("'{}' gives numbers of classes, and {} is none of its {}; give as many labels as it has "
                            "classes (--labels, LoadOptions::labels)",
                            name, *wrong, classes));
  }
  ClassMaps maps;
  maps.width = width;
  maps.height = height;
  const auto columns = static_cast<std::size_t>(width);
  auto argmax = AlignedBuffer<std::int32_t>::create(columns * static_cast<std::size_t>(height), "a class map");
  if (!argmax) return std::unexpected(std::move(argmax.error()));
  maps.argmax = std::move(*argmax);
  // The pixel whose area holds the centre of the result's.
  const auto nearest = [](std::int64_t x, std::int64_t from, std::int64_t to) {
    return static_cast<std::size_t>((2 * x + 1) * from / (2 * to));
  };
  std::int32_t* out = maps.argmax.data();
  for (int y = 0; y < height; ++y) {
    const float* const row =
        values.data() + nearest(y, numbers.height, height) * static_cast<std::size_t>(numbers.width);
    for (int x = 0; x < width; ++x) *out++ = static_cast<std::int32_t>(row[nearest(x, numbers.width, width)]);
  }
  return maps;
}

}  // namespace silhouette
