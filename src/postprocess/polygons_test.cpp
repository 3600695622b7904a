#include "postprocess/polygons.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "postprocess/simplify.hpp"
#include "postprocess/test_masks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::Mask;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Polygon> polygons_of(const Mask& mask, const PolygonOptions& options = {}) {
  auto polygons = class_polygons(mask.classes, mask.width, mask.height, Mask::kSetClass, options);
  EXPECT_TRUE(polygons) << polygons.error().message;
  return polygons ? std::move(*polygons) : std::vector<Polygon>{};
}

std::vector<Polygon> polygons_of(const std::vector<std::string>& rows, const PolygonOptions& options = {}) {
  return polygons_of(Mask(rows), options);
}

std::vector<std::vector<Point>> rings_of(const Polygon& polygon) {
  std::vector<std::vector<Point>> rings{polygon.outer};
  rings.insert(rings.end(), polygon.holes.begin(), polygon.holes.end());
  return rings;
}

/// How many polygons each pixel's centre is in, by the even-odd rule: each polygon's edges that a row's centre line
/// crosses, from left to right.
std::vector<std::uint8_t> fill(const std::vector<Polygon>& polygons, int width, int height) {
  std::vector<std::uint8_t> counts(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (const auto& polygon : polygons) {
    std::vector<std::vector<double>> crossings(static_cast<std::size_t>(height));
    for (const auto& ring : rings_of(polygon)) {
      for (std::size_t i = 0; i < ring.size(); ++i) {
        Point a = ring[i];
        Point b = ring[(i + 1) % ring.size()];
        if (a.y > b.y) std::swap(a, b);
        for (int y = a.y; y < b.y; ++y) {
          const double along = (y + 0.5 - a.y) / (b.y - a.y);
          crossings[static_cast<std::size_t>(y)].push_back(a.x + along * (b.x - a.x));
        }
      }
    }
    for (std::size_t y = 0; y < crossings.size(); ++y) {
      auto& row = crossings[y];
      std::ranges::sort(row);
      for (std::size_t i = 0; i + 1 < row.size(); i += 2) {
        for (auto x = static_cast<std::size_t>(std::ceil(row[i] - 0.5)); static_cast<double>(x) + 0.5 < row[i + 1];
             ++x) {
          ++counts[y * static_cast<std::size_t>(width) + x];
        }
      }
    }
  }
  return counts;
}

/// What every exact result must be like.
void expect_exact(const Mask& mask, const std::vector<Polygon>& polygons) {
  ASSERT_EQ(fill(polygons, mask.width, mask.height), mask.bytes());
  double area = 0;
  for (const auto& polygon : polygons) {
    area += polygon.area();
    ASSERT_GT(doubled_area(polygon.outer), 0);
    for (const auto& hole : polygon.holes) ASSERT_LT(doubled_area(hole), 0);
    for (const auto& ring : rings_of(polygon)) {
      std::set<std::pair<int, int>> seen;
      for (std::size_t i = 0; i < ring.size(); ++i) {
        ASSERT_TRUE(seen.emplace(ring[i].y, ring[i].x).second) << "a ring meets itself";
        const Point next = ring[(i + 1) % ring.size()];
        const Point after = ring[(i + 2) % ring.size()];
        ASSERT_NE(ring[i].x == next.x, ring[i].y == next.y) << "a slanted edge or none";
        ASSERT_NE(ring[i].x == next.x, next.x == after.x) << "three points on a line";
      }
      ASSERT_EQ(std::pair(ring[0].y, ring[0].x), *seen.begin()) << "doesn't begin at the top left";
    }
  }
  ASSERT_EQ(area, static_cast<double>(mask.area()));
}

TEST(Polygons, FollowPixelEdges) {
  const auto pixel = polygons_of({"...", ".#.", "..."});
  ASSERT_THAT(pixel, SizeIs(1));
  EXPECT_THAT(pixel[0].outer, ElementsAre(Point{1, 1}, Point{2, 1}, Point{2, 2}, Point{1, 2}));
  EXPECT_THAT(pixel[0].holes, IsEmpty());
  EXPECT_EQ(pixel[0].area(), 1);
  EXPECT_EQ(pixel[0].bounding_box(), (Box{1, 1, 1, 1}));

  const auto line = polygons_of({"#####"});
  ASSERT_THAT(line, SizeIs(1));
  EXPECT_THAT(line[0].outer, ElementsAre(Point{0, 0}, Point{5, 0}, Point{5, 1}, Point{0, 1}));
  EXPECT_THAT(polygons_of({"....."}), IsEmpty());
}

TEST(Polygons, HolesBelongToTheRingAround) {
  const auto polygons = polygons_of({"#######",  //
                                     "#.....#",  //
                                     "#.###.#",  //
                                     "#.#.#.#",  //
                                     "#.###.#",  //
                                     "#.....#",  //
                                     "#######"});
  ASSERT_THAT(polygons, SizeIs(2));
  EXPECT_EQ(polygons[0].bounding_box(), (Box{0, 0, 7, 7}));
  ASSERT_THAT(polygons[0].holes, SizeIs(1));
  EXPECT_THAT(polygons[0].holes[0], ElementsAre(Point{1, 1}, Point{1, 6}, Point{6, 6}, Point{6, 1}));
  EXPECT_EQ(polygons[1].bounding_box(), (Box{2, 2, 3, 3}));
  ASSERT_THAT(polygons[1].holes, SizeIs(1));
}

TEST(Polygons, PixelsThatShareACornerAreApart) {
  EXPECT_THAT(polygons_of({"#.", ".#"}), SizeIs(2));
  EXPECT_THAT(polygons_of({".#", "#."}), SizeIs(2));
  // The pixel in the middle is open to the outside through a corner: a hole that touches the outer ring.
  for (const auto& rows :
       {std::vector<std::string>{"###", "#.#", "##."}, {"###", "#.#", ".##"}, {".##", "#.#", "###"}}) {
    const auto polygons = polygons_of(rows);
    ASSERT_THAT(polygons, SizeIs(1));
    EXPECT_THAT(polygons[0].holes, ElementsAre(SizeIs(4)));
    expect_exact(Mask(rows), polygons);
  }
  // Holes that touch are two.
  const auto holes = polygons_of({"####", "#.##", "##.#", "####"});
  ASSERT_THAT(holes, SizeIs(1));
  EXPECT_THAT(holes[0].holes, ElementsAre(SizeIs(4), SizeIs(4)));
  // A hole whose parts touch, around an island that touches it four times.
  const Mask around(std::vector<std::string>{"#####", "##.##", "#.#.#", "##.##", "#####"});
  const auto island = polygons_of(around);
  ASSERT_THAT(island, SizeIs(2));
  EXPECT_THAT(island[0].holes, ElementsAre(SizeIs(12)));
  EXPECT_EQ(island[1].area(), 1);
  expect_exact(around, island);
}

/// Pixels that share an edge, found by filling.
std::vector<std::int64_t> component_areas(const Mask& mask) {
  std::vector<std::int64_t> areas;
  auto left = mask.bytes();
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      std::vector<std::pair<int, int>> queue{{x, y}};
      std::int64_t area = 0;
      while (!queue.empty()) {
        const auto [px, py] = queue.back();
        queue.pop_back();
        if (px < 0 || py < 0 || px >= mask.width || py >= mask.height || left[mask.index(px, py)] == 0) continue;
        left[mask.index(px, py)] = 0;
        ++area;
        for (const auto& [dx, dy] : {std::pair(1, 0), {-1, 0}, {0, 1}, {0, -1}}) queue.emplace_back(px + dx, py + dy);
      }
      if (area > 0) areas.push_back(area);
    }
  }
  return areas;
}

TEST(Polygons, FillBackToTheMask) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < 1200; ++round) {
    const int most = round % 3 == 0 ? 8 : 140;
    const int width = std::uniform_int_distribution(1, most)(random);
    const int height = std::uniform_int_distribution(1, most / 2)(random);
    const Mask mask = round % 2 == 0 ? test::noise_mask(random, width, height, 0.1 * (round % 11))
                                     : test::box_mask(random, width, height, 1 + round % 40);
    const auto polygons = polygons_of(mask);
    expect_exact(mask, polygons);
    // First points come in the order of the components' first pixels.
    std::vector<std::int64_t> areas;
    for (const auto& polygon : polygons) areas.push_back(static_cast<std::int64_t>(polygon.area()));
    ASSERT_EQ(areas, component_areas(mask)) << width << " × " << height;
    if (HasFatalFailure()) return;
  }
}

/// Every mask of 4 × 4 pixels.
TEST(Polygons, AreRightForAllSmallMasks) {
  for (unsigned pattern = 0; pattern < 1U << 16; ++pattern) {
    Mask mask(4, 4);
    for (int i = 0; i < 16; ++i) mask.set(i % 4, i / 4, (pattern >> i & 1U) != 0);
    const auto polygons = polygons_of(mask);
    expect_exact(mask, polygons);
    if (HasFatalFailure()) FAIL() << pattern;
    ASSERT_EQ(polygons.size(), component_areas(mask).size()) << pattern;
  }
}

std::vector<Point> normal_ring(std::vector<Point> ring, bool outer) {
  if ((doubled_area(ring) > 0) != outer) std::ranges::reverse(ring);
  std::ranges::rotate(ring, std::ranges::min_element(ring, {}, [](Point p) { return std::pair(p.y, p.x); }));
  return ring;
}

std::vector<Point> golden_ring(const nlohmann::json& points, bool outer) {
  std::vector<Point> ring;
  for (const auto& point : points) ring.push_back({point[0], point[1]});
  return normal_ring(ring, outer);
}

std::vector<Polygon> sorted(std::vector<Polygon> polygons) {
  const auto first = [](const std::vector<Point>& ring) { return std::pair(ring[0].y, ring[0].x); };
  for (auto& polygon : polygons) std::ranges::sort(polygon.holes, {}, first);
  std::ranges::sort(polygons, {}, [&](const Polygon& polygon) { return first(polygon.outer); });
  return polygons;
}

TEST(Polygons, AreThoseOfOpenCv) {
  const auto goldens = nlohmann::json::parse(std::ifstream(test::source_file("tests/golden/shapes/polygons.json")));
  ASSERT_GT(goldens.size(), 10U);
  int simplified = 0;
  for (const auto& golden : goldens) {
    SCOPED_TRACE(golden["name"]);
    const Mask mask(golden["rows"].get<std::vector<std::string>>());
    std::vector<Polygon> expected;
    for (const auto& polygon : golden["polygons"]) {
      expected.push_back({golden_ring(polygon["outer"], true), {}});
      for (const auto& hole : polygon["holes"]) expected.back().holes.push_back(golden_ring(hole, false));
    }
    EXPECT_EQ(sorted(polygons_of(mask)), sorted(expected));

    // OpenCV chooses other points to begin with, so that results are alike but not equal.
    for (const auto& by_opencv : golden.value("simplified", nlohmann::json::array())) {
      ++simplified;
      const auto polygons = polygons_of(mask, {.tolerance = by_opencv["tolerance"]});
      std::size_t points = 0;
      double outer_area = 0;
      for (const auto& polygon : polygons) {
        for (const auto& ring : rings_of(polygon)) points += ring.size();
        outer_area += static_cast<double>(doubled_area(polygon.outer)) / 2;
      }
      EXPECT_LE(static_cast<double>(points), 1.15 * by_opencv["points"].get<double>() + 4) << by_opencv;
      EXPECT_NEAR(outer_area, by_opencv["outer_area"], 0.05 * outer_area) << by_opencv;
    }
  }
  EXPECT_GE(simplified, 12);
}

TEST(Polygons, SimplifiedOnesStayNear) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < 50; ++round) {
    const Mask mask = test::box_mask(random, 120, 90, 25);
    const auto exact = polygons_of(mask);
    for (const double tolerance : {0.4, 1.0, 3.0, 1000.0}) {
      const auto polygons = polygons_of(mask, {.tolerance = tolerance});
      ASSERT_EQ(polygons.size(), exact.size());
      for (std::size_t i = 0; i < polygons.size(); ++i) {
        ASSERT_EQ(polygons[i].holes.size(), exact[i].holes.size());
        ASSERT_GE(polygons[i].outer.size(), 3U);
        ASSERT_GT(doubled_area(polygons[i].outer), 0);
        ASSERT_LE(polygons[i].outer.size(), exact[i].outer.size());
      }
    }
  }
}

TEST(Polygons, SmallOnesAreLeftOut) {
  const std::vector<std::string> rows{"#######.#",  //
                                      "#.##..#..",  //
                                      "#.##..#.#",  //
                                      "#######.#"};
  EXPECT_THAT(polygons_of(rows, {.min_area = 0}), SizeIs(3));
  EXPECT_THAT(polygons_of(rows, {.min_area = 1}), SizeIs(3));
  const auto two = polygons_of(rows, {.min_area = 2});
  ASSERT_THAT(two, SizeIs(2));
  EXPECT_THAT(two[0].holes, SizeIs(2));
  const auto three = polygons_of(rows, {.min_area = 3});
  ASSERT_THAT(three, SizeIs(1));
  EXPECT_THAT(three[0].holes, SizeIs(1)) << "the smaller hole is filled";
  EXPECT_THAT(polygons_of(rows, {.min_area = 22}), SizeIs(1)) << "22 pixels are set";
  EXPECT_THAT(polygons_of(rows, {.min_area = 23}), IsEmpty()) << "though the outer ring holds 28";
}

TEST(Polygons, SmallOnesLeaveTheOthersExact) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < 100; ++round) {
    const Mask mask = test::noise_mask(random, 70, 40, 0.6);
    auto expected = polygons_of(mask);
    std::erase_if(expected, [](const Polygon& polygon) { return polygon.area() < 5; });
    for (auto& polygon : expected) {
      std::erase_if(polygon.holes, [](const auto& hole) { return -doubled_area(hole) < 10; });
    }
    ASSERT_EQ(polygons_of(mask, {.min_area = 5}), expected);
  }
}

Mask checkerboard(int width, int height) {
  Mask mask(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) mask.set(x, y, (x + y) % 2 == 0);
  }
  return mask;
}

TEST(Polygons, LimitsAreKept) {
  const Mask mask = checkerboard(40, 30);
  const auto refuse = [&](const PolygonOptions& options, ErrorCode code, const char* text) {
    const auto polygons = class_polygons(mask.classes, mask.width, mask.height, Mask::kSetClass, options);
    ASSERT_FALSE(polygons);
    EXPECT_EQ(polygons.error().code, code);
    EXPECT_THAT(polygons.error().message, HasSubstr(text));
  };
  EXPECT_THAT(polygons_of(mask, {.max_corners = 2400, .max_points = 2400}), SizeIs(600));
  refuse({.max_corners = 2399}, ErrorCode::kLimitExceeded, "40 × 30 have 2400 corners, 2399 is the limit");
  refuse({.max_points = 2399}, ErrorCode::kLimitExceeded, "more than 2399 points; raise the tolerance");
  EXPECT_THAT(polygons_of(mask, {.min_area = 2, .max_points = 0}), IsEmpty()) << "what is left out doesn't count";
  refuse({.tolerance = -1}, ErrorCode::kInvalidArgument, "-1");
  refuse({.tolerance = std::nan("")}, ErrorCode::kInvalidArgument, "nan");
  refuse({.tolerance = INFINITY}, ErrorCode::kInvalidArgument, "inf");
  refuse({.min_area = -1}, ErrorCode::kInvalidArgument, "-1");
  EXPECT_EQ(class_polygons(mask.classes, 40, 29, 0, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(class_polygons(mask.classes, 0, 30, 0, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(class_polygons(mask.classes, 70'000, 1, 0, {}).error().code, ErrorCode::kLimitExceeded);
}

/// One ring through all of a large mask, and no end of rings: neither may go deep or take long.
TEST(Polygons, LargeRaggedMasks) {
  const Mask board = checkerboard(800, 600);
  EXPECT_THAT(polygons_of(board), SizeIs(240'000));
  EXPECT_THAT(polygons_of(board, {.min_area = 2}), IsEmpty());
  const Mask large = checkerboard(4100, 2000);
  EXPECT_EQ(class_polygons(large.classes, large.width, large.height, Mask::kSetClass, {}).error().code,
            ErrorCode::kLimitExceeded);
  // A comb of combs: every second column, with teeth on both sides, all joined at the top.
  Mask comb(801, 600);
  for (int y = 0; y < comb.height; ++y) {
    for (int x = 0; x < comb.width; ++x) comb.set(x, y, y == 0 || x % 4 == 0 || (x % 4 != 2 && y % 2 == 0));
  }
  for (const double tolerance : {0.0, 0.9, 1.5}) {
    const auto polygons = polygons_of(comb, {.tolerance = tolerance});
    ASSERT_THAT(polygons, SizeIs(1));
    if (tolerance == 0) {
      EXPECT_EQ(polygons[0].area(), static_cast<double>(comb.area()));
    }
  }
}

}  // namespace
}  // namespace silhouette
