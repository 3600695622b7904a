#include <fmt/format.h>

#include "kernels/test_kernels.hpp"

namespace silhouette::kernels::test {

void test_to_planes(const Kernels& kernels, Picker& picker) {
  const std::size_t block = kernels.block;
  for (std::size_t pixels = 0; pixels <= 3 * block + 1; ++pixels) {
    for (std::size_t channels = 1; channels <= block; ++channels) {
      const std::size_t plane = pixels + picker.pick<std::size_t>(0, 3);
      Floats input(pixels * block, picker.random());
      Floats output((channels - 1) * plane + pixels, kUntouched, picker.pick<std::size_t>(0, 3));
      kernels.to_planes(
          {.input = input.data(), .pixels = pixels, .output = output.data(), .plane = plane, .channels = channels});
      for (std::size_t at = 0; at < output.size(); ++at) {
        const std::size_t pixel = at % plane;
        ASSERT_EQ(output[at], pixel < pixels ? input[pixel * block + at / plane] : kUntouched)
            << pixels << " pixels, " << channels << " channels, " << at;
      }
    }
  }
}

void test_transpose_matrix(const Kernels& kernels, Picker& picker) {
  const std::size_t most = 2 * kernels.block + 3;
  for (std::size_t rows = 1; rows <= most; ++rows) {
    for (std::size_t columns = 1; columns <= most; ++columns) {
      // Lines that follow each other are told from others.
      const std::size_t input_stride = columns + (picker.coin() ? 0 : picker.pick<std::size_t>(1, 3));
      const std::size_t output_stride = rows + (picker.coin() ? 0 : picker.pick<std::size_t>(1, 3));
      Floats input((rows - 1) * input_stride + columns, picker.random(), picker.pick<std::size_t>(0, 3));
      Floats output((columns - 1) * output_stride + rows, kUntouched, picker.pick<std::size_t>(0, 3));
      kernels.transpose_matrix({.input = input.data(),
                                .input_stride = input_stride,
                                .rows = rows,
                                .columns = columns,
                                .output = output.data(),
                                .output_stride = output_stride});
      for (std::size_t at = 0; at < output.size(); ++at) {
        const std::size_t row = at % output_stride;
        ASSERT_EQ(output[at], row < rows ? input[row * input_stride + at / output_stride] : kUntouched)
            << rows << " x " << columns << ", strides " << input_stride << ", " << output_stride;
      }
    }
  }
}

}  // namespace silhouette::kernels::test
