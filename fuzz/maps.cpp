// Class maps of any logits, sizes and interpolations, on every instruction set, against the plain definition.
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "postprocess/postprocess.hpp"
#include "postprocess/reference.hpp"

namespace silhouette::fuzz {
namespace {

constexpr double kUlp = 0x1p-24;

float any_value(Input& in) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  static constexpr std::array kSpecial{0.0F,      -0.0F,      1.0F,   -1.0F,          0.5F,          kNan,
                                       kInfinity, -kInfinity, 1e30F,  -1e30F,         9e29F,         -1e29F,
                                       3.4e38F,   -3e38F,     1e-38F, 1e-45F,         80.0F,         -80.0F,
                                       88.8F,     -104.0F,    1e20F,  0x1.000002p-1F, 0x1.fffffep-2F};
  const unsigned kind = in.below(3);
  if (kind == 0) return in.pick(kSpecial);
  if (kind == 1) return static_cast<float>(in.within(-128, 127)) / 8;
  return std::bit_cast<float>(in.word());
}

LogitsView any_logits(Input& in, std::vector<float>& values) {
  LogitsView view;
  view.channels = in.one_in(6) ? 1 : in.within(1, 24);
  view.height = in.within(1, 12);
  view.width = in.within(1, 40);
  if (in.one_in(2)) {
    const int height = in.within(1, 30);
    const int width = in.within(1, 60);
    view.pending = Upsampling{.height = height, .width = width, .aligned_corners = in.one_in(2)};
  }
  std::vector<float> few(static_cast<std::size_t>(in.within(1, 40)));
  std::ranges::generate(few, [&] { return any_value(in); });
  values.resize(static_cast<std::size_t>(view.channels) * static_cast<std::size_t>(view.height) *
                static_cast<std::size_t>(view.width));
  std::uint32_t state = in.byte();
  for (float& value : values) {
    state = state * 1'664'525 + 1'013'904'223;
    value = few[in.empty() ? (state >> 16) % few.size() : in.below(static_cast<unsigned>(few.size()))];
  }
  view.values = values;
  return view;
}

/// How far logits and probabilities may be off. An interpolation makes three weighted sums of two values: six products
/// and sums, each off by half an ulp of at most twice the largest value, which is less than ten ulp of it; with one
/// that is pending there are two. What is below float32's normal numbers may vanish.
struct Tolerance {
  double logits = 0;
  double probabilities = 0;
};
Tolerance tolerance_of(const LogitsView& view) {
  double largest = 0;
  for (const float value : view.values) {
    if (view.channels == 1) {
      largest = std::max(largest, std::isnan(value) ? 0.0 : 1.0);
    } else {
      largest = std::max(largest, std::isnan(value) ? 1e30 : std::min(1e30, std::abs(static_cast<double>(value))));
    }
  }
  constexpr double kExponentialError = 3e-7;
  Tolerance tolerance;
  tolerance.logits = (view.pending ? 20 : 10) * kUlp * largest + 1e-43;
  // A softmax follows the difference of two logits, and the sum of its exponentials rounds once a channel.
  tolerance.probabilities =
      2 * (tolerance.logits + 4 * kUlp * largest + kExponentialError) + (view.channels + 4) * kUlp;
  return tolerance;
}

void require_equal(const ClassMaps& a, const ClassMaps& b) {
  if (std::memcmp(a.argmax.data(), b.argmax.data(), a.argmax.size() * sizeof a.argmax[0]) != 0)
    broken("one thread finds other classes than three");
  for (std::size_t c = 0; c < a.probabilities.size(); ++c)
    require_same(a.probabilities[c].span(), b.probabilities[c].span(), "probabilities of one thread and three");
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  static const auto kTargets = hwy::SupportedAndGeneratedTargets();
  hwy::SetSupportedTargetsForTest(in.pick(kTargets));
  std::vector<int> classes(in.below(5));
  std::vector<float> values;
  int width = in.within(1, 90);
  int height = in.within(1, 40);
  const unsigned size = in.below(4);
  const LogitsView view = any_logits(in, values);
  if (size == 1) {
    width = view.width;
    height = view.height;
  } else if (size == 2 && view.pending) {
    width = view.pending->width;
    height = view.pending->height;
  }
  const int channels = std::max(2, view.channels);
  std::ranges::generate(classes, [&] { return in.within(0, channels - 1); });

  const auto maps = make_class_maps(view, width, height, classes, one_thread(), {});
  if (!maps) broken("no maps of {} × {}: {}", width, height, maps.error().message);
  const auto same = make_class_maps(view, width, height, classes, three_threads(), {});
  if (!same) broken("no maps with three threads: {}", same.error().message);
  require_equal(*maps, *same);

  const Tolerance tolerance = tolerance_of(view);
  const ReferenceMaps expected = reference_class_maps(view, width, height, classes);
  for (std::size_t i = 0; i < expected.argmax.size(); ++i) {
    const int x = static_cast<int>(i) % width;
    const int y = static_cast<int>(i) / width;
    const int found = maps->argmax[i];
    if (found < 0 || found >= channels) broken("class {} of {}", found, channels);
    if (found != expected.argmax[i]) {
      const auto logits = reference_logits(view, width, height, x, y);
      const double lead = view.channels == 1 ? std::abs(logits[0] - 0.5)
                                             : logits[static_cast<std::size_t>(expected.argmax[i])] -
                                                   logits[static_cast<std::size_t>(found)];
      if (lead > 2 * tolerance.logits) {
        broken("pixel ({}, {}) of {} × {} is of class {} instead of {}, which leads by {}", x, y, width, height, found,
               expected.argmax[i], lead);
      }
    }
    for (std::size_t c = 0; c < classes.size(); ++c) {
      const float p = maps->probabilities[c][i];
      if (!(p >= 0 && p <= 1)) broken("a probability of {}", p);
      if (std::abs(static_cast<double>(p) - expected.probabilities[c][i]) > tolerance.probabilities) {
        broken("pixel ({}, {}) of {} × {} has the probability {} instead of {}", x, y, width, height, p,
               expected.probabilities[c][i]);
      }
    }
  }
}

}  // namespace silhouette::fuzz
