#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/checked.hpp"
#include "base/image.hpp"
#include "postprocess/class_maps_simd.hpp"
#include "postprocess/postprocess.hpp"
#include "postprocess/resampling.hpp"

namespace silhouette {
namespace {

constexpr std::int64_t kBandPixels = 128 * 1024;  ///< a fraction of a millisecond to a few: how fine work is shared out
constexpr std::int64_t kMinBandPixels = 8 * 1024;  ///< less isn't worth waking a thread for

constexpr simd::Limits kLogitLimits{-1e30F, 1e30F};  ///< differences and products of these stay finite
constexpr simd::Limits kProbabilityLimits{0.0F, 1.0F};
constexpr float kUnshiftedExpLimit = 80.0F;  ///< kMaxUnshiftedChannels e^80 is finite, and e^−80 a normal number
constexpr int kMaxUnshiftedChannels = 4096;

/// Output columns [begin, end) of a class, or blocks [begin, end) that have to be computed.
struct Run {
  int begin;
  int end;
  std::int32_t winner;
};

/// One thread's working memory. What is kept of a row y of the logits is at [y % 2], since two neighbours are needed at
/// a time.
struct Workspace {
  AlignedBuffer<float> rows;
  AlignedBuffer<float> scratch;
  std::vector<float*> probability_rows;
  // Upsampled rows of all channels, where that is pending.
  AlignedBuffer<float> upsampled;
  int upsampled_row[2] = {-1, -1};
  int winner_row[2] = {-1, -1};
  float largest[2] = {0, 0};
  std::vector<std::int32_t> winner[2];
  std::vector<float> lead[2];
  std::vector<std::int32_t> common;
  std::vector<Run> decided;
  std::vector<Run> undecided;
};

/// The interpolation of values to logits if it has to be done apart from that of logits to the asked size: not if
/// nothing is pending, or if it goes to the asked size itself.
std::optional<Resampling> plan_first(const LogitsView& logits, int width, int height) {
  const auto& pending = logits.pending;
  if (!pending || (pending->width == width && pending->height == height) ||
      (pending->width == logits.width && pending->height == logits.height)) {
    return std::nullopt;
  }
  return Resampling(logits.channels, logits.height, logits.width, *pending);
}

Resampling plan_last(const LogitsView& logits, bool two_stages, int width, int height) {
  if (two_stages) return {logits.channels, logits.pending->height, logits.pending->width, {height, width, false}};
  const bool goes_to_asked_size = logits.pending && logits.pending->width == width && logits.pending->height == height;
  return {logits.channels,
          logits.height,
          logits.width,
          {height, width, goes_to_asked_size && logits.pending->aligned_corners}};
}

/// What is the same for all bands.
class Plan {
 public:
  Plan(const LogitsView& logits, int width, int height, std::span<const int> classes, ClassMaps& maps);

  [[nodiscard]] Result<Workspace> create_workspace() const;

  /// Fills output rows [begin, end).
  void run_rows(int begin, int end, Workspace& work) const;

 private:
  [[nodiscard]] simd::RowPair value_rows(int y0, int y1) const;
  [[nodiscard]] simd::RowPair source_rows(int y0, int y1, Workspace& work) const;
  void upsample_row(int y, float* out, Workspace& work) const;
  [[nodiscard]] bool decide_columns(int y0, int y1, const simd::RowPair& pair, Workspace& work) const;
  void find_winners(int y, const float* row, const simd::RowPair& pair, Workspace& work) const;
  void run_blocks(int begin, int end, const simd::RowPair& pair, int row_begin, int row_end, Workspace& work) const;
  void run_window(const simd::Blocks& window, int columns, simd::RowPair pair, int row, Workspace& work) const;

  const LogitsView& logits_;
  std::span<const int> classes_;
  ClassMaps& maps_;
  std::optional<Resampling> first_;  ///< values → logits, if these aren't the values
  Resampling last_;                  ///< logits → maps
  std::vector<int> column_begin_;    ///< [source width + 1] first output column whose left source column is this one
  bool decides_ = false;             ///< look for cells that one class wins as a whole
};

Plan::Plan(const LogitsView& logits, int width, int height, std::span<const int> classes, ClassMaps& maps)
    : logits_(logits),
      classes_(classes),
      maps_(maps),
      first_(plan_first(logits, width, height)),
      last_(plan_last(logits, first_.has_value(), width, height)) {
  // The winners of a source row cost about as much as an output row of that width; they pay where they serve several.
  decides_ = classes.empty() && logits.channels > 1 &&
             std::int64_t{width} * height >= 2 * std::int64_t{last_.source_width} * last_.source_height;
  if (decides_) {
    const auto& index = last_.columns.index;
    column_begin_.resize(static_cast<std::size_t>(last_.source_width) + 1);
    for (std::size_t x = 0; x < column_begin_.size(); ++x) {
      column_begin_[x] =
          static_cast<int>(std::ranges::lower_bound(index, static_cast<std::int32_t>(x)) - index.begin());
    }
  }
}

Result<Workspace> Plan::create_workspace() const {
  Workspace work;
  const auto channels = static_cast<std::size_t>(logits_.channels);
  const auto width = static_cast<std::size_t>(last_.source_width);
  std::size_t row_floats = last_.window_floats().value_or(SIZE_MAX);
  if (first_) {
    row_floats = std::max(row_floats, first_->window_floats().value_or(SIZE_MAX));
    const auto plane = checked_mul(2 * channels, width);
    auto upsampled = AlignedBuffer<float>::create(plane.value_or(SIZE_MAX), "upsampled rows of logits");
    if (!upsampled) return std::unexpected(std::move(upsampled.error()));
    work.upsampled = std::move(*upsampled);
  }
  auto rows = AlignedBuffer<float>::create(row_floats, "interpolated rows");
  if (!rows) return std::unexpected(std::move(rows.error()));
  work.rows = std::move(*rows);
  auto scratch = AlignedBuffer<float>::create(channels * static_cast<std::size_t>(last_.plan.lanes), "a softmax");
  if (!scratch) return std::unexpected(std::move(scratch.error()));
  work.scratch = std::move(*scratch);
  work.probability_rows.resize(classes_.size());
  if (decides_) {
    for (auto& winner : work.winner) winner.resize(width);
    for (auto& lead : work.lead) lead.resize(width);
    work.common.resize(width);
    work.decided.reserve(width);
    work.undecided.reserve(width);
  }
  return work;
}

/// Rows y0 and y1 of the values.
simd::RowPair Plan::value_rows(int y0, int y1) const {
  const auto width = static_cast<std::size_t>(logits_.width);
  const float* const values = logits_.values.data();
  simd::RowPair pair;
  pair.top = values + static_cast<std::size_t>(y0) * width;
  pair.bottom = values + static_cast<std::size_t>(y1) * width;
  pair.end = values + logits_.values.size();
  pair.plane = static_cast<std::size_t>(logits_.height) * width;
  pair.channels = logits_.channels;
  return pair;
}

/// Rows y0 and y1 of the logits.
simd::RowPair Plan::source_rows(int y0, int y1, Workspace& work) const {
  if (!first_) return value_rows(y0, y1);
  const auto width = static_cast<std::size_t>(last_.source_width);
  const auto row = [&](int y) {
    const auto slot = static_cast<std::size_t>(y % 2);
    float* const out = work.upsampled.data() + slot * static_cast<std::size_t>(logits_.channels) * width;
    if (work.upsampled_row[slot] != y) {
      upsample_row(y, out, work);
      work.upsampled_row[slot] = y;
    }
    return out;
  };
  simd::RowPair pair;
  pair.top = row(y0);
  pair.bottom = row(y1);
  pair.end = work.upsampled.data() + work.upsampled.size();
  pair.plane = width;
  pair.channels = logits_.channels;
  return pair;
}

/// Interpolates a window's rows of logits (or of one channel's probabilities) within their limits. Returns the largest
/// magnitude of what was interpolated.
float interpolate_window(const simd::RowPair& pair, int first, int columns, float* rows, std::size_t stride) {
  if (pair.channels == 1) return simd::interpolate_rows(pair, first, columns, &kProbabilityLimits, rows, stride);
  const float largest = simd::interpolate_rows(pair, first, columns, nullptr, rows, stride);
  if (largest <= kLogitLimits.high) return largest;
  return simd::interpolate_rows(pair, first, columns, &kLogitLimits, rows, stride);
}

void Plan::upsample_row(int y, float* out, Workspace& work) const {
  const int y0 = first_->rows.index[static_cast<std::size_t>(y)];
  simd::RowPair pair = value_rows(y0, std::min(y0 + 1, logits_.height - 1));
  pair.weight = first_->rows.weight[static_cast<std::size_t>(y)];
  if (pair.weight == 0) pair.bottom = pair.top;
  first_->for_each_window(0, first_->plan.blocks, work.rows.data(), [&](const simd::Blocks& window, int columns) {
    interpolate_window(pair, window.first, columns, work.rows.data(), window.stride);
    simd::sample_blocks(window, out, static_cast<std::size_t>(last_.source_width));
  });
}

void Plan::find_winners(int y, const float* row, const simd::RowPair& pair, Workspace& work) const {
  const auto slot = static_cast<std::size_t>(y % 2);
  if (work.winner_row[slot] == y) return;
  work.largest[slot] = simd::row_winners(row, pair.end, pair.plane, pair.channels, last_.source_width,
                                         work.winner[slot].data(), work.lead[slot].data());
  work.winner_row[slot] = y;
}

/// A class that leads at all four corners of a cell leads within it, because interpolated values are averages of the
/// corners' with weights that don't depend on the class. Sorts the cells between source rows y0 and y1 into decided
/// ones, as runs of output columns, and others, as runs of blocks. False if a value isn't finite.
bool Plan::decide_columns(int y0, int y1, const simd::RowPair& pair, Workspace& work) const {
  find_winners(y0, pair.top, pair, work);
  find_winners(y1, pair.bottom, pair, work);
  const auto slot0 = static_cast<std::size_t>(y0 % 2);
  const auto slot1 = static_cast<std::size_t>(y1 % 2);
  const float largest = std::max(work.largest[slot0], work.largest[slot1]);
  if (!(work.largest[slot0] <= kLogitLimits.high && work.largest[slot1] <= kLogitLimits.high)) return false;

  // Each of two interpolated values is off by up to 10 ε max |logit|.
  const float margin = 32 * 0x1p-24F * largest;
  const auto width = static_cast<std::size_t>(last_.source_width);
  for (std::size_t x = 0; x < width; ++x) {
    // All three are looked at, whatever the first says: without branches this is vector code.
    const unsigned agreed = unsigned{work.winner[slot0][x] == work.winner[slot1][x]} &
                            unsigned{work.lead[slot0][x] > margin} & unsigned{work.lead[slot1][x] > margin};
    work.common[x] = agreed != 0 ? work.winner[slot0][x] : -1;
  }

  work.decided.clear();
  work.undecided.clear();
  for (std::size_t x = 0; x < width;) {
    const auto cell = [&](std::size_t i) {
      const std::int32_t left = work.common[i];
      return left == work.common[std::min(i + 1, width - 1)] ? left : -1;
    };
    const std::int32_t winner = cell(x);
    const int begin = column_begin_[x];
    do {
      ++x;
    } while (x < width && cell(x) == winner);
    const int end = column_begin_[x];
    if (begin == end) continue;
    if (winner >= 0) {
      work.decided.push_back({begin, end, winner});
      continue;
    }
    const int first_block = begin / last_.plan.lanes;
    const int end_block = (end - 1) / last_.plan.lanes + 1;
    if (!work.undecided.empty() && work.undecided.back().end >= first_block) {
      work.undecided.back().end = end_block;
    } else {
      work.undecided.push_back({first_block, end_block, -1});
    }
  }
  return true;
}

void Plan::run_window(const simd::Blocks& window, int columns, simd::RowPair pair, int row, Workspace& work) const {
  pair.weight = last_.rows.weight[static_cast<std::size_t>(row)];
  if (pair.weight == 0) pair.bottom = pair.top;
  const float largest = interpolate_window(pair, window.first, columns, work.rows.data(), window.stride);

  const std::size_t offset = static_cast<std::size_t>(row) * static_cast<std::size_t>(maps_.width);
  std::int32_t* const argmax = maps_.argmax.data() + offset;
  for (std::size_t k = 0; k < classes_.size(); ++k) {
    work.probability_rows[k] = maps_.probabilities[k].data() + offset;
  }
  if (logits_.channels == 1) {
    simd::threshold_blocks(window, classes_, argmax, work.probability_rows.data());
  } else if (classes_.empty()) {
    simd::argmax_blocks(window, argmax);
  } else {
    const bool bounded = largest <= kUnshiftedExpLimit && logits_.channels <= kMaxUnshiftedChannels;
    simd::softmax_blocks(window, bounded, classes_, argmax, work.probability_rows.data(), work.scratch.data());
  }
}

void Plan::run_blocks(int begin, int end, const simd::RowPair& pair, int row_begin, int row_end,
                      Workspace& work) const {
  last_.for_each_window(begin, end, work.rows.data(), [&](const simd::Blocks& window, int columns) {
    for (int row = row_begin; row < row_end; ++row) run_window(window, columns, pair, row, work);
  });
}

void Plan::run_rows(int begin, int end, Workspace& work) const {
  while (begin < end) {
    // Rows between the same two source rows have the same cells, and find their source in the cache.
    const int y0 = last_.rows.index[static_cast<std::size_t>(begin)];
    bool between = false;
    int stop = begin;
    do {
      between = between || last_.rows.weight[static_cast<std::size_t>(stop)] != 0;
      ++stop;
    } while (stop < end && last_.rows.index[static_cast<std::size_t>(stop)] == y0);
    const int y1 = between ? std::min(y0 + 1, last_.source_height - 1) : y0;
    const simd::RowPair pair = source_rows(y0, y1, work);
    if (decides_ && decide_columns(y0, y1, pair, work)) {
      for (int row = begin; row < stop; ++row) {
        std::int32_t* const argmax =
            maps_.argmax.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(maps_.width);
        for (const Run& run : work.decided) std::fill(argmax + run.begin, argmax + run.end, run.winner);
      }
      for (const Run& run : work.undecided) run_blocks(run.begin, run.end, pair, begin, stop, work);
    } else {
      run_blocks(0, last_.plan.blocks, pair, begin, stop, work);
    }
    begin = stop;
  }
}

bool exceeds_limit(int width, int height) {
  return width > kMaxImageSide || height > kMaxImageSide || std::int64_t{width} * height > kMaxImagePixels;
}

Result<void> check(const LogitsView& logits, int width, int height, std::span<const int> classes) {
  if (logits.channels < 1 || logits.height < 1 || logits.width < 1) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("logits of {} × {} × {} (channels × height × width) are none; every size must be at least 1",
                    logits.channels, logits.height, logits.width));
  }
  const auto plane = checked_mul(static_cast<std::size_t>(logits.height), static_cast<std::size_t>(logits.width));
  const auto count = plane ? checked_mul(*plane, static_cast<std::size_t>(logits.channels)) : std::nullopt;
  if (!count || *count != logits.values.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} values can't be logits of {} × {} × {} (channels × height × width)",
                            logits.values.size(), logits.channels, logits.height, logits.width));
  }
  const Upsampling pending = logits.pending.value_or(Upsampling{logits.height, logits.width});
  if (pending.height < 1 || pending.width < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("logits can't be upsampled to {} × {} (height × width); both must be at least 1",
                            pending.height, pending.width));
  }
  if (logits.pending && exceeds_limit(pending.width, pending.height)) {
    return fail(
        ErrorCode::kLimitExceeded,
        fmt::format("upsampling logits to {} × {} (height × width) exceeds the limit of {} a side and {} million "
                    "pixels in all; use a model with a smaller output",
                    pending.height, pending.width, kMaxImageSide, kMaxImagePixels / 1'000'000));
  }
  if (width < 1 || height < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class maps of {} × {} pixels can't be made; both must be at least 1", width, height));
  }
  if (exceeds_limit(width, height)) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("class maps of {} × {} pixels exceed the limit of {} a side and {} million in all; ask for "
                            "maps at the model's size",
                            width, height, kMaxImageSide, kMaxImagePixels / 1'000'000));
  }
  const int class_count = std::max(2, logits.channels);
  for (const int c : classes) {
    if (c < 0 || c >= class_count) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("class {} doesn't exist: the model has classes 0…{}", c, class_count - 1));
    }
  }
  return {};
}

Result<ClassMaps> make_checked(const LogitsView& logits, int width, int height, std::span<const int> classes,
                               ThreadPool& pool, const std::stop_token& stop) {
  const auto cancelled = [] { return fail(ErrorCode::kCancelled, "making the class maps was cancelled"); };
  if (stop.stop_requested()) return cancelled();

  ClassMaps maps;
  maps.width = width;
  maps.height = height;
  const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  auto argmax = AlignedBuffer<std::int32_t>::create(pixels, "a class map");
  if (!argmax) return std::unexpected(std::move(argmax.error()));
  maps.argmax = std::move(*argmax);
  for (std::size_t k = 0; k < classes.size(); ++k) {
    auto map = AlignedBuffer<float>::create(pixels, "a probability map");
    if (!map) return std::unexpected(std::move(map.error()));
    maps.probabilities.push_back(std::move(*map));
  }

  const Plan plan(logits, width, height, classes, maps);
  const auto rows_of = [&](std::int64_t band_pixels) {
    return std::clamp<std::int64_t>(band_pixels / width, 1, height);
  };
  const std::int64_t fair_share = (height + 4 * std::int64_t{pool.size()} - 1) / (4 * std::int64_t{pool.size()});
  const auto band_rows =
      static_cast<int>(std::min(rows_of(kBandPixels), std::max(rows_of(kMinBandPixels), fair_share)));
  const int bands = (height - 1) / band_rows + 1;

  std::vector<Workspace> workspaces;
  for (int i = 0; i < pool.size() && (i == 0 || bands > 1); ++i) {
    auto work = plan.create_workspace();
    if (!work) return std::unexpected(std::move(work.error()));
    workspaces.push_back(std::move(*work));
  }
  std::atomic<bool> stopped{false};
  pool.parallel_for(static_cast<std::size_t>(bands), [&](std::size_t band, std::size_t worker) {
    if (stop.stop_requested()) {
      stopped.store(true, std::memory_order_relaxed);
      return;
    }
    const int begin = static_cast<int>(band) * band_rows;
    plan.run_rows(begin, std::min(begin + band_rows, height), workspaces[worker]);
  });
  if (stopped.load(std::memory_order_relaxed)) return cancelled();
  return maps;
}

}  // namespace

Result<ClassMaps> make_class_maps(const LogitsView& logits, int width, int height, std::span<const int> classes,
                                  ThreadPool& pool, std::stop_token stop) {
  if (auto checked = check(logits, width, height, classes); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  try {
    return make_checked(logits, width, height, classes, pool, stop);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no memory for class maps of {} × {} pixels; use a smaller image", width, height));
  }
}

}  // namespace silhouette
