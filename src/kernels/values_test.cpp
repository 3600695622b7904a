#include <fmt/format.h>

#include "kernels/test_kernels.hpp"

namespace silhouette::kernels::test {
namespace {

constexpr std::array kBinaries{Binary::kAdd,     Binary::kSubtract, Binary::kMultiply, Binary::kDivide,
                               Binary::kMaximum, Binary::kMinimum,  Binary::kPrelu};
static_assert(kBinaries.back() == Binary::kPrelu && kBinaries.size() == static_cast<std::size_t>(Binary::kPrelu) + 1);

Expected combined(Binary op, double a, double b) {
  const auto rounded = [](double value) { return Expected{value, kRounding * std::abs(value)}; };
  switch (op) {
    case Binary::kAdd: return rounded(a + b);
    case Binary::kSubtract: return rounded(a - b);
    case Binary::kMultiply: return rounded(a * b);
    case Binary::kDivide: return rounded(a / b);
    case Binary::kMaximum: return {std::max(a, b), 0};
    case Binary::kMinimum: return {std::min(a, b), 0};
    case Binary::kPrelu: return rounded(a < 0 ? a * b : a);
  }
  return {};
}

constexpr std::size_t kUnaries = static_cast<std::size_t>(Unary::kTanh) + 1;
constexpr float kParameter = 0.3F;

/// By the C library. Bounds: functions are good to some rounding errors of their result; those that take differences of
/// numbers near 1, of 1.
Expected changed(Unary op, double x) {
  constexpr double kFunction = 8 * kRounding;
  const auto relative = [](double value) { return Expected{value, kFunction * std::abs(value)}; };
  const double parameter = kParameter;
  switch (op) {
    case Unary::kClamp: return {x, 0};
    case Unary::kAbs: return {std::abs(x), 0};
    case Unary::kCeiling: return {std::ceil(x), 0};
    case Unary::kElu: return relative(x < 0 ? parameter * std::expm1(x) : x);
    case Unary::kExp: return relative(std::exp(x));
    case Unary::kFloor: return {std::floor(x), 0};
    // Its error function is good to 1.2e-7 of the complementary one's value, before it is multiplied by x.
    case Unary::kGelu: return {x * 0.5 * std::erfc(-x / std::sqrt(2.0)), (kFunction + 2.4e-7) * std::abs(x)};
    case Unary::kHardswish: return {x * std::clamp(x / 6 + 0.5, 0.0, 1.0), kFunction * std::abs(x)};
    case Unary::kLeakyRelu: return relative(x < 0 ? x * parameter : x);
    case Unary::kLog: return {std::log(x), kFunction * (1 + std::abs(std::log(x)))};
    case Unary::kNegate: return {-x, 0};
    case Unary::kReciprocalSquareRoot: return relative(1 / std::sqrt(x));
    case Unary::kSigmoid: return {1 / (1 + std::exp(-x)), kFunction};
    case Unary::kSquare: return relative(x * x);
    case Unary::kSquareRoot: return relative(std::sqrt(x));
    case Unary::kTanh: return relative(std::tanh(x));
  }
  return {};
}

bool takes_positive_only(Unary op) {
  return op == Unary::kLog || op == Unary::kSquareRoot || op == Unary::kReciprocalSquareRoot;
}

/// Divisors that are far from zero, so that no result is beyond what is compared.
Floats divisors(std::size_t count, Picker& picker, std::size_t offset) {
  Floats values(count, picker.random(), offset);
  for (std::size_t i = 0; i < count; ++i) values[i] += values[i] < 0 ? -0.25F : 0.25F;
  return values;
}

}  // namespace

void test_binary(const Kernels& kernels, Picker& picker) {
  const std::size_t block = kernels.block;
  for (const Binary op : kBinaries) {
    for (std::size_t pixels = 0; pixels <= 20; ++pixels) {
      for (const auto& [a_step, b_step] : {std::pair{1U, 1U}, {0U, 1U}, {1U, 0U}, {0U, 0U}}) {
        Floats a((a_step == 0 ? 1 : std::max<std::size_t>(pixels, 1)) * block, picker.random());
        Floats b = divisors((b_step == 0 ? 1 : std::max<std::size_t>(pixels, 1)) * block, picker, 0);
        Floats output(pixels * block);
        const Epilogue epilogue = picker.epilogue();
        kernels.binary({.op = op,
                        .a = a.data(),
                        .b = b.data(),
                        .a_stride = static_cast<std::ptrdiff_t>(a_step * block),
                        .b_stride = static_cast<std::ptrdiff_t>(b_step * block),
                        .output = output.data(),
                        .pixels = pixels,
                        .epilogue = epilogue});
        for (std::size_t i = 0; i < output.size(); ++i) {
          const auto expected = combined(op, a[a_step == 0 ? i % block : i], b[b_step == 0 ? i % block : i]);
          ASSERT_TRUE(near(output[i], finished(expected, epilogue)))
              << "operation " << static_cast<int>(op) << ", " << pixels << " pixels, value " << i;
        }
      }
    }
  }
}

void test_binary_values(const Kernels& kernels, Picker& picker) {
  for (const Binary op : kBinaries) {
    for (std::size_t count = 1; count <= 3 * kernels.block + 1; ++count) {
      for (const auto& [a_step, b_step] : {std::pair{1U, 1U}, {0U, 1U}, {1U, 0U}, {0U, 0U}}) {
        Floats a(a_step == 0 ? 1 : count, picker.random(), picker.pick<std::size_t>(0, 3));
        Floats b = divisors(b_step == 0 ? 1 : count, picker, picker.pick<std::size_t>(0, 3));
        Floats output(count, kUntouched, picker.pick<std::size_t>(0, 3));
        const Epilogue epilogue = picker.epilogue();
        kernels.binary_values({.op = op,
                               .a = a.data(),
                               .b = b.data(),
                               .a_step = a_step,
                               .b_step = b_step,
                               .output = output.data(),
                               .count = count,
                               .epilogue = epilogue});
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_TRUE(near(output[i], finished(combined(op, a[i * a_step], b[i * b_step]), epilogue)))
              << "operation " << static_cast<int>(op) << ", " << count << " values, number " << i;
        }
      }
    }
  }
}

void test_unary_values(const Kernels& kernels, Picker& picker) {
  for (std::size_t number = 0; number < kUnaries; ++number) {
    const auto op = static_cast<Unary>(number);
    for (std::size_t count = 0; count <= 4 * kernels.block; ++count) {
      // Functions' bends are near 0; far away they saturate.
      const float reach = picker.coin() ? 1.0F : 20.0F;
      Floats input(count, picker.random(), picker.pick<std::size_t>(0, 3), takes_positive_only(op) ? 1e-3F : -reach,
                   reach);
      const bool in_place = picker.coin();
      Floats output = in_place ? input : Floats(count, kUntouched, picker.pick<std::size_t>(0, 3));
      const Epilogue epilogue = op == Unary::kExp ? kEpilogues[0] : picker.epilogue();
      kernels.unary_values({.op = op,
                            .parameter = kParameter,
                            .a = in_place ? output.data() : input.data(),
                            .output = output.data(),
                            .count = count,
                            .epilogue = epilogue});
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(near(output[i], finished(changed(op, input[i]), epilogue)))
            << "operation " << number << " of " << input[i] << ", " << count << " values, number " << i;
      }
    }
  }
}

void test_softmax_pixels(const Kernels& kernels, Picker& picker) {
  const std::size_t block = kernels.block;
  for (std::size_t channels = 1; channels <= 3 * block; ++channels) {
    const std::size_t pixels = picker.pick<std::size_t>(1, 9);
    const std::size_t plane = (pixels + picker.pick<std::size_t>(0, 2)) * block;
    const std::size_t blocks = (channels + block - 1) / block;
    // Lanes without a channel may hold anything finite.
    Floats input(blocks * plane, picker.random(), 0, -9, 9);
    Floats output(blocks * plane);
    kernels.softmax_pixels({.input = input.data(),
                            .output = output.data(),
                            .pixels = pixels,
                            .plane = plane,
                            .blocks = blocks,
                            .channels = channels - (blocks - 1) * block});
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      const auto place = [&](std::size_t channel) { return channel / block * plane + pixel * block + channel % block; };
      double sum = 0;
      for (std::size_t c = 0; c < channels; ++c) sum += std::exp(static_cast<double>(input[place(c)]));
      for (std::size_t c = 0; c < channels; ++c) {
        const double value = std::exp(static_cast<double>(input[place(c)])) / sum;
        // The difference to the largest is rounded before its power is taken.
        ASSERT_TRUE(near(output[place(c)], {value, value * kRounding * (32 + static_cast<double>(channels))}))
            << channels << " channels, " << c;
      }
    }
  }
}

void test_softmax_values(const Kernels& kernels, Picker& picker) {
  for (std::size_t count = 1; count <= 5 * kernels.block; ++count) {
    Floats input(count, picker.random(), picker.pick<std::size_t>(0, 3), -9, 9);
    Floats output(count, kUntouched, picker.pick<std::size_t>(0, 3));
    kernels.softmax_values({.input = input.data(), .output = output.data(), .count = count});
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(input[i]));
    for (std::size_t i = 0; i < count; ++i) {
      const double value = std::exp(static_cast<double>(input[i])) / sum;
      ASSERT_TRUE(near(output[i], {value, value * kRounding * (32 + static_cast<double>(count))}))
          << count << ", " << i;
    }
  }
}

void test_combine(const Kernels& kernels, Picker& picker) {
  for (std::size_t blocks = 0; blocks <= 9; ++blocks) {
    const std::size_t count = blocks * kernels.block;
    Floats inputs[3] = {Floats(count, picker.random()), Floats(count, picker.random()), Floats(count, picker.random())};
    const float* const pointers[3] = {inputs[0].data(), inputs[1].data(), inputs[2].data()};
    Floats factors(3, picker.random());
    Floats output(count);
    kernels.combine(pointers, factors.data(), output.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
      Sum sum;
      for (std::size_t j = 0; j < 3; ++j) sum.add(factors[j], inputs[j][i]);
      ASSERT_TRUE(near(output[i], sum.expected())) << count << " values, number " << i;
    }
  }
}

void test_strassen_sums(const Kernels& kernels, Picker& picker) {
  for (std::size_t blocks = 0; blocks <= 9; ++blocks) {
    const std::size_t count = blocks * kernels.block;
    std::vector<Floats> a;
    for (int i = 0; i < 4; ++i) a.emplace_back(count, picker.random());
    std::vector<Floats> s(4, Floats(count));
    kernels.strassen_sums({.a11 = a[0].data(),
                           .a12 = a[1].data(),
                           .a21 = a[2].data(),
                           .a22 = a[3].data(),
                           .s1 = s[0].data(),
                           .s2 = s[1].data(),
                           .s3 = s[2].data(),
                           .s4 = s[3].data(),
                           .count = count});
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = [&](std::size_t which) -> double { return a[which][i]; };
      const double error = 8 * kRounding;
      ASSERT_TRUE(near(s[0][i], {at(2) + at(3), error}));
      ASSERT_TRUE(near(s[1][i], {at(2) + at(3) - at(0), error}));
      ASSERT_TRUE(near(s[2][i], {at(0) - at(2), error}));
      ASSERT_TRUE(near(s[3][i], {at(1) - (at(2) + at(3) - at(0)), error}));
    }
  }
}

}  // namespace silhouette::kernels::test
