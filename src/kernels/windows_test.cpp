#include <fmt/format.h>

#include <cstdint>

#include "kernels/test_kernels.hpp"

namespace silhouette::kernels::test {
namespace {

struct Window {
  std::ptrdiff_t kernel_height, kernel_width, input_width, output_width, stride, dilation, pad_left;

  explicit Window(Picker& picker)
      : kernel_height(picker.pick<std::ptrdiff_t>(1, 5)),
        kernel_width(picker.pick<std::ptrdiff_t>(1, 5)),
        input_width(picker.pick<std::ptrdiff_t>(1, 40)),
        stride(picker.pick<std::ptrdiff_t>(1, 3)),
        dilation(picker.pick<std::ptrdiff_t>(1, 3)),
        pad_left(picker.pick<std::ptrdiff_t>(0, (kernel_width - 1) * dilation + 1)) {
    // Up to windows that lie right of the image.
    output_width = picker.pick<std::ptrdiff_t>(1, (input_width + 2 * pad_left) / stride + 1);
  }
  [[nodiscard]] std::string text() const {
    return fmt::format("{}x{} over {}, s{} d{} pad {}, {} results", kernel_height, kernel_width, input_width, stride,
                       dilation, pad_left, output_width);
  }
  /// The column of a tap, −1 outside.
  [[nodiscard]] std::ptrdiff_t column(std::ptrdiff_t x, std::ptrdiff_t tap) const {
    const std::ptrdiff_t at = x * stride - pad_left + tap * dilation;
    return at < input_width ? std::max<std::ptrdiff_t>(at, -1) : -1;
  }
};

/// Rows of an image, some of which there aren't.
struct InputRows {
  std::vector<Floats> values;
  std::vector<const float*> pointers;

  InputRows(Picker& picker, std::ptrdiff_t count, std::size_t floats) {
    for (std::ptrdiff_t i = 0; i < count; ++i) values.emplace_back(floats, picker.random());
    for (Floats& row : values) pointers.push_back(picker.pick(0, 4) == 0 ? nullptr : row.data());
  }
};

}  // namespace

void test_depthwise(const Kernels& kernels, Picker& picker) {
  const std::size_t block = kernels.block;
  for (int i = 0; i < 400; ++i) {
    const Window window(picker);
    SCOPED_TRACE(window.text());
    const bool pair = picker.coin();
    InputRows rows(picker, window.kernel_height + 1, static_cast<std::size_t>(window.input_width) * block);
    Floats weights(static_cast<std::size_t>(window.kernel_height * window.kernel_width) * block, picker.random());
    Floats bias(block, picker.random());
    const auto size = static_cast<std::size_t>(window.output_width) * block;
    Floats outputs[2] = {Floats(size), Floats(size)};
    const DepthwiseRow row{.rows = rows.pointers.data(),
                           .kernel_height = static_cast<std::size_t>(window.kernel_height),
                           .kernel_width = static_cast<std::size_t>(window.kernel_width),
                           .input_width = window.input_width,
                           .output_width = window.output_width,
                           .stride = window.stride,
                           .dilation = window.dilation,
                           .pad_left = window.pad_left,
                           .weights = weights.data(),
                           .bias = bias.data(),
                           .output = outputs[0].data(),
                           .second = pair ? outputs[1].data() : nullptr,
                           .epilogue = picker.epilogue()};
    kernels.depthwise(row);
    for (std::size_t result = 0; result < (pair ? 2U : 1U); ++result) {
      for (std::size_t at = 0; at < size; ++at) {
        const auto x = static_cast<std::ptrdiff_t>(at / block);
        const std::size_t lane = at % block;
        Sum sum;
        sum.add(bias[lane]);
        for (std::ptrdiff_t ky = 0; ky < window.kernel_height; ++ky) {
          const float* const input = rows.pointers[static_cast<std::size_t>(ky) + result];
          for (std::ptrdiff_t kx = 0; kx < window.kernel_width && input != nullptr; ++kx) {
            const std::ptrdiff_t column = window.column(x, kx);
            if (column < 0) continue;
            sum.add(input[static_cast<std::size_t>(column) * block + lane],
                    weights[static_cast<std::size_t>(ky * window.kernel_width + kx) * block + lane]);
          }
        }
        ASSERT_TRUE(near(outputs[result][at], finished(sum.expected(), row.epilogue)))
            << "result " << result << ", pixel " << x << ", lane " << lane;
      }
    }
  }
}

void test_pool(const Kernels& kernels, Picker& picker) {
  const std::size_t block = kernels.block;
  for (int i = 0; i < 400; ++i) {
    const Window window(picker);
    SCOPED_TRACE(window.text());
    InputRows rows(picker, window.kernel_height, static_cast<std::size_t>(window.input_width) * block);
    const auto size = static_cast<std::size_t>(window.output_width) * block;
    Floats output(size);
    const PoolRow row{.rows = rows.pointers.data(),
                      .kernel_height = static_cast<std::size_t>(window.kernel_height),
                      .kernel_width = static_cast<std::size_t>(window.kernel_width),
                      .input_width = window.input_width,
                      .output_width = window.output_width,
                      .stride = window.stride,
                      .dilation = window.dilation,
                      .pad_left = window.pad_left,
                      .output = output.data(),
                      .average = picker.coin(),
                      // The largest of nothing is −∞, which functions needn't know.
                      .epilogue = kEpilogues[picker.pick<std::size_t>(0, 2)]};
    kernels.pool(row);
    for (std::size_t at = 0; at < size; ++at) {
      Sum sum;
      double largest = -INFINITY;
      double count = 0;
      for (std::ptrdiff_t ky = 0; ky < window.kernel_height; ++ky) {
        const float* const input = rows.pointers[static_cast<std::size_t>(ky)];
        for (std::ptrdiff_t kx = 0; kx < window.kernel_width && input != nullptr; ++kx) {
          const std::ptrdiff_t column = window.column(static_cast<std::ptrdiff_t>(at / block), kx);
          if (column < 0) continue;
          const float value = input[static_cast<std::size_t>(column) * block + at % block];
          sum.add(value);
          largest = std::max(largest, static_cast<double>(value));
          ++count;
        }
      }
      const Expected all = sum.expected();
      const double number = std::max(count, 1.0);
      const Expected expected = row.average ? Expected{all.value / number, all.error / number} : Expected{largest, 0};
      ASSERT_TRUE(near(output[at], finished(expected, row.epilogue))) << (row.average ? "average" : "largest") << at;
    }
  }
}

void test_average(const Kernels& kernels, Picker& picker) {
  for (std::size_t pixels = 1; pixels <= 70; ++pixels) {
    Floats input(pixels * kernels.block, picker.random());
    Floats output(kernels.block);
    kernels.average(input.data(), pixels, output.data());
    for (std::size_t lane = 0; lane < kernels.block; ++lane) {
      Sum sum;
      for (std::size_t i = 0; i < pixels; ++i) sum.add(input[i * kernels.block + lane]);
      const auto [value, error] = sum.expected();
      const auto count = static_cast<double>(pixels);
      ASSERT_TRUE(near(output[lane], {value / count, error / count})) << pixels << " pixels, lane " << lane;
    }
  }
}

namespace {

/// Two rows and where between them a result takes its pixels.
struct Resized {
  std::size_t input_width;
  std::size_t output_width;
  Floats top;
  Floats bottom;
  float weight_bottom;
  std::vector<std::int32_t> left;
  std::vector<std::int32_t> right;
  std::vector<float> weights;

  Resized(Picker& picker, std::size_t block, std::size_t in, std::size_t out)
      : input_width(in),
        output_width(out),
        top(in * block, picker.random()),
        bottom(in * block, picker.random()),
        weight_bottom(Floats(1, picker.random(), 0, 0, 1)[0]) {
    Floats places(out, picker.random(), 0, 0, static_cast<float>(in));
    for (std::size_t x = 0; x < out; ++x) {
      const float at = std::min(places[x], static_cast<float>(in - 1));
      left.push_back(static_cast<std::int32_t>(at));
      right.push_back(std::min(left.back() + 1, static_cast<std::int32_t>(in) - 1));
      weights.push_back(at - static_cast<float>(left.back()));
    }
  }

  [[nodiscard]] Expected at(std::size_t x, std::size_t block, std::size_t lane) const {
    const auto pixel = [&](const Floats& row, std::int32_t column) -> double {
      return row[static_cast<std::size_t>(column) * block + lane];
    };
    const double w = weights[x];
    const double upper = pixel(top, left[x]) * (1 - w) + pixel(top, right[x]) * w;
    const double lower = pixel(bottom, left[x]) * (1 - w) + pixel(bottom, right[x]) * w;
    // Differences of values up to 1, thrice, each with a product and a sum.
    return {upper + (lower - upper) * static_cast<double>(weight_bottom), 16 * kRounding};
  }
};

}  // namespace

void test_resize(const Kernels& kernels, Picker& picker) {
  for (std::size_t out = 1; out <= 40; ++out) {
    Resized r(picker, kernels.block, picker.pick<std::size_t>(1, 50), out);
    Floats output(out * kernels.block);
    const Epilogue epilogue = picker.epilogue();
    kernels.resize({.top = r.top.data(),
                    .bottom = r.bottom.data(),
                    .weight_bottom = r.weight_bottom,
                    .left = r.left.data(),
                    .right = r.right.data(),
                    .weight_right = r.weights.data(),
                    .output_width = out,
                    .output = output.data(),
                    .epilogue = epilogue});
    for (std::size_t i = 0; i < output.size(); ++i) {
      const Expected expected = finished(r.at(i / kernels.block, kernels.block, i % kernels.block), epilogue);
      ASSERT_TRUE(near(output[i], expected)) << r.input_width << " -> " << out << ", value " << i;
    }
  }
}

void test_resize_planes(const Kernels& kernels, Picker& picker) {
  const std::size_t block = kernels.block;
  for (int i = 0; i < 120; ++i) {
    // Wider, narrower, and too wide for the stack.
    const bool is_wide = i % 10 == 0;
    const std::size_t out = is_wide ? 700 : picker.pick<std::size_t>(1, 70);
    const std::size_t in = is_wide ? picker.pick<std::size_t>(300, 700) : picker.pick<std::size_t>(1, 70);
    Resized r(picker, block, in, out);
    const std::size_t channels = picker.pick<std::size_t>(1, block);
    const std::size_t plane = out + picker.pick<std::size_t>(0, 3);
    Floats output((channels - 1) * plane + out, kUntouched, picker.pick<std::size_t>(0, 3));
    kernels.resize_planes({.top = r.top.data(),
                           .bottom = r.bottom.data(),
                           .weight_bottom = r.weight_bottom,
                           .input_width = in,
                           .left = r.left.data(),
                           .right = r.right.data(),
                           .weight_right = r.weights.data(),
                           .output_width = out,
                           .output = output.data(),
                           .plane = plane,
                           .channels = channels});
    for (std::size_t at = 0; at < output.size(); ++at) {
      const std::size_t x = at % plane;
      const Expected expected = x < out ? r.at(x, block, at / plane) : Expected{kUntouched, 0};
      ASSERT_TRUE(near(output[at], expected)) << in << " -> " << out << ", channel " << at / plane << ", pixel " << x;
    }
  }
}

}  // namespace silhouette::kernels::test
