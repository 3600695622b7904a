#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "base/checked.hpp"
#include "base/image.hpp"
#include "postprocess/class_maps_simd.hpp"
#include "postprocess/columns.hpp"
#include "postprocess/postprocess.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kRowsBytes =
    24 * 1024;  ///< of interpolated rows that are worked on at once: stays in the L1 cache
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

/// One thread's working memory.
struct Workspace {
  AlignedBuffer<float> rows;
  AlignedBuffer<float> scratch;
  std::vector<float*> probability_rows;
  // Of the source rows y with y % 2 = 0 and 1.
  int winner_row[2] = {-1, -1};
  float largest[2] = {0, 0};
  std::vector<std::int32_t> winner[2];
  std::vector<float> lead[2];
  std::vector<std::int32_t> common;
  std::vector<Run> decided;
  std::vector<Run> undecided;
};

/// What is the same for all bands.
class Plan {
 public:
  Plan(const LogitsView& logits, int width, int height, std::span<const int> classes, ClassMaps& maps);

  [[nodiscard]] Result<Workspace> create_workspace() const;

  /// Fills output rows [begin, end).
  void run_rows(int begin, int end, Workspace& work) const;

 private:
  [[nodiscard]] bool decide_columns(int y0, int y1, Workspace& work) const;
  void find_winners(int y, Workspace& work) const;
  void run_blocks(int begin, int end, int y0, int y1, int row_begin, int row_end, Workspace& work) const;
  void run_window(const simd::Blocks& window, int columns, int y0, int y1, int row, Workspace& work) const;

  const LogitsView& logits_;
  std::span<const int> classes_;
  ClassMaps& maps_;
  Axis rows_;
  ColumnPlan columns_;
  std::vector<int> column_begin_;  ///< [logits width + 1] first output column whose left source column is this one
  int window_ = 0;                 ///< source columns that are interpolated at once, at most
  std::size_t stride_ = 0;         ///< floats of one interpolated row
  bool decides_ = false;           ///< look for cells that one class wins as a whole
};

Plan::Plan(const LogitsView& logits, int width, int height, std::span<const int> classes, ClassMaps& maps)
    : logits_(logits), classes_(classes), maps_(maps), rows_(make_axis(logits.height, height)) {
  const Axis columns = make_axis(logits.width, width);
  const auto lanes = static_cast<int>(simd::lanes());
  columns_ = make_column_plan(columns, logits.width, lanes);

  const auto channels = static_cast<std::size_t>(logits.channels);
  window_ = static_cast<int>(kRowsBytes / (2 * sizeof(float) * channels));
  for (std::size_t b = 0; b < static_cast<std::size_t>(columns_.blocks); ++b) {
    window_ = std::max(window_, columns_.last[b] - columns_.base[b] + 2);
  }
  window_ = std::min(window_, logits.width);
  stride_ = static_cast<std::size_t>(window_ / lanes + 2) * static_cast<std::size_t>(lanes);

  // The winners of a source row cost about as much as an output row of that width; they pay where they serve several.
  decides_ = classes.empty() && logits.channels > 1 &&
             std::int64_t{width} * height >= 2 * std::int64_t{logits.width} * logits.height;
  if (decides_) {
    column_begin_.resize(static_cast<std::size_t>(logits.width) + 1);
    for (std::size_t x = 0; x < column_begin_.size(); ++x) {
      column_begin_[x] = static_cast<int>(std::ranges::lower_bound(columns.index, static_cast<std::int32_t>(x)) -
                                          columns.index.begin());
    }
  }
}

Result<Workspace> Plan::create_workspace() const {
  Workspace work;
  const auto channels = static_cast<std::size_t>(logits_.channels);
  const auto lanes = static_cast<std::size_t>(columns_.lanes);
  const auto row_floats = checked_mul(2 * channels, stride_);
  auto rows = AlignedBuffer<float>::create(row_floats.value_or(SIZE_MAX - 2 * lanes) + 2 * lanes, "interpolated rows");
  if (!rows) return std::unexpected(std::move(rows.error()));
  work.rows = std::move(*rows);
  auto scratch = AlignedBuffer<float>::create(channels * lanes, "a softmax");
  if (!scratch) return std::unexpected(std::move(scratch.error()));
  work.scratch = std::move(*scratch);
  work.probability_rows.resize(classes_.size());
  if (decides_) {
    const auto width = static_cast<std::size_t>(logits_.width);
    for (auto& winner : work.winner) winner.resize(width);
    for (auto& lead : work.lead) lead.resize(width);
    work.common.resize(width);
    work.decided.reserve(width);
    work.undecided.reserve(width);
  }
  return work;
}

void Plan::find_winners(int y, Workspace& work) const {
  const auto slot = static_cast<std::size_t>(y % 2);
  if (work.winner_row[slot] == y) return;
  const auto width = static_cast<std::size_t>(logits_.width);
  const float* const values = logits_.values.data();
  work.largest[slot] = simd::row_winners(values + static_cast<std::size_t>(y) * width, values + logits_.values.size(),
                                         static_cast<std::size_t>(logits_.height) * width, logits_.channels,
                                         logits_.width, work.winner[slot].data(), work.lead[slot].data());
  work.winner_row[slot] = y;
}

/// A class that leads at all four corners of a cell leads within it, because interpolated values are averages of the
/// corners' with weights that don't depend on the class. Sorts the cells between source rows y0 and y1 into decided
/// ones, as runs of output columns, and others, as runs of blocks. False if a value isn't finite.
bool Plan::decide_columns(int y0, int y1, Workspace& work) const {
  find_winners(y0, work);
  find_winners(y1, work);
  const auto slot0 = static_cast<std::size_t>(y0 % 2);
  const auto slot1 = static_cast<std::size_t>(y1 % 2);
  const float largest = std::max(work.largest[slot0], work.largest[slot1]);
  if (!(work.largest[slot0] <= kLogitLimits.high && work.largest[slot1] <= kLogitLimits.high)) return false;

  // Each of two interpolated values is off by up to 10 ε max |logit|.
  const float margin = 32 * 0x1p-24F * largest;
  const auto width = static_cast<std::size_t>(logits_.width);
  for (std::size_t x = 0; x < width; ++x) {
    const bool agreed = (work.winner[slot0][x] == work.winner[slot1][x]) & (work.lead[slot0][x] > margin) &
                        (work.lead[slot1][x] > margin);
    work.common[x] = agreed ? work.winner[slot0][x] : -1;
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
    const int first_block = begin / columns_.lanes;
    const int end_block = (end - 1) / columns_.lanes + 1;
    if (!work.undecided.empty() && work.undecided.back().end >= first_block) {
      work.undecided.back().end = end_block;
    } else {
      work.undecided.push_back({first_block, end_block, -1});
    }
  }
  return true;
}

void Plan::run_window(const simd::Blocks& window, int columns, int y0, int y1, int row, Workspace& work) const {
  const auto source_width = static_cast<std::size_t>(logits_.width);
  const float* const values = logits_.values.data();
  simd::RowPair pair;
  pair.weight = rows_.weight[static_cast<std::size_t>(row)];
  pair.top = values + static_cast<std::size_t>(y0) * source_width;
  pair.bottom = pair.weight == 0 ? pair.top : values + static_cast<std::size_t>(y1) * source_width;
  pair.end = values + logits_.values.size();
  pair.plane = static_cast<std::size_t>(logits_.height) * source_width;
  pair.channels = logits_.channels;

  float* const rows = work.rows.data();
  const std::size_t offset = static_cast<std::size_t>(row) * static_cast<std::size_t>(maps_.width);
  std::int32_t* const argmax = maps_.argmax.data() + offset;
  for (std::size_t k = 0; k < classes_.size(); ++k) {
    work.probability_rows[k] = maps_.probabilities[k].data() + offset;
  }
  if (logits_.channels == 1) {
    simd::interpolate_rows(pair, window.first, columns, &kProbabilityLimits, rows, stride_);
    simd::threshold_blocks(window, classes_, argmax, work.probability_rows.data());
    return;
  }
  float largest = simd::interpolate_rows(pair, window.first, columns, nullptr, rows, stride_);
  if (!(largest <= kLogitLimits.high)) {
    largest = simd::interpolate_rows(pair, window.first, columns, &kLogitLimits, rows, stride_);
  }
  if (classes_.empty()) {
    simd::argmax_blocks(window, argmax);
  } else {
    const bool bounded = largest <= kUnshiftedExpLimit && logits_.channels <= kMaxUnshiftedChannels;
    simd::softmax_blocks(window, bounded, classes_, argmax, work.probability_rows.data(), work.scratch.data());
  }
}

void Plan::run_blocks(int begin, int end, int y0, int y1, int row_begin, int row_end, Workspace& work) const {
  const auto columns = [&](int from, int to) {
    return std::min(columns_.last[static_cast<std::size_t>(to - 1)] + 2, logits_.width) -
           columns_.base[static_cast<std::size_t>(from)];
  };
  while (begin < end) {
    int stop = begin + 1;
    while (stop < end && columns(begin, stop + 1) <= window_) ++stop;
    simd::Blocks window;
    window.plan = &columns_;
    window.begin = begin;
    window.end = stop;
    window.rows = work.rows.data();
    window.stride = stride_;
    window.first = columns_.base[static_cast<std::size_t>(begin)];
    window.channels = logits_.channels;
    for (int row = row_begin; row < row_end; ++row) run_window(window, columns(begin, stop), y0, y1, row, work);
    begin = stop;
  }
}

void Plan::run_rows(int begin, int end, Workspace& work) const {
  while (begin < end) {
    // Rows between the same two source rows have the same cells, and find their source in the cache.
    const int y0 = rows_.index[static_cast<std::size_t>(begin)];
    const int y1 = std::min(y0 + 1, logits_.height - 1);
    int stop = begin + 1;
    while (stop < end && rows_.index[static_cast<std::size_t>(stop)] == y0) ++stop;
    if (decides_ && decide_columns(y0, y1, work)) {
      for (int row = begin; row < stop; ++row) {
        std::int32_t* const argmax =
            maps_.argmax.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(maps_.width);
        for (const Run& run : work.decided) std::fill(argmax + run.begin, argmax + run.end, run.winner);
      }
      for (const Run& run : work.undecided) run_blocks(run.begin, run.end, y0, y1, begin, stop, work);
    } else {
      run_blocks(0, columns_.blocks, y0, y1, begin, stop, work);
    }
    begin = stop;
  }
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
  if (width < 1 || height < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class maps of {} × {} pixels can't be made; both must be at least 1", width, height));
  }
  if (width > kMaxImageSide || height > kMaxImageSide || std::int64_t{width} * height > kMaxImagePixels) {
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
  for (int i = 0; i < std::min(pool.size(), bands); ++i) {
    auto work = plan.create_workspace();
    if (!work) return std::unexpected(std::move(work.error()));
    workspaces.push_back(std::move(*work));
  }
  std::atomic<int> next{0};
  std::atomic<bool> stopped{false};
  pool.parallel_for(workspaces.size(), [&](std::size_t i) {
    for (int band = next.fetch_add(1, std::memory_order_relaxed); band < bands;
         band = next.fetch_add(1, std::memory_order_relaxed)) {
      if (stop.stop_requested()) {
        stopped.store(true, std::memory_order_relaxed);
        return;
      }
      const int begin = band * band_rows;
      plan.run_rows(begin, std::min(begin + band_rows, height), workspaces[i]);
    }
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
