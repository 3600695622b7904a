#include "postprocess/polygons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <new>
#include <utility>

#include "postprocess/bit_mask.hpp"
#include "postprocess/simplify.hpp"

// An outline turns at the corners of the mask: points between rows and columns of pixels where a horizontal edge of the
// outline meets a vertical one. On every line between two rows the corners from left to right are the ends of
// horizontal edges in turn, so corners 2k and 2k + 1 of all in reading order are joined by one. Vertical edges are
// found by remembering, for each column line, the corner above that an edge comes down from. No pixel is visited twice
// and no straight part of an outline costs more than the bits that it takes, 64 at a time.

namespace silhouette {
namespace {

using Word = std::uint64_t;
constexpr std::size_t kWordBits = 64;
constexpr std::int32_t kNone = -1;

struct Corner {
  Point at;
  /// Corner at the other end of the vertical edge; once the ring is traced, ~component instead.
  std::int32_t vertical = kNone;
  /// Before it is traced, of an upper end with the mask on its left: upper end of the mask's next edge to the left.
  /// Afterwards, where it stands in the ring.
  std::int32_t link = kNone;
};

/// What one word of a line between an upper and a lower row of pixels says, a bit for each column line.
struct LineWord {
  Word corners;     ///< where edges meet at a right angle
  Word crossings;   ///< where four edges meet: of the pixels around, two are set that share only this corner
  Word upper_edge;  ///< a vertical edge comes from above
  Word lower_set;   ///< the pixel below, to the right, is set
};

/// Walks the words of a line. The bits on a word's left come from the word before.
class Line {
 public:
  Line(const Word* upper, const Word* lower) noexcept : upper_(upper), lower_(lower) {}

  LineWord operator[](std::size_t word) noexcept {
    const Word up = upper_[word];
    const Word down = lower_[word];
    const Word up_left = up << 1 | up_carry_;
    const Word down_left = down << 1 | down_carry_;
    up_carry_ = up >> (kWordBits - 1);
    down_carry_ = down >> (kWordBits - 1);
    const Word right = up ^ down;
    const Word left = up_left ^ down_left;
    return {left ^ right, left & right & (down ^ down_left), up ^ up_left, down};
  }

 private:
  const Word* upper_;
  const Word* lower_;
  Word up_carry_ = 0;
  Word down_carry_ = 0;
};

/// Last column line before `x` where row `words` changes. There is one if the pixel before x is set.
std::size_t change_before(const Word* words, std::size_t x) noexcept {
  const auto changes = [&](std::size_t word) {
    return words[word] ^ (words[word] << 1 | (word > 0 ? words[word - 1] >> (kWordBits - 1) : 0));
  };
  std::size_t word = x / kWordBits;
  Word found = changes(word) & ((Word{1} << x % kWordBits) - 1);
  while (found == 0) found = changes(--word);
  return word * kWordBits + kWordBits - 1 - static_cast<std::size_t>(std::countl_zero(found));
}

/// Calls `body(y, upper row, lower row)` for the lines 0 … height between rows of pixels. Outside nothing is set.
template <typename Body>
void for_each_line(const BitMask& mask, Body&& body) {
  const std::vector<Word> outside(mask.words(), 0);
  for (int y = 0; y <= mask.height; ++y) {
    body(y, y == 0 ? outside.data() : mask.row(y - 1), y == mask.height ? outside.data() : mask.row(y));
  }
}

std::size_t count_corners(const BitMask& mask) {
  std::size_t count = 0;
  for_each_line(mask, [&](int, const Word* upper, const Word* lower) {
    Line line(upper, lower);
    for (std::size_t i = 0; i < mask.words(); ++i) {
      const LineWord word = line[i];
      count += static_cast<std::size_t>(std::popcount(word.corners) + 2 * std::popcount(word.crossings));
    }
  });
  return count;
}

std::vector<Corner> find_corners(const BitMask& mask, std::size_t count) {
  std::vector<Corner> corners;
  corners.reserve(count);
  // For each column line, the upper end of the edge that comes down there.
  std::vector<std::int32_t> open(static_cast<std::size_t>(mask.width) + 1, kNone);
  for_each_line(mask, [&](int y, const Word* upper, const Word* lower) {
    Line line(upper, lower);
    for (std::size_t i = 0; i < mask.words(); ++i) {
      const LineWord word = line[i];
      for (Word rest = word.corners | word.crossings; rest != 0; rest &= rest - 1) {
        const Word bit = rest & -rest;
        const std::size_t x = i * kWordBits + static_cast<std::size_t>(std::countr_zero(rest));
        const bool set = (word.lower_set & bit) != 0;
        const auto add = [&] {
          corners.push_back({{static_cast<std::int32_t>(x), y}});
          return static_cast<std::int32_t>(corners.size() - 1);
        };
        const auto end_edge = [&](std::int32_t corner) {
          corners[static_cast<std::size_t>(corner)].vertical = open[x];
          corners[static_cast<std::size_t>(open[x])].vertical = corner;
        };
        const auto begin_edge = [&](std::int32_t corner) {
          if (!set) corners[static_cast<std::size_t>(corner)].link = open[change_before(lower, x)];
          open[x] = corner;
        };
        if ((word.crossings & bit) == 0) {
          const std::int32_t corner = add();
          (word.upper_edge & bit) != 0 ? end_edge(corner) : begin_edge(corner);
          continue;
        }
        // The first corner belongs to the edge on the left, the second to the one on the right. Each goes around the
        // set pixel on its side.
        const std::int32_t left = add();
        const std::int32_t right = add();
        end_edge(set ? left : right);
        begin_edge(set ? right : left);
      }
    }
  });
  return corners;
}

/// Follows the rings through the corners and makes polygons of them.
class Tracer {
 public:
  Tracer(std::vector<Corner>& corners, const PolygonOptions& options) : corners_(corners), options_(options) {}

  Result<std::vector<Polygon>> trace() {
    for (std::size_t i = 0; i < corners_.size(); ++i) {
      if (corners_[i].vertical < 0) continue;
      // The first corner of a ring is its topmost and leftmost one. A hole belongs to the ring of the mask's edge on
      // its left, which began earlier.
      const std::int32_t left = corners_[i].link;
      if (left == kNone) polygon_of_.push_back(kNone);
      const auto component = left == kNone ? static_cast<std::int32_t>(polygon_of_.size() - 1)
                                           : ~corners_[static_cast<std::size_t>(left)].vertical;
      follow(i, component, left != kNone);
      if (!add_rings(static_cast<std::size_t>(component))) return too_many_points();
    }
    drop_small();
    return std::move(polygons_);
  }

 private:
  /// Visits a ring's corners, the set pixels on the right of the way as seen on a screen. Fills `ring_points_`.
  void follow(std::size_t start, std::int32_t component, bool hole) {
    ring_points_.clear();
    ring_ends_.clear();
    bool level = !hole;
    std::size_t at = start;
    do {
      split_at(at);
      corners_[at].link = static_cast<std::int32_t>(path_.size());
      path_.push_back(static_cast<std::int32_t>(at));
      const std::size_t next = level ? at ^ 1U : static_cast<std::size_t>(corners_[at].vertical);
      corners_[at].vertical = ~component;
      level = !level;
      at = next;
    } while (at != start);
    end_ring(0);
  }

  /// Where the way has been at this point before, what came since is a ring of its own. Two corners are at one point
  /// only at crossings, and the left one is odd.
  void split_at(std::size_t corner) {
    const std::size_t twin = corner % 2 == 1 ? corner + 1 : corner - 1;
    if (twin >= corners_.size() || corners_[twin].at != corners_[corner].at || corners_[twin].link < 0) return;
    const auto position = static_cast<std::size_t>(corners_[twin].link);
    if (position < path_.size() && path_[position] == static_cast<std::int32_t>(twin)) end_ring(position);
  }

  void end_ring(std::size_t position) {
    for (std::size_t i = position; i < path_.size(); ++i) {
      ring_points_.push_back(corners_[static_cast<std::size_t>(path_[i])].at);
    }
    ring_ends_.push_back(ring_points_.size());
    path_.resize(position);
  }

  /// False if there are too many points. The last ring holds the corner that the way began with, so that an outer ring
  /// comes before the holes that were split off from it.
  bool add_rings(std::size_t component) {
    for (std::size_t i = ring_ends_.size(); i-- > 0;) {
      const std::size_t begin = i == 0 ? 0 : ring_ends_[i - 1];
      const auto points = std::span(ring_points_).subspan(begin, ring_ends_[i] - begin);
      const std::int64_t pixels = doubled_area(points) / 2;
      if (pixels > 0) {
        if (pixels < options_.min_area) return true;
        polygon_of_[component] = static_cast<std::int32_t>(polygons_.size());
        polygons_.push_back({simplified(points), {}});
        pixels_.push_back(pixels);
      } else {
        const std::int32_t polygon = polygon_of_[component];
        if (polygon == kNone) return true;
        pixels_[static_cast<std::size_t>(polygon)] += pixels;
        if (-pixels < options_.min_area) continue;
        polygons_[static_cast<std::size_t>(polygon)].holes.push_back(simplified(points));
      }
      if (point_count_ > options_.max_points) return false;
    }
    return true;
  }

  std::vector<Point> simplified(std::span<const Point> points) {
    std::vector<Point> ring(points.begin(), points.end());
    simplifier_.simplify(ring, options_.tolerance);
    if (ring.size() < points.size()) ring.shrink_to_fit();
    point_count_ += ring.size();
    return ring;
  }

  /// With its holes taken off, a polygon may be smaller than its outer ring let expect.
  void drop_small() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < polygons_.size(); ++i) {
      if (pixels_[i] < options_.min_area) continue;
      if (kept != i) polygons_[kept] = std::move(polygons_[i]);
      ++kept;
    }
    polygons_.resize(kept);
  }

  std::unexpected<Error> too_many_points() const {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("the polygons have more than {} points; raise the tolerance or the smallest area, or take "
                            "the run-length encoding",
                            options_.max_points));
  }

  std::vector<Corner>& corners_;
  const PolygonOptions& options_;
  RingSimplifier simplifier_;
  std::vector<Polygon> polygons_;
  std::vector<std::int64_t> pixels_;      ///< of each polygon
  std::vector<std::int32_t> polygon_of_;  ///< of each connected component; kNone where it is left out
  std::size_t point_count_ = 0;
  // Of the ring being followed: corners on the way that belong to no finished ring, and the points of finished rings
  // one after the other.
  std::vector<std::int32_t> path_;
  std::vector<Point> ring_points_;
  std::vector<std::size_t> ring_ends_;
};

}  // namespace

Result<std::vector<Polygon>> class_polygons(std::span<const std::int32_t> classes, int width, int height,
                                            std::int32_t value, const PolygonOptions& options) try {
  if (!(options.tolerance >= 0) || !std::isfinite(options.tolerance)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the tolerance of polygons is {}; give 0 (exact) or more pixels", options.tolerance));
  }
  if (options.min_area < 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the smallest area of polygons is {}; give 0 or more pixels", options.min_area));
  }
  const auto mask = select_class(classes, width, height, value);
  if (!mask) return std::unexpected(mask.error());
  const std::size_t count = count_corners(*mask);
  if (count > options.max_corners) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("the outlines of a mask of {} × {} have {} corners, {} is the limit; take a smoother or "
                            "smaller mask, or its run-length encoding",
                            width, height, count, options.max_corners));
  }
  auto corners = find_corners(*mask, count);
  return Tracer(corners, options).trace();
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kLimitExceeded,
              fmt::format("no memory for the polygons of a mask of {} × {}; use a smaller one", width, height));
}

double Polygon::area() const noexcept {
  std::int64_t doubled = doubled_area(outer);
  for (const auto& hole : holes) doubled += doubled_area(hole);
  return static_cast<double>(doubled) / 2;
}

Box Polygon::bounding_box() const noexcept {
  if (outer.empty()) return {};
  const auto [left, right] = std::ranges::minmax(outer, {}, &Point::x);
  const auto [top, bottom] = std::ranges::minmax(outer, {}, &Point::y);
  return {left.x, top.y, right.x - left.x, bottom.y - top.y};
}

}  // namespace silhouette
