#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "silhouette/shapes.hpp"

namespace silhouette {

/// Twice the signed area of a ring: positive where it turns from the x axis to the y axis.
std::int64_t doubled_area(std::span<const Point> ring) noexcept;

/// Takes points out of rings so that no point of the given ring is farther than the tolerance (pixels) from the new
/// one: Douglas and Peucker ("Algorithms for the reduction of the number of points required to represent a digitized
/// line or its caricature", The Canadian Cartographer 10(2), 1973) between two points that are far apart. A ring that
/// would shrink to a line or turn over is simplified less, at worst not at all. Rings with many teeth, on which the
/// method would take quadratic time, keep some points more. Points on the line between their neighbours always go.
///
/// An object is a workspace, for one thread at a time.
class RingSimplifier {
 public:
  /// `ring`: a closed ring that doesn't cross itself, at least 4 points. It begins with its topmost, then leftmost
  /// point afterwards. May throw std::bad_alloc.
  void simplify(std::vector<Point>& ring, double tolerance);

 private:
  struct Chain {
    std::size_t first;
    std::size_t last;
    int depth;
  };

  void reduce(std::span<const Point> ring, double tolerance, std::size_t far);
  void drop_straight();

  std::vector<Chain> chains_;
  std::vector<unsigned char> kept_;
  std::vector<Point> reduced_;
};

}  // namespace silhouette
