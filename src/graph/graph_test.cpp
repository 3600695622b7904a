#include "graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;
using ::testing::HasSubstr;

/// Two convolutions and an addition that are sound.
Graph small() {
  Builder b({1, 8, 6, 4});
  const auto x = b.convolution(b.input(), 6, square(3, 1));
  b.binary(Op::kAdd, b.convolution(x, 6), x);
  return b.graph;
}

void expect_fault(const Graph& graph, std::string_view message) {
  const auto sound = verify(graph);
  ASSERT_FALSE(sound) << "accepted; expected: " << message;
  EXPECT_EQ(sound.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(sound.error().message, HasSubstr(std::string(message)));
}

TEST(Verify, AcceptsWhatIsSound) {
  EXPECT_TRUE(verify(small()));
}

TEST(Verify, OrderAndIndices) {
  auto graph = small();
  graph.nodes[2].inputs[0] = 99;
  expect_fault(graph, "step 2 (add): its operand 99 isn't there");
  graph = small();
  std::swap(graph.nodes[0], graph.nodes[1]);
  expect_fault(graph, "before that is made");
  graph = small();
  graph.nodes[1].output = graph.nodes[0].output;
  expect_fault(graph, "a second time");
  graph = small();
  graph.nodes[0].output = graph.input;
  expect_fault(graph, "a second time");
  graph = small();
  graph.nodes[0].output = graph.nodes[0].inputs[1];
  expect_fault(graph, "a second time");
  graph = small();
  graph.nodes[0].output = 1000;
  expect_fault(graph, "its result isn't there");
  graph = small();
  graph.output = graph.add_tensor({1});
  expect_fault(graph, "nothing makes its output");
  graph = small();
  graph.input = 1000;
  expect_fault(graph, "isn't there");
  graph = small();
  graph.input = graph.nodes[0].inputs[1];
  expect_fault(graph, "its input is a constant");
}

TEST(Verify, Tensors) {
  auto graph = small();
  graph.tensors[graph.input].dims[1] = 0;
  expect_fault(graph, "a dimension of 0");
  graph = small();
  graph.tensors[graph.input].dims = {1 << 20, 1 << 20, 1 << 20, 1 << 20};
  expect_fault(graph, "too large");
  graph = small();
  graph.tensors[graph.nodes[0].inputs[2]].dims = {7};
  expect_fault(graph, "has 6 values instead of 7");
  graph = small();
  graph.tensors[graph.output].dims[3] = 5;
  expect_fault(graph, "it makes [1, 8, 6, 6], but that is declared as [1, 8, 6, 5]");
}

TEST(Verify, Convolutions) {
  const auto faulty = [](const auto& change, std::string_view message) {
    auto graph = small();
    change(graph.nodes[0]);
    expect_fault(graph, message);
  };
  faulty([](Node& n) { n.window.stride_width = 0; }, "window isn't sound");
  faulty([](Node& n) { n.window.pad_top = -1; }, "window isn't sound");
  faulty([](Node& n) { n.window.dilation_height = kMaxWindowParameter + 1; }, "window isn't sound");
  faulty([](Node& n) { n.window.kernel_height = 2; }, "weights");
  faulty([](Node& n) { n.window.groups = 3; }, "weights");
  faulty([](Node& n) { n.window.dilation_width = 9; }, "doesn't fit the image");
  faulty([](Node& n) { n.inputs.resize(1); }, "1 operands");
  faulty([](Node& n) { n.inputs[1] = n.inputs[0]; }, "weights");
  faulty([](Node& n) { n.inputs[2] = n.inputs[1]; }, "bias");
  faulty([](Node& n) { n.inputs.push_back(n.inputs[0]); }, "its addend is [1, 8, 6, 4]");
  faulty([](Node& n) { n.activation = {.min = 1, .max = 0}; }, "clamped to [1, 0]");
  faulty([](Node& n) { n.activation.max = NAN; }, "clamped");
}

TEST(Verify, OtherOperations) {
  const auto fault_of = [](Node node, Dims declared, std::vector<Dims> operands = {{1, 4, 5, 6}}) {
    Graph graph;
    for (const Dims& dims : operands) node.inputs.push_back(graph.add_tensor(dims));
    node.output = graph.add_tensor(std::move(declared));
    const auto dims = result_dims(graph, node);
    return dims ? "" : dims.error().message;
  };
  EXPECT_THAT(fault_of({.op = Op::kAdd}, {}, {{1, 4}, {1, 5}}), HasSubstr("don't fit together"));
  EXPECT_THAT(fault_of({.op = Op::kAbs}, {}, {{4}, {5}}), HasSubstr("2 operands"));
  EXPECT_THAT(fault_of({.op = Op::kCopy}, {119}), HasSubstr("can't make"));
  EXPECT_EQ(fault_of({.op = Op::kCopy}, {120}), "");
  EXPECT_THAT(fault_of({.op = Op::kExpand}, {1, 4, 5, 7}), HasSubstr("can't make"));
  EXPECT_THAT(fault_of({.op = Op::kExpand}, {4, 5, 6}), HasSubstr("can't make"));
  EXPECT_EQ(fault_of({.op = Op::kExpand}, {2, 4, 5, 6}), "");
  EXPECT_THAT(fault_of({.op = Op::kResizeBilinear}, {1, 9, 9, 7}), HasSubstr("can't make"));
  EXPECT_THAT(fault_of({.op = Op::kResizeBilinear}, {2, 9, 9, 6}, {{2, 4, 5, 6}}), HasSubstr("can't make"));
  EXPECT_THAT(fault_of({.op = Op::kGlobalAverage}, {6}), HasSubstr("can't make"));
  EXPECT_EQ(fault_of({.op = Op::kGlobalAverage}, {1, 6}), "");
  EXPECT_THAT(fault_of({.op = Op::kTranspose, .order = {0, 1, 2, 2}}, {}), HasSubstr("no permutation"));
  EXPECT_THAT(fault_of({.op = Op::kTranspose, .order = {0, 1, 2, 4}}, {}), HasSubstr("no permutation"));
  EXPECT_THAT(fault_of({.op = Op::kTranspose, .order = {0, 1, 2}}, {}), HasSubstr("another number"));
  EXPECT_THAT(fault_of({.op = Op::kConcatenate, .axis = 4}, {}), HasSubstr("its axis is 4"));
  EXPECT_THAT(fault_of({.op = Op::kConcatenate, .axis = 0}, {}, {{1, 2}, {1, 3}}), HasSubstr("don't fit together"));
  EXPECT_THAT(fault_of({.op = Op::kSlice, .before = {0, 1, 0, 0}}, {1, 4, 5, 6}), HasSubstr("can't make"));
  EXPECT_THAT(fault_of({.op = Op::kSlice, .before = {0, -1, 0, 0}}, {1, 1, 5, 6}), HasSubstr("can't make"));
  EXPECT_THAT(fault_of({.op = Op::kPad, .before = {0, 0, 0, -1}, .after = {0, 0, 0, 1}}, {}), HasSubstr("less"));
  EXPECT_THAT(fault_of({.op = Op::kPad, .before = {0}, .after = {0}}, {}), HasSubstr("another number"));
  EXPECT_THAT(fault_of({.op = Op::kSoftmax}, {}, {Dims{}}), HasSubstr("single number"));
  EXPECT_THAT(fault_of({.op = Op::kMaxPool, .window = square(3, 3)}, {}), HasSubstr("nothing but padding"));
  // The first window's second tap and the last one's first meet the pixel; none of the others' do.
  EXPECT_THAT(fault_of({.op = Op::kMaxPool, .window = square(2, 2, 2)}, {}, {{1, 1, 1, 6}}),
              HasSubstr("nothing but padding"));
  EXPECT_EQ(fault_of({.op = Op::kMaxPool, .window = square(2, 2, 2)}, {}, {{1, 2, 2, 6}}), "");
  EXPECT_THAT(fault_of({.op = Op::kMaxPool, .window = square(9)}, {}), HasSubstr("doesn't fit"));
  EXPECT_THAT(fault_of({.op = Op::kFullyConnected}, {}, {{3, 4}, {5, 4}}), HasSubstr("weights"));
}

TEST(PositionsInside, AgreesWithCounting) {
  for (std::int64_t input = 1; input < 6; ++input) {
    for (std::int64_t output = 1; output < 6; ++output) {
      for (std::int64_t stride = 1; stride < 4; ++stride) {
        for (std::int64_t shift = -12; shift < 12; ++shift) {
          std::int64_t inside = 0;
          for (std::int64_t o = 0; o < output; ++o) inside += o * stride + shift >= 0 && o * stride + shift < input;
          EXPECT_EQ(positions_inside(output, input, 1, stride, shift + 12, 12), inside);
        }
      }
    }
  }
}

TEST(MultiplyAdds, CountOnlyTapsThatMeetTheImage) {
  Builder b({1, 28, 28, 8});
  b.convolution(b.input(), 4, square(3, 36, 36));
  EXPECT_EQ(multiply_adds(b.graph), 28 * 28 * 8 * 4);
  Builder plain({1, 5, 5, 2});
  Window window = square(3, 1);
  window.groups = 2;
  plain.convolution(plain.input(), 4, window);
  EXPECT_EQ(multiply_adds(plain.graph), (2 + 3 + 3 + 3 + 2) * (2 + 3 + 3 + 3 + 2) * 4);
  Builder depthwise({1, 5, 5, 2});
  depthwise.depthwise(depthwise.input(), square(1), 3);
  EXPECT_EQ(multiply_adds(depthwise.graph), 5 * 5 * 6);
  Builder layer({7, 5});
  layer.add({.op = Op::kFullyConnected, .inputs = {layer.input(), layer.constant({3, 5})}});
  EXPECT_EQ(multiply_adds(layer.graph), 7 * 5 * 3);
  Builder transpose({1, 3, 3, 2});
  transpose.add({.op = Op::kTransposeConvolution,
                 .inputs = {transpose.input(), transpose.constant({4, 2, 2, 2})},
                 .window = square(2, 0, 1, 2)});
  EXPECT_EQ(multiply_adds(transpose.graph), 3 * 3 * 4 * 2 * 4);
}

TEST(Describe, TellsEveryStep) {
  auto graph = small();
  graph.nodes[2].activation = {.min = 0, .max = 6};
  EXPECT_EQ(describe(graph),
            "%3 = convolution 3x3 pad 1 (%0 [1, 8, 6, 4], constant [6, 3, 3, 4], constant [6]) -> [1, 8, 6, 6], "
            "8.45 k multiply-adds\n"
            "%6 = convolution 1x1 (%3 [1, 8, 6, 6], constant [6, 1, 1, 6], constant [6]) -> [1, 8, 6, 6], "
            "1.73 k multiply-adds\n"
            "%7 = add (%6 [1, 8, 6, 6], %3 [1, 8, 6, 6]) -> [1, 8, 6, 6], clamp 0 to 6\n"
            "3 steps, 10.18 k multiply-adds; input %0, output %7\n");
}

}  // namespace
}  // namespace silhouette::graph
