#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/export.hpp"

namespace silhouette {

/// A rectangle of whole pixels: columns x … x + width − 1, rows y … y + height − 1. All zero where there is nothing.
struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  bool operator==(const Box&) const = default;
};

/// A binary mask as run lengths, exactly as in COCO (pycocotools): the mask is read column by column from the top left,
/// and `counts` are the lengths of its runs of equal pixels, of clear and set ones in turn, the first of clear ones (0
/// if the first pixel is set). They sum to width × height. COCO's `size` is [height, width].
struct SILHOUETTE_API Rle {
  int width = 0;
  int height = 0;
  std::vector<std::uint32_t> counts;

  /// Number of set pixels.
  [[nodiscard]] std::int64_t area() const noexcept;

  /// Smallest box that holds all set pixels; COCO's `bbox`.
  [[nodiscard]] Box bounding_box() const noexcept;

  /// `counts` as COCO's compressed text: from the fourth on each count less the one two before it, in groups of 5 bits,
  /// least significant first, each a character from '0' on, a bit of 32 set where another group follows. The characters
  /// include '\' and need escaping in JSON. kLimitExceeded if there is no memory for it.
  [[nodiscard]] Result<std::string> compressed() const;

  bool operator==(const Rle&) const = default;
};

/// Compressed text → run lengths of a mask of width × height pixels. Reads whatever pycocotools writes, also runs of no
/// length; everything else is refused: kInvalidArgument says at which byte it goes wrong, or that the runs don't fill
/// the mask. kLimitExceeded for a mask above 65,500 a side or 150 million pixels.
[[nodiscard]] SILHOUETTE_API Result<Rle> parse_rle(std::string_view compressed, int width, int height);

/// Run lengths → width × height values 0 and 1, row by row from the top left. Errors as `parse_rle`.
[[nodiscard]] SILHOUETTE_API Result<std::vector<std::uint8_t>> decode_rle(const Rle& rle);

/// Mask of width × height values, row by row from the top left, set where not 0 → run lengths. kInvalidArgument if the
/// number of values is another, kLimitExceeded as `parse_rle`.
[[nodiscard]] SILHOUETTE_API Result<Rle> encode_rle(std::span<const std::uint8_t> mask, int width, int height);

/// A corner of pixels. Pixel (column, row) covers the square from (column, row) to (column + 1, row + 1), so that x is
/// 0 … width and y is 0 … height: COCO's, SVG's and GeoJSON's way, not that of OpenCV, whose contours run through the
/// centres of pixels and enclose less than the pixels do.
struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;

  bool operator==(const Point&) const = default;
};

/// An outline and the holes in it. Rings are closed: the last point is joined to the first, which isn't repeated. Each
/// has at least three points, no three in a row of them on a line, and begins with its topmost point, of several
/// the leftmost.
///
/// The outer ring turns from the x axis to the y axis: Σ (xᵢ yᵢ₊₁ − xᵢ₊₁ yᵢ) is positive, which GeoJSON calls
/// counter-clockwise and which on a screen, where y points down, is clockwise. Holes turn the other way, so that both
/// fill rules of SVG (nonzero, evenodd) leave them empty.
struct SILHOUETTE_API Polygon {
  std::vector<Point> outer;
  std::vector<std::vector<Point>> holes;

  /// Area of the outer ring less that of the holes, in pixels.
  [[nodiscard]] double area() const noexcept;

  /// Smallest box that holds the outer ring.
  [[nodiscard]] Box bounding_box() const noexcept;

  bool operator==(const Polygon&) const = default;
};

/// The polygons of one mask may have this many points in all.
inline constexpr std::size_t kMaxPolygonPoints = 4'000'000;

}  // namespace silhouette
