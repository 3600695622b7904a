// Every entry of every table of kernels against plain scalar code.
#include "kernels/kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kernels/isa.hpp"
#include "kernels/test_kernels.hpp"
#include "support/support.hpp"

namespace silhouette::kernels::test {
namespace {

struct Entry {
  std::string_view name;
  bool is_there = false;
  void (*test)(const Kernels&, Picker&) = nullptr;
};

/// Everything that a table has. A new member of Kernels makes this fail to compile until it is listed with its test.
std::vector<Entry> entries(const Kernels& kernels) {
  const auto& [name, block, depth, packed, strided, general, tile_rows, depthwise, pool, binary, binary_values,
               unary_values, softmax_pixels, softmax_values, resize, resize_planes, to_planes, transpose_matrix,
               average, combine, strassen_sums, winograd_input, winograd_output] = kernels;
  const auto are_there = [&rows = tile_rows](const auto& tiles) {
    for (const std::size_t blocks : {0U, 1U}) {
      for (std::size_t i = 0; i < kMaxTileRows; ++i) {
        if ((tiles[blocks][i] != nullptr) != (i < rows[blocks])) return false;
      }
      if (rows[blocks] == 0) return false;
    }
    return true;
  };
  const auto all = [](const auto& list) {
    return std::ranges::none_of(list, [](auto* one) { return one == nullptr; });
  };
  return {{"packed", are_there(packed), test_packed},
          {"strided", are_there(strided), test_strided},
          {"general", are_there(general), test_general},
          {"depthwise", depthwise != nullptr, test_depthwise},
          {"pool", pool != nullptr, test_pool},
          {"binary", binary != nullptr, test_binary},
          {"binary_values", binary_values != nullptr, test_binary_values},
          {"unary_values", unary_values != nullptr, test_unary_values},
          {"softmax_pixels", softmax_pixels != nullptr, test_softmax_pixels},
          {"softmax_values", softmax_values != nullptr, test_softmax_values},
          {"resize", resize != nullptr, test_resize},
          {"resize_planes", resize_planes != nullptr, test_resize_planes},
          {"to_planes", to_planes != nullptr, test_to_planes},
          {"transpose_matrix", transpose_matrix != nullptr, test_transpose_matrix},
          {"average", average != nullptr, test_average},
          {"combine", combine != nullptr, test_combine},
          {"strassen_sums", strassen_sums != nullptr, test_strassen_sums},
          {"winograd_lines", all(winograd_input) && all(winograd_output), test_winograd}};
}

std::vector<const Kernels*> tables() {
  const auto list = available_kernels();
  std::vector<const Kernels*> result(list.begin(), list.end());
  result.push_back(&kAvx512ForAnyMachine);
  result.push_back(&kWasmForAnyMachine);
  return result;
}

class KernelTables : public ::testing::TestWithParam<std::tuple<const Kernels*, std::size_t>> {};

TEST_P(KernelTables, AgreeWithScalarCode) {
  const auto& [kernels, number] = GetParam();
  const Entry entry = entries(*kernels)[number];
  ASSERT_TRUE(entry.is_there);
  Picker picker(silhouette::test::test_seed());
  entry.test(*kernels, picker);
}

std::string test_name(const ::testing::TestParamInfo<KernelTables::ParamType>& tested) {
  const auto& [kernels, number] = tested.param;
  std::string name = std::string(entries(*kernels)[number].name) + "_" + kernels->name;
  std::erase(name, ',');
  std::ranges::replace(name, ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, KernelTables,
                         ::testing::Combine(::testing::ValuesIn(tables()),
                                            ::testing::Range(std::size_t{0}, entries(kPortableKernels).size())),
                         test_name);

TEST(KernelTable, SaysWhatItIs) {
  for (const Kernels* const kernels : tables()) {
    EXPECT_NE(kernels->name, std::string_view());
    EXPECT_TRUE(kernels->block >= 4 && (kernels->block & (kernels->block - 1)) == 0);
    EXPECT_EQ(kernels->depth % kernels->block, 0U);
  }
}

}  // namespace
}  // namespace silhouette::kernels::test
