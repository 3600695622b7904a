#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/image.hpp"

namespace silhouette {

/// Colour of a class number: the PASCAL VOC colour map (bit-interleaved, as in the VOC devkit's VOClabelcolormap).
std::array<std::uint8_t, 3> voc_color(int class_number) noexcept;

/// A line of the legend: its colour, and its text as coverage (see image/text.hpp), rendered by the caller.
struct LegendLine {
  std::array<std::uint8_t, 3> color;
  Image text;
};

/// Paints every pixel of a class other than `background` (-1: none) over the photo in the class's colour with `opacity`
/// 0…1, and a line along the borders between classes that is as wide as suits the image's size. `photo` is RGB and as
/// large as the map (`argmax.size()` = width × height). In place.
void paint_classes(Image& photo, std::span<const std::int32_t> argmax, int background, float opacity);

/// Draws a box with one line for each entry into the corner that hides least of the classes' pixels. Scaled down or
/// left out where the photo is too small for it. In place.
void draw_legend(Image& photo, std::span<const std::int32_t> argmax, int background, std::span<const LegendLine> lines);

/// Softens a mask of 0 and 1 along its edges: two box averages of 2 × `radius` + 1 pixels, which make a straight edge
/// fade over 4 × `radius` pixels and leave everything further away as it is. In place; edges of the picture are
/// continued.
void soften_edges(std::span<float> mask, int width, int height, int radius);

/// RGB photo + alpha (0…1 for every pixel) → RGBA.
Result<Image> cut_out(const Image& photo, std::span<const float> alpha);

}  // namespace silhouette
