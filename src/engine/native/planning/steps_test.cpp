// Which steps run: results are right the slow way, too, so that a fast way that always declined would be noticed by
// nobody else.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/native/planning/choice.hpp"
#include "engine/native/test_networks.hpp"
#include "engine/native/test_plans.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Node;
using graph::Op;
using graph::TensorId;
using graph::Window;
using native::Layout;
using test::Maker;
using test::Planned;
using test::same;
using test::test_seed;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Names = std::vector<std::string>;

enum class Memory { kUsual, kLow };

/// The engine's own word: what it does when it runs, on each of the instruction sets.
class Steps : public ::testing::TestWithParam<const kernels::Kernels*> {
 protected:
  [[nodiscard]] static const kernels::Kernels& kernels() { return *GetParam(); }
  [[nodiscard]] static std::int64_t block() { return static_cast<std::int64_t>(kernels().block); }

  static Names steps(Maker& maker, Memory memory = Memory::kUsual) {
    const auto count = static_cast<std::size_t>(graph::count(maker.graph().tensors[maker.graph().input].dims));
    EXPECT_TRUE(graph::verify(maker.graph()));
    return test::step_names(maker.graph(), std::vector<float>(count, 0.5F),
                            {.kernels = GetParam(), .low_memory = memory == Memory::kLow});
  }
  static Planned plan(Maker& maker, Memory memory = Memory::kUsual, bool planar_output = false) {
    EXPECT_TRUE(graph::verify(maker.graph()));
    return {maker.graph(), {.kernels = GetParam(), .threads = 2, .low_memory = memory == Memory::kLow}, planar_output};
  }
  static std::vector<std::string_view> ways(Maker& maker) { return plan(maker).build.methods; }
};

TEST_P(Steps, LargeConvolutionsOfThreeByThreeAreWinograds) {
  for (const std::int64_t dilation : {1, 2, 12}) {
    Maker maker(test_seed());
    maker.convolution(maker.input(28, 27, 96), 96, 3, same(3, 1, dilation));
    EXPECT_THAT(steps(maker), AllOf(Contains(HasSubstr("winograd")), Not(Contains(HasSubstr("fleeting"))),
                                    Contains(HasSubstr("transform back"))));
    EXPECT_THAT(ways(maker), ElementsAre("winograd"));
  }
}

TEST_P(Steps, WinogradsWeightsAreFleetingWhereMemoryMatters) {
  Maker maker(test_seed());
  maker.convolution(maker.input(28, 27, 96), 96, 3, same(3));
  EXPECT_THAT(steps(maker, Memory::kLow), Contains(HasSubstr("fleeting products")));
}

/// Lines so short that they lie between zeros have no more weights transformed than there are in the file.
TEST_P(Steps, ShortLinesOfDilatedConvolutionsKeepTheirWeights) {
  Maker maker(test_seed());
  maker.convolution(maker.input(24, 24, 96), 96, 3, same(3, 1, 12));
  for (const Memory memory : {Memory::kUsual, Memory::kLow}) {
    EXPECT_THAT(steps(maker, memory), AllOf(Contains(HasSubstr("d12")), Contains(HasSubstr("winograd")),
                                            Not(Contains(HasSubstr("fleeting")))));
  }
}

TEST_P(Steps, LargePointwiseConvolutionsAreStrassens) {
  for (const int addend : {0, 1, 2}) {
    Maker maker(test_seed());
    const TensorId image = maker.input(16, 15, 576);
    std::optional<TensorId> added;
    if (addend == 1) added = maker.convolution(image, 256, 1, {});
    if (addend == 2) added = maker.convolution(maker.add({.op = Op::kGlobalAverage, .inputs = {image}}), 256, 1, {});
    maker.convolution(image, 256, 1, {}, {}, added);
    EXPECT_THAT(steps(maker).end()[-2], StartsWith("strassen product 240 x 576 -> 256")) << "addend " << addend;
    EXPECT_THAT(steps(maker, Memory::kLow), Not(Contains(HasSubstr("strassen"))));
  }
}

TEST_P(Steps, DepthwiseConvolutionsAreMadeAlongWithTheOneBefore) {
  Maker pointwise(test_seed());
  pointwise.depthwise(pointwise.convolution(pointwise.input(24, 24, 24), 96, 1, {}), 3, 3, same(3));
  EXPECT_THAT(steps(pointwise), Contains(AllOf(StartsWith("convolution 1x1"), HasSubstr(", depthwise 3x3"))));
  EXPECT_THAT(ways(pointwise), ElementsAre("product", "made already"));
  Maker first(test_seed());
  first.depthwise(first.convolution(first.input(24, 24, 3), 32, 3, same(3, 2)), 3, 3, same(3));
  EXPECT_THAT(steps(first), Contains(AllOf(HasSubstr("interleaved"), HasSubstr(", depthwise 3x3"))));
  // What another reads, too, must go through memory.
  Maker shared(test_seed());
  const TensorId between = shared.convolution(shared.input(24, 24, 24), 96, 1, {});
  shared.add({.op = Op::kAdd, .inputs = {shared.depthwise(between, 3, 3, same(3)), between}});
  EXPECT_THAT(steps(shared), Not(Contains(HasSubstr(", depthwise"))));
}

TEST_P(Steps, LinesWithManyEdgesAreCopiedIntoARing) {
  const auto ring_of = [&](std::int64_t width, std::int64_t kernel) {
    Maker maker(test_seed());
    maker.depthwise(maker.input(12, width, 48), kernel, kernel, same(kernel));
    const Planned planned = plan(maker);
    const auto found = std::ranges::find_if(planned.build.plan.steps,
                                            [](const auto& step) { return step->name.starts_with("depthwise"); });
    EXPECT_NE(found, planned.build.plan.steps.end());
    return found == planned.build.plan.steps.end() ? 1 : (*found)->scratch;
  };
  // Two lines at a time, that is kernel + 1 of them, and what lies left and right.
  EXPECT_EQ(ring_of(14, 3), static_cast<std::size_t>(4 * 16 * block()));
  EXPECT_EQ(ring_of(20, 5), static_cast<std::size_t>(6 * 24 * block()));
  EXPECT_EQ(ring_of(60, 3), 0U);
}

TEST_P(Steps, ConvolutionsOfFewPlanesAreInterleaved) {
  Maker maker(test_seed());
  maker.convolution(maker.input(32, 30, 3), 24, 7, same(7, 2));
  EXPECT_THAT(steps(maker), AllOf(Contains("interleave"), Contains(HasSubstr("7x7 interleaved"))));
}

TEST_P(Steps, TapsThatMeetNoDataAreLeftOut) {
  Maker maker(test_seed());
  maker.convolution(maker.input(9, 9, 9), 9, 3, same(3, 1, 6));
  EXPECT_THAT(steps(maker), Contains(HasSubstr("3x3 in-map")));
  Maker dense(test_seed());
  dense.convolution(dense.input(12, 9, 24), 24, 3, same(3, 2));
  EXPECT_THAT(steps(dense), AllOf(Contains("frame"), Not(Contains(HasSubstr("in-map")))));
}

TEST_P(Steps, GroupsAreOneStep) {
  for (const auto& [groups, in, out] : std::vector<std::array<std::int64_t, 3>>{{3, 48, 96}, {12, 48, 36}}) {
    Maker maker(test_seed());
    Window window = same(3);
    window.groups = groups;
    maker.convolution(maker.input(8, 8, in), out, 3, window);
    const Names names = steps(maker);
    EXPECT_EQ(std::ranges::count_if(names, [](const std::string& name) { return name.starts_with("convolution"); }), 1);
    EXPECT_THAT(names, Contains(HasSubstr(fmt::format(", {} groups", groups))));
    EXPECT_THAT(ways(maker), ElementsAre("product"));
  }
}

TEST_P(Steps, TransposedConvolutionsAreProducts) {
  Maker one(test_seed());
  one.add({.op = Op::kTransposeConvolution,
           .inputs = {one.input(8, 8, 24), one.constant({1, 2, 2, 24})},
           .window = {.kernel_height = 2, .kernel_width = 2, .stride_height = 2, .stride_width = 2}});
  EXPECT_THAT(steps(one), AllOf(Contains(HasSubstr("2x2 as a product")), Contains(StartsWith("spread"))));
  EXPECT_THAT(ways(one), ElementsAre("spread product"));
  Maker many(test_seed());
  many.add(
      {.op = Op::kTransposeConvolution,
       .inputs = {many.input(8, 8, 24), many.constant({40, 3, 3, 24})},
       .window = {
           .pad_top = 1, .pad_left = 1, .kernel_height = 3, .kernel_width = 3, .stride_height = 2, .stride_width = 2}});
  EXPECT_THAT(ways(many), ElementsAre("transposed lines"));
}

TEST_P(Steps, PartsOfAConcatenationAreMadeInPlace) {
  Maker maker(test_seed());
  const TensorId image = maker.input(6, 7, 48);
  const TensorId a = maker.convolution(image, 32, 1, {});
  const TensorId b = maker.convolution(image, 21, 1, {});
  maker.convolution(maker.add({.op = Op::kConcatenate, .inputs = {a, b}, .axis = 3}), 8, 1, {});
  EXPECT_THAT(steps(maker), Not(Contains(StartsWith("concatenate"))));
  EXPECT_THAT(ways(maker), ElementsAre("product", "product", "concatenation", "product"));
  // A part in the midst of a block isn't.
  Maker crooked(test_seed());
  const TensorId whole = crooked.input(6, 7, 48);
  const TensorId first = crooked.convolution(whole, 21, 1, {});
  const TensorId second = crooked.convolution(whole, 32, 1, {});
  crooked.convolution(crooked.add({.op = Op::kConcatenate, .inputs = {first, second}, .axis = 3}), 8, 1, {});
  EXPECT_THAT(steps(crooked), Contains(StartsWith("concatenate")));
}

TEST_P(Steps, TheLastResizeMayStayPending) {
  for (const bool planes : {false, true}) {
    Maker maker(test_seed());
    const TensorId small = maker.convolution(maker.input(6, 7, 24), 5, 1, {});
    Node resize{.op = Op::kResizeBilinear, .inputs = {small}};
    resize.output = maker.graph().output = maker.graph().add_tensor({1, 12, 21, 5});
    maker.graph().nodes.push_back(resize);
    if (planes) maker.add({.op = Op::kTranspose, .inputs = {resize.output}, .order = {0, 3, 1, 2}});
    const Planned planned = plan(maker, Memory::kUsual, /*planar_output=*/!planes);
    ASSERT_TRUE(planned.build.plan.pending);
    EXPECT_EQ(planned.build.plan.pending->height, 6);
    Names whole;
    Names pending;
    for (const auto& step : planned.build.plan.steps) {
      if (step->is_tail) (step->tail == Tail::kWhole ? whole : pending).push_back(step->name);
    }
    // As planes at once: nothing brings them into another order.
    EXPECT_THAT(whole, ElementsAre(StartsWith("resize 6x7")));
    EXPECT_THAT(pending, ElementsAre(StartsWith("convert 6x7")));
  }
}

TEST_P(Steps, PlanesToPixelsAndBackAreNames) {
  Maker maker(test_seed());
  maker.graph().input = maker.graph().add_tensor({1, 3, 20, 22});
  const TensorId image = maker.add({.op = Op::kTranspose, .inputs = {maker.graph().input}, .order = {0, 2, 3, 1}});
  const TensorId last = maker.convolution(maker.convolution(image, 16, 3, same(3, 2)), 5, 1, {});
  maker.add({.op = Op::kTranspose, .inputs = {last}, .order = {0, 3, 1, 2}});
  EXPECT_THAT(steps(maker), Not(Contains(HasSubstr("transpose"))));
  EXPECT_THAT(ways(maker), ElementsAre("rename", "product", "product", "rename"));
}

TEST_P(Steps, ResidualAddendsAndActivationsAreNoSteps) {
  Maker maker(test_seed());
  const TensorId image = maker.input(9, 8, 24);
  const TensorId a = maker.convolution(image, 24, 1, {});
  const TensorId sum = maker.add({.op = Op::kAdd, .inputs = {maker.convolution(a, 24, 3, same(3, 1)), a}});
  maker.add({.op = Op::kHardswish, .inputs = {sum}});
  EXPECT_THAT(steps(maker), AllOf(Not(Contains(StartsWith("add"))), Not(Contains(HasSubstr("hardswish")))));
}

TEST_P(Steps, ArithmeticStaysWhereValuesAre) {
  // In blocks between convolutions.
  Maker blocks(test_seed());
  const TensorId a = blocks.convolution(blocks.input(9, 8, 24), 24, 1, {});
  const TensorId b = blocks.add({.op = Op::kMaximum, .inputs = {a, blocks.add({.op = Op::kAbs, .inputs = {a}})}});
  blocks.convolution(b, 8, 1, {});
  EXPECT_THAT(ways(blocks), ElementsAre("product", "unary", "binary in blocks", "product"));
  EXPECT_THAT(plan(blocks).names().size(), 6U) << "one conversion of the input, one of the result";
  // In planes and in the order of dimensions: nothing is converted.
  Maker planes(test_seed());
  planes.graph().input = planes.graph().add_tensor({1, 3, 20, 22});
  const TensorId image = planes.add({.op = Op::kTranspose, .inputs = {planes.graph().input}, .order = {0, 2, 3, 1}});
  planes.add({.op = Op::kDivide, .inputs = {image, planes.constant({3})}});
  EXPECT_THAT(plan(planes, Memory::kUsual, /*planar_output=*/true).names(), ElementsAre(StartsWith("divide")));
  Maker dense(test_seed());
  dense.graph().input = dense.graph().add_tensor({12, 40});
  dense.add({.op = Op::kSubtract, .inputs = {dense.graph().input, dense.constant({12, 1})}});
  EXPECT_THAT(ways(dense), ElementsAre("broadcast"));
  EXPECT_THAT(plan(dense).names(), ElementsAre(StartsWith("subtract")));
}

/// A broadcast that declines leaves nothing behind: no operand is brought into a layout that nobody reads.
TEST_P(Steps, WhatIsDeclinedLeavesNothing) {
  Maker maker(test_seed());
  maker.graph().input = maker.graph().add_tensor({1, 6, 5, 3});
  const TensorId scaled =
      maker.add({.op = Op::kMultiply, .inputs = {maker.graph().input, maker.constant({1, 6, 1, 1})}});
  maker.convolution(scaled, 8, 1, {});
  const Planned planned = plan(maker);
  for (std::size_t i = 0; i < planned.build.plan.steps.size(); ++i) {
    for (const auto buffer : planned.build.plan.steps[i]->writes) {
      const bool is_read = buffer == planned.build.plan.output || buffer == native::kOutputBuffer ||
                           std::ranges::any_of(planned.build.plan.steps, [&](const auto& step) {
                             return std::ranges::find(step->reads, buffer) != step->reads.end();
                           });
      EXPECT_TRUE(is_read) << planned.build.plan.steps[i]->name << " is for nothing";
    }
  }
}

/// What every operator becomes that is an image's: the plain interpreter has none of it.
TEST_P(Steps, EveryOperatorHasAWay) {
  for (const graph::Operator& row : graph::operators()) {
    if (row.kind == graph::Kind::kWindow || row.op == Op::kFullyConnected) continue;
    Maker maker(test_seed());
    const TensorId image = maker.input(6, 7, 24);
    Node node{.op = row.op, .inputs = {image}};
    std::vector<std::int64_t> dims{1, 6, 7, 24};
    if (row.kind == graph::Kind::kBinary) node.inputs.push_back(maker.constant({24}));
    if (row.op == Op::kConcatenate) node.inputs.push_back(image), node.axis = 1, dims[1] = 12;
    if (row.op == Op::kGlobalAverage) dims = {1, 1, 1, 24};
    if (row.op == Op::kPad) node.before = {0, 1, 0, 0}, node.after = {0, 0, 0, 0}, dims[1] = 7;
    if (row.op == Op::kResizeBilinear) dims = {1, 9, 9, 24};
    if (row.op == Op::kSlice) node.before = {0, 1, 0, 0}, dims[1] = 5;
    if (row.op == Op::kExpand) {
      node.inputs = {maker.constant({1, 1, 1, 24})};
    }
    if (row.op == Op::kTranspose) node.order = {0, 2, 1, 3}, dims = {1, 7, 6, 24};
    node.output = maker.graph().output = maker.graph().add_tensor(dims);
    maker.graph().nodes.push_back(node);
    ASSERT_TRUE(graph::verify(maker.graph())) << row.name;
    const native::Build build = native::build_plan(maker.graph(), false, {.kernels = GetParam()});
    EXPECT_THAT(build.methods, Each(Not(std::string_view("plain")))) << row.name;
  }
}

TEST_P(Steps, LayersAndPoolsHaveTheirKernels) {
  Maker layer(test_seed());
  layer.add({.op = Op::kFullyConnected, .inputs = {layer.input(5, 6, 30), layer.constant({7, 30})}});
  EXPECT_THAT(ways(layer), ElementsAre("fully connected"));
  for (const Op op : {Op::kMaxPool, Op::kAveragePool}) {
    Maker pool(test_seed());
    Window window = same(3, 2);
    window.kernel_height = window.kernel_width = 3;
    pool.add({.op = op, .inputs = {pool.input(9, 12, 24)}, .window = window});
    EXPECT_THAT(ways(pool), ElementsAre("pool"));
  }
  Maker repeated(test_seed());
  const TensorId image = repeated.input(5, 6, 9);
  repeated.add(
      {.op = Op::kDepthwiseConvolution,
       .inputs = {image, repeated.constant({3, 3, 18})},
       .window = {
           .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1, .kernel_height = 3, .kernel_width = 3}});
  EXPECT_THAT(ways(repeated), ElementsAre("depthwise"));
}

INSTANTIATE_TEST_SUITE_P(Tables, Steps, ::testing::ValuesIn(test::tested_kernels()), [](const auto& test) {
  return test.param == &kernels::kAvx512ForAnyMachine ? "avx512_any" : std::string(test.param->name);
});

/// Choosing makes nothing: it is asked twice, of a network that nothing is planned of, and says the same.
TEST(Choices, ArePure) {
  Maker maker(test_seed());
  const TensorId image = maker.input(28, 27, 96);
  const TensorId a = maker.convolution(image, 96, 3, same(3));
  maker.add({.op = Op::kMultiply, .inputs = {a, maker.constant({1, 28, 1, 1})}});
  const native::Network network(maker.graph(), false, {.kernels = test::tested_kernels().front()});
  native::Places places(maker.graph().tensors.size());
  places.define(image, Layout::kDense, {native::kInputBuffer, 0});
  const Node& convolution = maker.graph().nodes[0];
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(native::method(native::choose(network, places, convolution)), "winograd");
    EXPECT_FALSE(places.existing(image, Layout::kBlocked));
    EXPECT_FALSE(places.existing(a, Layout::kBlocked));
  }
  // Where values lie decides on arithmetic.
  const Node& multiplication = maker.graph().nodes[1];
  places.define(a, Layout::kDense, {7, 0});
  EXPECT_EQ(native::method(native::choose(network, places, multiplication)), "broadcast");
  places.define(a, Layout::kBlocked, {8, 0});
  EXPECT_EQ(native::method(native::choose(network, places, multiplication)), "binary in blocks");
}

}  // namespace
}  // namespace silhouette
