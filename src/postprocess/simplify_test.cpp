#include "postprocess/simplify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::ElementsAre;

std::vector<Point> simplified(std::vector<Point> ring, double tolerance) {
  RingSimplifier().simplify(ring, tolerance);
  return ring;
}

/// From the origin along (dx, dy) in steps of single pixels.
std::vector<Point> stairs(int steps) {
  std::vector<Point> ring;
  for (int i = 0; i < steps; ++i) {
    ring.push_back({i, i});
    ring.push_back({i + 1, i});
  }
  ring.push_back({steps, steps});
  ring.push_back({0, steps});
  return ring;
}

double distance_to(Point p, Point a, Point b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double along = dx == 0 && dy == 0 ? 0 : ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy);
  const double t = std::clamp(along, 0.0, 1.0);
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

double distance_to(Point p, const std::vector<Point>& ring) {
  double distance = INFINITY;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    distance = std::min(distance, distance_to(p, ring[i], ring[(i + 1) % ring.size()]));
  }
  return distance;
}

TEST(Simplify, AreaHasItsSign) {
  EXPECT_EQ(doubled_area(std::vector<Point>{{0, 0}, {2, 0}, {2, 3}, {0, 3}}), 12);
  EXPECT_EQ(doubled_area(std::vector<Point>{{0, 3}, {2, 3}, {2, 0}, {0, 0}}), -12);
  EXPECT_EQ(doubled_area({}), 0);
}

TEST(Simplify, StairsBecomeALine) {
  const auto ring = stairs(20);
  EXPECT_THAT(simplified(ring, 1), ElementsAre(Point{0, 0}, Point{20, 20}, Point{0, 20}));
  EXPECT_EQ(simplified(ring, 0), ring);
  EXPECT_GT(simplified(ring, 0.5).size(), 20U) << "corners are 0.7 off the line";
}

TEST(Simplify, KeepsWhatIsSmallerThanTheTolerance) {
  const std::vector<Point> pixel{{5, 5}, {6, 5}, {6, 6}, {5, 6}};
  const std::vector<Point> line{{0, 9}, {100, 9}, {100, 10}, {0, 10}};
  for (const double tolerance : {0.0, 0.7, 1.0, 50.0, 1e9, 1e300}) {
    EXPECT_EQ(simplified(pixel, tolerance), pixel) << tolerance;
    EXPECT_EQ(simplified(line, tolerance), line) << tolerance;
  }
  const std::vector<Point> hole{{5, 5}, {5, 6}, {6, 6}, {6, 5}};
  EXPECT_EQ(simplified(hole, 10), hole) << "direction";
}

TEST(Simplify, BeginsAtTheTop) {
  EXPECT_THAT(simplified({{4, 4}, {0, 4}, {0, 0}, {4, 0}}, 0),
              ElementsAre(Point{0, 0}, Point{4, 0}, Point{4, 4}, Point{0, 4}));
}

/// A star-shaped ring with whole corners.
std::vector<Point> star(std::mt19937_64& random, int points) {
  std::vector<Point> ring;
  std::uniform_real_distribution<double> radius(100, 900);
  for (int i = 0; i < points; ++i) {
    const double angle = 2 * M_PI * i / points;
    const double r = radius(random);
    ring.push_back({static_cast<int>(1000 + r * std::cos(angle)), static_cast<int>(1000 + r * std::sin(angle))});
  }
  return ring;
}

TEST(Simplify, StaysWithinTheTolerance) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < 40; ++round) {
    const auto ring = star(random, std::uniform_int_distribution(8, 200)(random));
    for (const double tolerance : {0.3, 2.0, 20.0, 200.0, 5000.0}) {
      const auto result = simplified(ring, tolerance);
      ASSERT_GE(result.size(), 3U);
      ASSERT_LE(result.size(), ring.size());
      ASSERT_GT(doubled_area(result), 0);
      for (const Point p : result) ASSERT_THAT(ring, ::testing::Contains(p));
      // Dropping a point that is in line with its neighbours moves nothing; rounding is the rest.
      for (const Point p : ring) ASSERT_LE(distance_to(p, result), tolerance + 1e-6);
      for (std::size_t i = 0; i < result.size(); ++i) {
        const Point a = result[i];
        const Point b = result[(i + 1) % result.size()];
        const Point c = result[(i + 2) % result.size()];
        ASSERT_NE(std::int64_t{b.x - a.x} * (c.y - b.y), std::int64_t{b.y - a.y} * (c.x - b.x)) << "on a line";
      }
    }
  }
}

/// The farthest point of every chain is its second one here, which makes the plain method quadratic: 200,000 teeth
/// would take many minutes.
TEST(Simplify, IsNotQuadraticOnTeeth) {
  std::vector<Point> ring;
  constexpr int kTeeth = 200'000;
  for (int i = 0; i < kTeeth; ++i) {
    const int height = 10 + (kTeeth - i) / 10;
    ring.push_back({2 * i, -height});
    ring.push_back({2 * i + 1, -height});
    ring.push_back({2 * i + 1, 0});
    ring.push_back({2 * i + 2, 0});
  }
  ring.push_back({2 * kTeeth, 10});
  ring.push_back({0, 10});
  const auto result = simplified(ring, 2);
  EXPECT_GT(result.size(), 2U * kTeeth - 100);
  EXPECT_LE(result.size(), ring.size());
}

}  // namespace
}  // namespace silhouette
