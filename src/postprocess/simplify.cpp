#include "postprocess/simplify.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace silhouette {
namespace {

/// Chains that were halved this often go on being halved in the middle instead of at their farthest point: a bound on
/// the work, deeper than outlines of objects get.
constexpr int kMaxDepth = 48;
/// A lattice ring loses next to nothing below this; the ring as it is does as well.
constexpr double kSmallTolerance = 0.1;

double squared(double value) noexcept {
  return value * value;
}

double squared_distance(Point a, Point b) noexcept {
  return squared(static_cast<double>(a.x) - b.x) + squared(static_cast<double>(a.y) - b.y);
}

/// Where the turn from a to b to c goes: positive from the x axis to the y axis, 0 straight on or back.
std::int64_t turn(Point a, Point b, Point c) noexcept {
  return (std::int64_t{b.x} - a.x) * (std::int64_t{c.y} - b.y) - (std::int64_t{b.y} - a.y) * (std::int64_t{c.x} - b.x);
}

/// Squared distances to one line segment.
class Segment {
 public:
  Segment(Point a, Point b) noexcept
      : a_(a),
        dx_(static_cast<double>(b.x) - a.x),
        dy_(static_cast<double>(b.y) - a.y),
        length_(dx_ * dx_ + dy_ * dy_) {}

  [[nodiscard]] double squared_distance_to(Point p) const noexcept {
    const double px = static_cast<double>(p.x) - a_.x;
    const double py = static_cast<double>(p.y) - a_.y;
    const double along = px * dx_ + py * dy_;
    if (along <= 0) return squared(px) + squared(py);
    if (along >= length_) return squared(px - dx_) + squared(py - dy_);
    return squared(px * dy_ - py * dx_) / length_;
  }

 private:
  Point a_;
  double dx_;
  double dy_;
  double length_;
};

std::size_t farthest_from(std::span<const Point> ring, std::size_t from) noexcept {
  std::size_t best = from;
  double distance = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const double d = squared_distance(ring[i], ring[from]);
    if (d > distance) std::tie(best, distance) = std::pair(i, d);
  }
  return best;
}

/// Largest distance of the ring's points from the chord between its points 0 and `far`.
double width_across(std::span<const Point> ring, std::size_t far) noexcept {
  const Segment chord(ring[0], ring[far]);
  double distance = 0;
  for (const Point p : ring) distance = std::max(distance, chord.squared_distance_to(p));
  return std::sqrt(distance);
}

void begin_at_top(std::vector<Point>& ring) {
  const auto first = std::ranges::min_element(ring, {}, [](Point p) { return std::pair(p.y, p.x); });
  std::ranges::rotate(ring, first);
}

}  // namespace

std::int64_t doubled_area(std::span<const Point> ring) noexcept {
  if (ring.empty()) return 0;
  std::int64_t sum = 0;
  Point last = ring.back();
  for (const Point p : ring) {
    sum += std::int64_t{last.x} * p.y - std::int64_t{p.x} * last.y;
    last = p;
  }
  return sum;
}

/// Fills `reduced_`. The ring is two chains, from point 0 to point `far` and on to point 0 again.
void RingSimplifier::reduce(std::span<const Point> ring, double tolerance, std::size_t far) {
  const double limit = squared(tolerance);
  const std::size_t size = ring.size();
  const auto at = [&](std::size_t i) { return ring[i == size ? 0 : i]; };
  kept_.assign(size, 0);
  kept_[0] = kept_[far] = 1;
  chains_.assign({{0, far, 0}, {far, size, 0}});
  while (!chains_.empty()) {
    const auto [first, last, depth] = chains_.back();
    chains_.pop_back();
    if (last - first < 2) continue;
    const Segment chord(at(first), at(last));
    const std::size_t middle = first + (last - first) / 2;
    std::size_t split = middle;
    double distance = chord.squared_distance_to(at(middle));
    for (std::size_t i = first + 1; i < last; ++i) {
      const double d = chord.squared_distance_to(ring[i]);
      if (d > distance) std::tie(split, distance) = std::pair(i, d);
    }
    if (distance <= limit) continue;
    if (depth >= kMaxDepth) split = middle;
    kept_[split] = 1;
    chains_.push_back({first, split, depth + 1});
    chains_.push_back({split, last, depth + 1});
  }
  reduced_.clear();
  for (std::size_t i = 0; i < size; ++i) {
    if (kept_[i] != 0) reduced_.push_back(ring[i]);
  }
  drop_straight();
}

/// Neighbours of a dropped point may be in line now: looks back as long as points go, then across the ends.
void RingSimplifier::drop_straight() {
  std::vector<Point>& ring = reduced_;
  std::size_t size = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    while (size >= 2 && turn(ring[size - 2], ring[size - 1], ring[i]) == 0) --size;
    ring[size++] = ring[i];
  }
  std::size_t begin = 0;
  while (size - begin >= 3) {
    if (turn(ring[size - 2], ring[size - 1], ring[begin]) == 0) {
      --size;
    } else if (turn(ring[size - 1], ring[begin], ring[begin + 1]) == 0) {
      ++begin;
    } else {
      break;
    }
  }
  ring.resize(size);
  ring.erase(ring.begin(), ring.begin() + static_cast<std::ptrdiff_t>(begin));
}

void RingSimplifier::simplify(std::vector<Point>& ring, double tolerance) {
  if (tolerance >= kSmallTolerance) {
    // Both ends of a long diagonal are corners that any outline of this shape has.
    std::ranges::rotate(ring, ring.begin() + static_cast<std::ptrdiff_t>(farthest_from(ring, 0)));
    const std::size_t far = farthest_from(ring, 0);
    const bool positive = doubled_area(ring) > 0;
    reduce(ring, tolerance, far);
    const auto sound = [&] {
      const std::int64_t area = doubled_area(reduced_);
      return reduced_.size() >= 3 && (positive ? area > 0 : area < 0);
    };
    // No tolerance from this distance on leaves more than the diagonal.
    if (!sound()) tolerance = std::min(tolerance, width_across(ring, far));
    while (!sound() && tolerance >= kSmallTolerance) {
      tolerance /= 2;
      reduce(ring, tolerance, far);
    }
    if (sound()) ring.assign(reduced_.begin(), reduced_.end());
  }
  begin_at_top(ring);
}

}  // namespace silhouette
