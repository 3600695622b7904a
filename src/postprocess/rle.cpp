#include "postprocess/rle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/guard.hpp"
#include "postprocess/bit_mask.hpp"

namespace silhouette {
namespace {

constexpr int kGroupBits = 5;
constexpr std::uint32_t kGroupMask = 31;
constexpr std::uint32_t kSignBit = 16;
constexpr std::uint32_t kMoreBit = 32;
constexpr char kFirstCharacter = '0';
/// Enough for the difference of any two counts.
constexpr int kMaxGroups = 7;
/// Counts before this one are written as they are, the others less the one two before.
constexpr std::size_t kFirstDifference = 3;

std::unexpected<Error> bad_rle(std::string message) {
  return fail(ErrorCode::kInvalidArgument, "run-length encoding: " + std::move(message));
}

/// Changes between one pixel and the next, column by column, are the ends of runs. A mask's columns are the rows of
/// `columns`.
std::vector<std::uint32_t> count_runs(const BitMask& columns) {
  const auto height = static_cast<std::size_t>(columns.width);
  std::vector<std::uint32_t> counts;
  std::size_t run_start = 0;
  std::size_t base = 0;
  std::uint64_t last = 0;
  for (int x = 0; x < columns.height; ++x, base += height) {
    const std::uint64_t* const words = columns.row(x);
    for (std::size_t y = 0; y < height; y += 64) {
      const std::uint64_t word = words[y / 64];
      const std::size_t valid = std::min<std::size_t>(64, height - y);
      std::uint64_t changes = (word ^ (word << 1 | last)) & ~std::uint64_t{0} >> (64 - valid);
      last = word >> (valid - 1) & 1U;
      for (; changes != 0; changes &= changes - 1) {
        const std::size_t position = base + y + static_cast<std::size_t>(std::countr_zero(changes));
        counts.push_back(static_cast<std::uint32_t>(position - run_start));
        run_start = position;
      }
    }
  }
  counts.push_back(static_cast<std::uint32_t>(base - run_start));
  return counts;
}

/// `select()` gives the mask.
template <typename Select>
Result<Rle> encode(const Select& select) {
  return guarded(
      [&]() -> Result<Rle> {
        const Result<BitMask> mask = select();
        if (!mask) return std::unexpected(mask.error());
        const auto columns = transpose(*mask);
        if (!columns) return std::unexpected(columns.error());
        return Rle{mask->width, mask->height, count_runs(*columns)};
      },
      [] { return "no memory for a mask's run lengths; use a smaller mask"; });
}

/// Sets bits [begin, end) of a row.
void set_bits(std::uint64_t* words, std::size_t begin, std::size_t end) noexcept {
  for (std::size_t at = begin; at < end;) {
    const std::size_t stop = std::min(end, (at / 64 + 1) * 64);
    words[at / 64] |= ~std::uint64_t{0} >> (64 - (stop - at)) << (at % 64);
    at = stop;
  }
}

/// Reads one count or difference at `at` and moves on.
Result<std::int64_t> read_number(std::string_view text, std::size_t& at) {
  std::uint64_t bits = 0;
  for (int shift = 0;; shift += kGroupBits) {
    if (at == text.size()) return bad_rle(fmt::format("the text ends within a count, after byte {}", at));
    if (shift == kMaxGroups * kGroupBits) return bad_rle(fmt::format("the count before byte {} is too long", at));
    const auto group = static_cast<std::uint32_t>(static_cast<unsigned char>(text[at])) - kFirstCharacter;
    if (group > (kMoreBit | kGroupMask)) {
      return bad_rle(fmt::format("byte {} is {:#04x}, no character of a compressed text ('0' … 'o')", at,
                                 static_cast<unsigned char>(text[at])));
    }
    ++at;
    bits |= std::uint64_t{group & kGroupMask} << shift;
    if ((group & kMoreBit) != 0) continue;
    if ((group & kSignBit) != 0) bits |= ~std::uint64_t{0} << (shift + kGroupBits);
    return static_cast<std::int64_t>(bits);
  }
}

std::unexpected<Error> wrong_sum(const std::string& sum, int width, int height) {
  return bad_rle(fmt::format("the counts sum to {}, a mask of {} × {} has {} pixels; is it of this size?", sum, width,
                             height, std::int64_t{width} * height));
}

}  // namespace

std::int64_t Rle::area() const noexcept {
  std::int64_t sum = 0;
  for (std::size_t i = 1; i < counts.size(); i += 2) sum += counts[i];
  return sum;
}

Box Rle::bounding_box() const noexcept {
  if (width < 1 || height < 1) return {};
  const auto rows = static_cast<std::uint64_t>(height);
  std::uint64_t left = 0;
  std::uint64_t right = 0;
  std::uint64_t top = rows;
  std::uint64_t bottom = 0;
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::uint64_t begin = position;
    position += counts[i];
    if (i % 2 == 0 || counts[i] == 0) continue;
    const std::uint64_t last = position - 1;
    if (top == rows) left = begin / rows;
    right = last / rows;
    const bool one_column = begin / rows == right;
    top = std::min(top, one_column ? begin % rows : 0);
    bottom = std::max(bottom, one_column ? last % rows : rows - 1);
  }
  if (top == rows) return {};
  return {static_cast<int>(left), static_cast<int>(top), static_cast<int>(right - left + 1),
          static_cast<int>(bottom - top + 1)};
}

Result<std::string> Rle::compressed() const {
  return guarded(
      [&]() -> Result<std::string> {
        std::string text;
        text.reserve(counts.size() * 2);
        for (std::size_t i = 0; i < counts.size(); ++i) {
          std::int64_t rest = counts[i];
          if (i >= kFirstDifference) rest -= counts[i - 2];
          for (bool more = true; more;) {
            auto group = static_cast<std::uint32_t>(rest) & kGroupMask;
            rest >>= kGroupBits;
            more = rest != ((group & kSignBit) != 0 ? -1 : 0);
            if (more) group |= kMoreBit;
            text += static_cast<char>(kFirstCharacter + static_cast<char>(group));
          }
        }
        return text;
      },
      [&] { return fmt::format("no memory for the text of {} runs; use a smaller mask", counts.size()); });
}

Result<Rle> parse_rle(std::string_view compressed, int width, int height) {
  return guarded(
      [&]() -> Result<Rle> {
        if (auto checked = check_mask_size(width, height); !checked) return std::unexpected(std::move(checked.error()));
        const std::int64_t pixels = std::int64_t{width} * height;
        Rle rle{width, height, {}};
        std::int64_t sum = 0;
        for (std::size_t at = 0; at < compressed.size();) {
          const std::size_t start = at;
          auto count = read_number(compressed, at);
          if (!count) return std::unexpected(std::move(count.error()));
          if (rle.counts.size() >= kFirstDifference) *count += rle.counts[rle.counts.size() - 2];
          if (*count < 0) return bad_rle(fmt::format("the count at byte {} is {}, below 0", start, *count));
          sum += *count;
          if (sum > pixels) return wrong_sum(fmt::format("{} or more, at byte {}", sum, start), width, height);
          // With runs of no length only at the ends there are at most this many; a hostile text has to stop somewhere.
          if (rle.counts.size() > static_cast<std::size_t>(pixels) + 1) {
            return bad_rle(
                fmt::format("more runs than the {} pixels of a mask of {} × {} can have", pixels, width, height));
          }
          rle.counts.push_back(static_cast<std::uint32_t>(*count));
        }
        if (sum != pixels) return wrong_sum(std::to_string(sum), width, height);
        return rle;
      },
      [&] { return fmt::format("no memory for the runs of a mask of {} × {}; use a smaller one", width, height); });
}

Result<std::vector<std::uint8_t>> decode_rle(const Rle& rle) {
  return guarded(
      [&]() -> Result<std::vector<std::uint8_t>> {
        if (auto checked = check_mask_size(rle.width, rle.height); !checked) {
          return std::unexpected(std::move(checked.error()));
        }
        std::uint64_t sum = 0;
        for (const std::uint32_t count : rle.counts) sum += count;
        if (sum != static_cast<std::uint64_t>(rle.width) * static_cast<std::uint64_t>(rle.height)) {
          return wrong_sum(std::to_string(sum), rle.width, rle.height);
        }
        auto columns = BitMask::create(rle.height, rle.width);
        if (!columns) return std::unexpected(std::move(columns.error()));
        const auto height = static_cast<std::size_t>(rle.height);
        std::size_t at = 0;
        for (std::size_t i = 0; i < rle.counts.size(); ++i) {
          const std::size_t end = at + rle.counts[i];
          if (i % 2 == 0) at = end;
          while (at < end) {
            const std::size_t column = at / height;
            const std::size_t stop = std::min(end, (column + 1) * height);
            set_bits(columns->row(static_cast<int>(column)), at - column * height, stop - column * height);
            at = stop;
          }
        }
        const auto mask = transpose(*columns);
        if (!mask) return std::unexpected(mask.error());
        std::vector<std::uint8_t> values(static_cast<std::size_t>(sum));
        expand_bits(*mask, values);
        return values;
      },
      [&] { return fmt::format("no memory for a mask of {} × {}; use a smaller one", rle.width, rle.height); });
}

Result<Rle> encode_rle(std::span<const std::uint8_t> mask, int width, int height) {
  return encode([&] { return select_set(mask, width, height); });
}

Result<Rle> class_rle(std::span<const std::int32_t> classes, int width, int height, std::int32_t value) {
  return encode([&] { return select_class(classes, width, height, value); });
}

}  // namespace silhouette
