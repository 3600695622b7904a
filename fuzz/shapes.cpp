// Run lengths and polygons: any text and numbers as run lengths, and masks that have to come back from both.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/input.hpp"
#include "postprocess/polygons.hpp"
#include "postprocess/rle.hpp"

namespace silhouette::fuzz {
namespace {

using Ring = std::vector<Point>;

/// A mask as a class map: `value` where it is set, `other` elsewhere.
struct Mask {
  int width = 0;
  int height = 0;
  std::int32_t value = 1;
  std::int32_t other = 0;
  std::vector<std::int32_t> classes;

  [[nodiscard]] std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
  [[nodiscard]] bool at(int x, int y) const { return classes[index(x, y)] == value; }
  [[nodiscard]] std::int64_t area() const { return std::ranges::count(classes, value); }
  [[nodiscard]] Box bounding_box() const {
    Box box;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (!at(x, y)) continue;
        if (box.width == 0) box = {x, y, 1, 1};
        const int right = std::max(box.x + box.width, x + 1);
        box.x = std::min(box.x, x);
        box.width = right - box.x;
        box.height = y + 1 - box.y;
      }
    }
    return box;
  }
};

std::int64_t twice_the_area(const Ring& ring) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[(i + 1) % ring.size()];
    sum += std::int64_t{a.x} * b.y - std::int64_t{b.x} * a.y;
  }
  return sum;
}

void require_ring(const Ring& ring, const Mask& mask, bool outer) {
  if (ring.size() < 3) broken("a ring of {} points", ring.size());
  for (const Point p : ring) {
    if (p.x < 0 || p.y < 0 || p.x > mask.width || p.y > mask.height) broken("a point ({}, {}) outside", p.x, p.y);
  }
  const std::int64_t area = twice_the_area(ring);
  if (outer ? area <= 0 : area >= 0) broken("a ring turns the wrong way: twice its area is {}", area);
  const auto first = std::ranges::min_element(ring, {}, [](Point p) { return std::pair(p.y, p.x); });
  if (first != ring.begin()) broken("a ring doesn't begin with its topmost point");
}

/// Windings of exact outlines: what crosses a row to the left of a pixel, summed from the left.
class Windings {
 public:
  explicit Windings(const Mask& mask)
      : mask_(&mask), changes_((static_cast<std::size_t>(mask.width) + 1) * static_cast<std::size_t>(mask.height)) {}

  void add(const Ring& ring) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Point a = ring[i];
      const Point b = ring[(i + 1) % ring.size()];
      if ((a.x == b.x) == (a.y == b.y)) broken("an edge from ({}, {}) to ({}, {})", a.x, a.y, b.x, b.y);
      for (int y = std::min(a.y, b.y); a.x == b.x && y < std::max(a.y, b.y); ++y) at(a.x, y) += a.y > b.y ? 1 : -1;
    }
  }

  void require_mask() {
    for (int y = 0; y < mask_->height; ++y) {
      int inside = 0;
      for (int x = 0; x < mask_->width; ++x) {
        inside += at(x, y);
        if (inside != (mask_->at(x, y) ? 1 : 0)) broken("pixel ({}, {}) is in {} polygons", x, y, inside);
      }
    }
  }

 private:
  int& at(int x, int y) {
    return changes_[static_cast<std::size_t>(y) * (static_cast<std::size_t>(mask_->width) + 1) +
                    static_cast<std::size_t>(x)];
  }

  const Mask* mask_;
  std::vector<int> changes_;
};

/// Run lengths that were accepted: everything that is made of them agrees.
void require_rle(const Rle& rle) {
  const auto mask = decode_rle(rle);
  if (!mask) broken("run lengths aren't decoded: {}", mask.error().message);
  if (rle.area() != std::ranges::count(*mask, 1)) broken("the area is {}", rle.area());
  const auto text = rle.compressed();
  if (!text) broken("run lengths aren't compressed: {}", text.error().message);
  const auto back = parse_rle(*text, rle.width, rle.height);
  if (!back || *back != rle) broken("'{}' isn't read as what it was made of", *text);
  // Runs of no length are left out by who writes them anew.
  const auto again = encode_rle(*mask, rle.width, rle.height);
  if (!again) broken("a mask isn't encoded: {}", again.error().message);
  const auto same = decode_rle(*again);
  if (!same || *same != *mask) broken("a mask doesn't come back");
  if (again->area() != rle.area() || again->bounding_box() != rle.bounding_box())
    broken("area or box depend on how a mask is written");
}

void try_text(Input& in, int width, int height) {
  const auto rle = parse_rle(in.text(), width, height);
  if (rle) return require_rle(*rle);
  if (rle.error().code != ErrorCode::kInvalidArgument) broken("{}", rle.error().message);
  require_one_line(rle.error().message);
}

void try_numbers(Input& in, int width, int height) {
  constexpr std::int64_t kMostPixels = 1'000'000;
  Rle rle;
  rle.width = in.one_in(4) ? static_cast<int>(in.word()) : width;
  rle.height = in.one_in(4) ? static_cast<int>(in.word()) : height;
  while (!in.empty()) rle.counts.push_back(in.one_in(4) ? in.word() : in.byte());
  if (!in.empty() || std::int64_t{rle.width} * rle.height > kMostPixels) return;
  static_cast<void>(rle.area());
  static_cast<void>(rle.bounding_box());
  static_cast<void>(rle.compressed());
  if (decode_rle(rle)) require_rle(rle);
}

Mask any_mask(Input& in, int width, int height) {
  Mask mask{.width = width,
            .height = height,
            .value = in.one_in(3) ? static_cast<std::int32_t>(in.word()) : 1,
            .classes = {}};
  mask.other = mask.value == 0 ? 5 : 0;
  mask.classes.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), mask.other);
  if (in.one_in(2)) {
    const auto bits = in.rest();
    for (std::size_t i = 0; !bits.empty() && i < mask.classes.size(); ++i) {
      if ((bits[i / 8 % bits.size()] >> (i % 8) & std::byte{1}) != std::byte{0}) mask.classes[i] = mask.value;
    }
    return mask;
  }
  while (!in.empty()) {
    const int left = in.within(0, width - 1);
    const int top = in.within(0, height - 1);
    const int right = in.within(left, width - 1);
    const int bottom = in.within(top, height - 1);
    const std::int32_t value = in.one_in(3) ? mask.other : mask.value;
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) mask.classes[mask.index(x, y)] = value;
    }
  }
  return mask;
}

void try_rle(const Mask& mask) {
  const auto rle = class_rle(mask.classes, mask.width, mask.height, mask.value);
  if (!rle) broken("a mask has no run lengths: {}", rle.error().message);
  if (rle->area() != mask.area()) broken("an area of {} pixels instead of {}", rle->area(), mask.area());
  if (rle->bounding_box() != mask.bounding_box()) broken("another bounding box");
  const auto pixels = decode_rle(*rle);
  if (!pixels) broken("run lengths aren't decoded: {}", pixels.error().message);
  for (std::size_t i = 0; i < pixels->size(); ++i) {
    if ((*pixels)[i] != (mask.classes[i] == mask.value ? 1 : 0)) broken("pixel {} is another", i);
  }
  if (encode_rle(*pixels, mask.width, mask.height) != *rle) broken("a mask has two codes");
  require_rle(*rle);
}

void try_polygons(const Mask& mask, const PolygonOptions& options) {
  const auto exact = class_polygons(mask.classes, mask.width, mask.height, mask.value, {});
  if (!exact) broken("a mask has no polygons: {}", exact.error().message);
  Windings windings(mask);
  double area = 0;
  for (const Polygon& polygon : *exact) {
    require_ring(polygon.outer, mask, true);
    windings.add(polygon.outer);
    for (const Ring& hole : polygon.holes) {
      require_ring(hole, mask, false);
      windings.add(hole);
    }
    area += polygon.area();
  }
  windings.require_mask();
  if (area != static_cast<double>(mask.area())) broken("polygons of {} pixels instead of {}", area, mask.area());

  const auto simple = class_polygons(mask.classes, mask.width, mask.height, mask.value, options);
  if (!simple) {
    if (simple.error().code != ErrorCode::kLimitExceeded) broken("{}", simple.error().message);
    return;
  }
  if (simple->size() > exact->size()) broken("{} polygons of {} are left", simple->size(), exact->size());
  std::size_t points = 0;
  for (const Polygon& polygon : *simple) {
    require_ring(polygon.outer, mask, true);
    points += polygon.outer.size();
    for (const Ring& hole : polygon.holes) {
      require_ring(hole, mask, false);
      points += hole.size();
    }
  }
  if (points > options.max_points) broken("{} points of at most {}", points, options.max_points);
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  const unsigned kind = in.below(4);
  const int width = in.within(1, 200);
  const int height = in.within(1, 80);
  if (kind == 0) return try_text(in, width, height);
  if (kind == 1) return try_numbers(in, width, height);
  PolygonOptions options;
  options.tolerance = static_cast<double>(in.byte()) / 16;
  options.min_area = in.byte();
  if (in.one_in(4)) options.max_corners = in.byte();
  if (in.one_in(4)) options.max_points = in.byte();
  const Mask mask = any_mask(in, width, height);
  try_rle(mask);
  try_polygons(mask, options);
}

}  // namespace silhouette::fuzz
