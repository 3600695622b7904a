// Packed weights lie on people's disks, and are mapped by later versions of the engine if the number of the layout is
// the same. Whatever changes them must change it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_random.hpp"
#include "engine/native/packed_file.hpp"
#include "engine/native/test_networks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Graph;
using graph::Op;
using graph::TensorId;
using graph::Window;
using test::Maker;
using test::same;

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::string_view kModelKey = "layout";

/// The version that the hashes below are of.
constexpr int kVersion = 6;

struct Network {
  std::string name;
  std::string step;             ///< what one of its steps is called, in part
  std::string low_memory_step;  ///< likewise
  Graph graph;
  /// Of what is packed in either memory mode.
  std::map<std::string, std::uint64_t> hashes;
};

template <typename Build>
Graph network(const Build& build) {
  Maker maker(1);
  build(maker);
  Graph& graph = maker.graph();
  // The same on every machine, whatever its standard library makes of a distribution.
  for (TensorId id = 0; id < graph.tensors.size(); ++id) {
    if (!graph.tensors[id].is_constant()) continue;
    std::vector<float> values(graph.tensors[id].constant.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = hash_random(id, i);
    const TensorId filled = graph.add_constant(graph.tensors[id].dims, std::move(values));
    graph.tensors[id] = graph.tensors[filled];
    graph.tensors.pop_back();
  }
  return graph;
}

Graph convolution(std::int64_t height, std::int64_t width, std::int64_t in, std::int64_t out, std::int64_t kernel,
                  Window window = {}) {
  return network([&](Maker& maker) { maker.convolution(maker.input(height, width, in), out, kernel, window); });
}

Window grouped(std::int64_t groups) {
  Window window = same(3);
  window.groups = groups;
  return window;
}

Graph transposed(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return network([&](Maker& maker) {
    maker.add(
        {.op = Op::kTransposeConvolution,
         .inputs = {maker.input(6, 5, in), maker.constant({out, kernel, kernel, in}), maker.constant({out})},
         .window = {.kernel_height = kernel, .kernel_width = kernel, .stride_height = stride, .stride_width = stride}});
  });
}

std::vector<Network> networks() {
  return {
      {"pointwise",
       "->",
       "->",
       convolution(7, 9, 40, 52, 1),
       {{"portable", 0x268C6E88B62BE749},
        {"avx2", 0x268C6E88B62BE749},
        {"avx512", 0xD1ADC840172838A1},
        {"avx512, for any machine", 0xD1ADC840172838A1}}},
      {"deep pointwise",
       "->",
       "->",
       convolution(2, 3, 1100, 40, 1),
       {{"portable", 0xC0039B69C12DC301},
        {"avx2", 0xC0039B69C12DC301},
        {"avx512", 0xD9BAF2E673909F21},
        {"avx512, for any machine", 0xD9BAF2E673909F21}}},
      {"stem",
       "->",
       "->",
       convolution(16, 15, 3, 24, 3, same(3, 2)),
       {{"portable", 0x9F220B490D8239D9},
        {"avx2", 0x9F220B490D8239D9},
        {"avx512", 0x4414DF7F5D673E69},
        {"avx512, for any machine", 0x4414DF7F5D673E69}}},
      {"five by five",
       "->",
       "->",
       convolution(9, 8, 20, 30, 5, same(5)),
       {{"portable", 0x0746B51CF6614CED},
        {"avx2", 0x0746B51CF6614CED},
        {"avx512", 0x6E3007A570F6BE35},
        {"avx512, for any machine", 0x6E3007A570F6BE35}}},
      {"winograd",
       "winograd",
       "fleeting",
       convolution(14, 15, 64, 48, 3, same(3)),
       {{"portable", 0x99C8AEFE940BBB29},
        {"avx2", 0x2DD20EADF503ABA3},
        {"avx512", 0xB98E99F7FB1D90DF},
        {"avx512, for any machine", 0x7D0FDF7100339755}}},
      {"winograd of lines",
       "winograd",
       "fleeting",
       convolution(28, 27, 64, 48, 3, same(3, 1, 4)),
       {{"portable", 0xA0BDD32DA8F0F329},
        {"avx2", 0x2307096B76086BA3},
        {"avx512", 0xC5893EB398DA80DF},
        {"avx512, for any machine", 0x1F2BC05775639755}}},
      {"short lines",
       "winograd",
       "winograd",
       convolution(28, 28, 96, 96, 3, same(3, 1, 12)),
       {{"portable", 0xF21F8D9101EF85BC},
        {"avx2", 0xF21F8D9101EF85BC},
        {"avx512", 0x7DC9355AB2A23F20},
        {"avx512, for any machine", 0x7DC9355AB2A23F20}}},
      {"short lines of three",
       "winograd",
       "winograd",
       convolution(36, 28, 96, 96, 3, same(3, 1, 12)),
       {{"portable", 0x6D145C5D47853684},
        {"avx2", 0x6D145C5D47853684},
        {"avx512", 0x248DC438EB6BF3F4},
        {"avx512, for any machine", 0x248DC438EB6BF3F4}}},
      {"strassen",
       "strassen",
       "->",
       convolution(12, 12, 512, 256, 1),
       {{"portable", 0xD90D24D8B44A7C9D},
        {"avx2", 0xD90D24D8B44A7C9D},
        {"avx512", 0x9166F184B3568985},
        {"avx512, for any machine", 0x9166F184B3568985}}},
      {"depthwise",
       "depthwise",
       "depthwise",
       network([](Maker& maker) { maker.depthwise(maker.input(9, 8, 36), 5, 3, same(3)); }),
       {{"portable", 0xE03D151ECDB3F91D},
        {"avx2", 0xE03D151ECDB3F91D},
        {"avx512", 0x7ABA35AF445EF625},
        {"avx512, for any machine", 0x7ABA35AF445EF625}}},
      {"product with depthwise",
       ", ",
       ", ",
       network([](Maker& maker) {
         const TensorId wide = maker.convolution(maker.input(40, 40, 24), 144, 1, {}, {.min = 0});
         maker.convolution(maker.depthwise(wide, 3, 3, same(3), {.min = 0}), 24, 1, {});
       }),
       {{"portable", 0x7C156C53B55EA6F5},
        {"avx2", 0x7C156C53B55EA6F5},
        {"avx512", 0x8A9DD3F70B916C45},
        {"avx512, for any machine", 0x8A9DD3F70B916C45}}},
      {"groups of blocks",
       "->",
       "->",
       convolution(6, 8, 96, 96, 3, grouped(3)),
       {{"portable", 0xFE04F7DAE0A3F979},
        {"avx2", 0xFE04F7DAE0A3F979},
        {"avx512", 0x82DA61FF8FABF2A9},
        {"avx512, for any machine", 0x82DA61FF8FABF2A9}}},
      {"groups that share blocks",
       "->",
       "->",
       convolution(6, 8, 48, 36, 3, grouped(12)),
       {{"portable", 0x22D770DF5ADD6885},
        {"avx2", 0x22D770DF5ADD6885},
        {"avx512", 0x5A2F74C559E56D0D},
        {"avx512, for any machine", 0x5A2F74C559E56D0D}}},
      {"transposed convolution",
       "transposed convolution",
       "transposed convolution",
       transposed(24, 20, 3, 2),
       {{"portable", 0x5CD238DB2CF636A5},
        {"avx2", 0x5CD238DB2CF636A5},
        {"avx512", 0xDC1AE65AECE19165},
        {"avx512, for any machine", 0xDC1AE65AECE19165}}},
      {"transposed convolution as a product",
       "as a product",
       "as a product",
       transposed(21, 1, 2, 2),
       {{"portable", 0x05915453BD3096DD},
        {"avx2", 0x05915453BD3096DD},
        {"avx512", 0x428CCFFAFB96F8DD},
        {"avx512, for any machine", 0x428CCFFAFB96F8DD}}},
      {"fully connected",
       "fully connected",
       "fully connected",
       network([](Maker& maker) {
         const TensorId flat = maker.reshape(maker.input(3, 1, 60), {3, 60});
         const TensorId layer =
             maker.add({.op = Op::kFullyConnected, .inputs = {flat, maker.constant({33, 60}), maker.constant({33})}});
         maker.convolution(maker.reshape(layer, {1, 1, 1, 99}), 5, 1, {});
       }),
       {{"portable", 0x82B581DAB8D7090D},
        {"avx2", 0x82B581DAB8D7090D},
        {"avx512", 0x4F59C824557A8DCD},
        {"avx512, for any machine", 0x4F59C824557A8DCD}}},
      {"constant operands",
       "multiply",
       "multiply",
       network([](Maker& maker) {
         const TensorId image = maker.input(5, 6, 21);
         const TensorId scaled = maker.add({.op = Op::kMultiply, .inputs = {image, maker.constant({1, 5, 6, 21})}});
         maker.add({.op = Op::kPrelu, .inputs = {scaled, maker.constant({1, 1, 1, 21})}});
       }),
       {{"portable", 0x3FE241F49E323C45},
        {"avx2", 0x3FE241F49E323C45},
        {"avx512", 0x3FE241F49E323C45},
        {"avx512, for any machine", 0x3FE241F49E323C45}}},
  };
}

std::uint64_t hash(std::span<const std::byte> bytes, std::uint64_t state) {
  // FNV-1a.
  for (const std::byte byte : bytes) state = (state ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3ULL;
  return state;
}

/// The version that stands behind the model's key.
int version_of(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), kHeaderBytes);
  const std::size_t at = text.find(kModelKey);
  return at == std::string_view::npos ? -1 : std::atoi(text.data() + at + kModelKey.size());
}

std::vector<std::string> steps(const Graph& graph, const NativeOptions& options) {
  ThreadPool pool(1);
  const auto values = static_cast<std::size_t>(graph::count(graph.tensors[graph.input].dims));
  NetworkShape shape;
  shape.input_height = static_cast<int>(values / 3);
  shape.input_width = 1;
  shape.channels = static_cast<int>(graph::count(graph.tensors[graph.output].dims));
  shape.output_height = shape.output_width = 1;
  const auto engine = create_native_engine(graph, shape, pool, options, "test");
  EXPECT_TRUE(engine) << engine.error().message;
  const auto profile = (*engine)->profile(std::vector<float>(values), {});
  EXPECT_TRUE(profile) << profile.error().message;
  std::vector<std::string> names;
  for (const auto& step : *profile) names.push_back(step.name);
  return names;
}

TEST(PackedLayout, ChangesOnlyWithItsVersion) {
#ifndef __x86_64__
  GTEST_SKIP() << "the hashes are of x86-64's tables; those of other processors have other sizes of tiles";
#endif
  auto tables = test::tested_kernels();
  if (tables.back() != &kernels::kAvx512ForAnyMachine) tables.push_back(&kernels::kAvx512ForAnyMachine);
  const test::ScratchFolder folder;
  const auto file = folder.path() / "packed.bin";
  for (const Network& network : networks()) {
    for (const auto* kernels : tables) {
      SCOPED_TRACE(fmt::format("{}, {}", network.name, kernels->name));
      std::uint64_t actual = 0xCBF29CE484222325ULL;
      for (const bool low_memory : {false, true}) {
        const NativeOptions options{.kernels = kernels,
                                    .low_memory = low_memory,
                                    .kept = native::kept_in_file(file),
                                    .model_key = std::string(kModelKey)};
        const auto& wanted = low_memory ? network.low_memory_step : network.step;
        EXPECT_THAT(steps(network.graph, options), ::testing::Contains(::testing::HasSubstr(wanted)));
        const auto bytes = test::read_bytes(file);
        ASSERT_GT(bytes.size(), kHeaderBytes);
        ASSERT_EQ(version_of(bytes), kVersion) << "the layout has a new version: its hashes belong into this test";
        actual = hash(std::span(bytes).subspan(kHeaderBytes), actual);
        std::filesystem::remove(file);
      }
      const auto expected = network.hashes.find(kernels->name);
      EXPECT_TRUE(expected != network.hashes.end() && actual == expected->second) << fmt::format(
          "packed weights changed: raise kPackingVersion, lest those on people's disks be taken for "
          "them, then put kVersion and the new hashes here: {{\"{}\", 0x{:016X}}}",
          kernels->name, actual);
    }
  }
}

}  // namespace
}  // namespace silhouette
