#include <fmt/format.h>

#include "kernels/test_kernels.hpp"
#include "kernels/winograd/line.hpp"

namespace silhouette::kernels::test {
namespace {

/// A convolution of a line in which a type of tile occurs.
struct Line {
  LineType type;
  std::int64_t input, output, pad, dilation;
  bool few_points;
};
constexpr std::array kLines{Line{LineType::kF4, 9, 9, 1, 1, false},         Line{LineType::kF3, 7, 7, 1, 1, false},
                            Line{LineType::kF2, 6, 6, 1, 1, false},         Line{LineType::kShort1, 2, 2, 2, 2, false},
                            Line{LineType::kShort2, 4, 4, 2, 2, false},     Line{LineType::kShort3, 5, 5, 2, 2, true},
                            Line{LineType::kShort3BySix, 3, 3, 1, 1, false}};
static_assert(kLines.size() == kLineTypes);

/// The tile types by what they are for: results of three taps, by way of transforms, products, transform back. What
/// lies between is made here, so that a wrong transform in either direction gives wrong results.
void test_line(const Kernels& kernels, Picker& picker, const Line& line) {
  const std::size_t block = kernels.block;
  const auto algorithm = make_line_algorithm(line.input, line.output, line.pad, line.dilation, line.few_points);
  ASSERT_TRUE(algorithm);
  const auto group = std::ranges::find(algorithm->groups, line.type, &LineTiles::type);
  ASSERT_NE(group, algorithm->groups.end());
  const LineShape shape = line_shape(line.type);
  const std::size_t pixels = picker.pick<std::size_t>(1, 5);
  const std::size_t input_step = block * picker.pick<std::size_t>(1, 3);
  const std::size_t output_step = block * picker.pick<std::size_t>(1, 3);
  const auto size = [&](std::size_t step) { return (pixels - 1) * step + block; };
  Floats taps(3, picker.random());

  // The image's lines; those outside are zero.
  std::vector<Floats> image;
  for (std::int64_t i = 0; i < line.input; ++i) image.emplace_back(size(input_step), picker.random());
  Floats zero(size(input_step), 0);
  const auto source = [&](std::int64_t at) -> Floats& {
    return at < 0 || at >= line.input ? zero : image[static_cast<std::size_t>(at)];
  };
  std::vector<const float*> inputs;
  for (const std::int64_t at : group->inputs) inputs.push_back(source(at).data());
  std::vector<Floats> products(shape.products, Floats(size(output_step)));
  std::vector<float*> product_pointers;
  for (Floats& product : products) product_pointers.push_back(product.data());
  kernels.winograd_input[static_cast<std::size_t>(line.type)]({.inputs = inputs.data(),
                                                               .outputs = product_pointers.data(),
                                                               .pixels = pixels,
                                                               .input_step = static_cast<std::ptrdiff_t>(input_step),
                                                               .output_step = static_cast<std::ptrdiff_t>(output_step),
                                                               .epilogue = {}});
  for (std::size_t p = 0; p < shape.products; ++p) {
    double weight = 0;
    for (std::size_t j = 0; j < 3; ++j)
      weight += static_cast<double>(algorithm->points[group->points[p]][j]) * static_cast<double>(taps[j]);
    for (std::size_t i = 0; i < products[p].size(); ++i) {
      if (i % output_step < block) {
        products[p][i] = static_cast<float>(static_cast<double>(products[p][i]) * weight);
      } else {
        ASSERT_EQ(products[p][i], kUntouched);
      }
    }
  }

  // Back, in steps of the image's; results and what is added to them in one array.
  const bool has_bias = picker.coin();
  const bool has_addend = has_bias && picker.coin();
  Floats bias(block, picker.random());
  std::vector<Floats> results;
  std::vector<float*> result_pointers;
  for (std::size_t i = 0; i < shape.outputs; ++i) {
    results.emplace_back(2 * size(input_step), picker.random());
    std::fill_n(results.back().data(), size(input_step), kUntouched);
  }
  for (Floats& result : results) result_pointers.push_back(result.data());
  const std::vector<const float*> from(product_pointers.begin(), product_pointers.end());
  const Epilogue epilogue = has_bias ? picker.epilogue() : kEpilogues[0];
  kernels.winograd_output[static_cast<std::size_t>(line.type)](
      {.inputs = from.data(),
       .outputs = result_pointers.data(),
       .pixels = pixels,
       .input_step = static_cast<std::ptrdiff_t>(output_step),
       .output_step = static_cast<std::ptrdiff_t>(input_step),
       .bias = has_bias ? bias.data() : nullptr,
       .addend = has_addend ? static_cast<std::ptrdiff_t>(size(input_step)) : 0,
       .epilogue = epilogue});
  for (std::size_t i = 0; i < shape.outputs; ++i) {
    for (std::size_t at = 0; at < size(input_step); ++at) {
      if (at % input_step >= block) {
        ASSERT_EQ(results[i][at], kUntouched);
        continue;
      }
      double sum = has_bias ? static_cast<double>(bias[at % block]) : 0;
      for (std::int64_t j = 0; j < 3; ++j) {
        sum += static_cast<double>(source(group->outputs[i] - line.pad + j * line.dilation)[at]) *
               static_cast<double>(taps[static_cast<std::size_t>(j)]);
      }
      if (has_addend) sum += static_cast<double>(results[i][size(input_step) + at]);
      // With these points, transforms add up to less than 64 times the largest product of a value and a tap.
      ASSERT_TRUE(near(results[i][at], finished({sum, 3 * 64 * kRounding}, epilogue))) << "result " << i << ", " << at;
    }
  }
}

}  // namespace

void test_winograd(const Kernels& kernels, Picker& picker) {
  for (std::size_t type = 0; type < kLineTypes; ++type) {
    ASSERT_EQ(static_cast<std::size_t>(kLines[type].type), type);
    SCOPED_TRACE(fmt::format("type {}", type));
    for (int i = 0; i < 100 && !::testing::Test::HasFatalFailure(); ++i) test_line(kernels, picker, kLines[type]);
  }
}

}  // namespace silhouette::kernels::test
