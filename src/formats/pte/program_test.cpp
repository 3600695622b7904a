#include "formats/pte/program.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "formats/pte/test_models.hpp"
#include "formats/pte/test_reading.hpp"
#include "support/support.hpp"

namespace silhouette::pte {
namespace {

namespace fb = executorch_flatbuffer;
using silhouette::test::read_bytes;
using silhouette::test::source_file;
using test::EditableModel;
using test::parse_program;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kPlain = "tests/data/models/tiny_plain.pte";
constexpr std::string_view kClone = "tests/data/models/tiny_clone.pte";
constexpr std::string_view kPortable = "tests/data/models/tiny_portable.pte";

EditableModel model_of(std::string_view file) {
  return EditableModel::read(source_file(file));
}

void expect_fault(const std::vector<std::byte>& bytes, ErrorCode code, std::string_view message) {
  const auto program = parse_program(bytes, "some/model.pte");
  ASSERT_FALSE(program) << "accepted; expected: " << message;
  EXPECT_EQ(program.error().code, code) << program.error().message;
  EXPECT_THAT(program.error().message, AllOf(HasSubstr("'some/model.pte'"), HasSubstr(std::string(message))));
}

void expect_damaged(const EditableModel& model, std::string_view message) {
  expect_fault(model.write(), ErrorCode::kInvalidModel, message);
}

void expect_unsupported(const EditableModel& model, std::string_view message) {
  expect_fault(model.write(), ErrorCode::kUnsupportedModel, message);
}

template <typename T>
void put(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

TEST(Program, ReadsTheEmbeddedModel) {
  const auto program = parse_program(read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte")), "embedded");
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_EQ(program->inputs.size(), 1U);
  EXPECT_THAT(program->inputs[0].sizes, ElementsAre(1, 3, 513, 513));
  EXPECT_THAT(program->inputs[0].dim_order, IsEmpty());
  EXPECT_EQ(program->inputs[0].type, ScalarType::kFloat);
  ASSERT_EQ(program->outputs.size(), 1U);
  EXPECT_THAT(program->outputs[0].sizes, ElementsAre(1, 21, 513, 513));
  EXPECT_THAT(program->delegates, ElementsAre("XnnpackBackend"));
  EXPECT_THAT(program->operators, ElementsAre("xnnpack:add", "xnnpack:concatenate", "xnnpack:conv_2d",
                                              "xnnpack:depthwise_conv_2d", "xnnpack:global_average_pooling_2d",
                                              "xnnpack:static_resize_bilinear_2d", "xnnpack:static_transpose"));
  EXPECT_EQ(std::get<std::vector<double>>(program->metadata.at("get_mean")), (std::vector<double>{0.5, 0.5, 0.5}));
  EXPECT_EQ(std::get<std::vector<double>>(program->metadata.at("get_input_size")), (std::vector<double>{513, 513}));
  EXPECT_THAT(std::get<std::string>(program->metadata.at("get_labels")), HasSubstr("BICYCLE\nBIRD\nBOAT"));
  EXPECT_EQ(program->metadata.size(), 6U);
  EXPECT_GT(program->weight_bytes, 8'000'000U);
}

struct Fixture {
  std::string_view file;
  std::vector<std::int64_t> output;
  std::vector<std::string> operators;
  std::size_t delegates;
};

TEST(Program, ReadsEveryKindOfFile) {
  const std::vector<Fixture> fixtures{
      {"tiny_plain", {1, 4, 16, 16}, {"xnnpack:conv_2d", "xnnpack:static_transpose"}, 1},
      {"tiny_single_channel", {1, 1, 16, 16}, {"xnnpack:conv_2d", "xnnpack:sigmoid", "xnnpack:static_transpose"}, 1},
      {"tiny_stride", {1, 3, 8, 8}, {"xnnpack:conv_2d", "xnnpack:static_transpose"}, 1},
      {"tiny_portable", {1, 3, 16, 16}, {"aten::convolution.out"}, 0},
      {"tiny_channels_last", {1, 3, 16, 16}, {"xnnpack:conv_2d"}, 1},
      {"tiny_int8", {1, 3, 16, 16}, {"xnnpack:conv_2d", "xnnpack:convert", "xnnpack:static_transpose"}, 1},
      {"tiny_clone", {1, 3, 16, 16}, {"aten::clone.out", "xnnpack:conv_2d", "xnnpack:static_transpose"}, 2},
      {"tiny_inline_constants", {1, 3, 16, 16}, {"xnnpack:conv_2d", "xnnpack:static_transpose"}, 1},
      {"rank2_input", {1, 4}, {"xnnpack:fully_connected"}, 1},
      {"int_output", {1, 16, 16}, {"aten::argmax.out", "xnnpack:conv_2d", "xnnpack:static_transpose"}, 1}};
  for (const Fixture& fixture : fixtures) {
    SCOPED_TRACE(fixture.file);
    const auto program =
        parse_program(read_bytes(source_file(fmt::format("tests/data/models/{}.pte", fixture.file))), fixture.file);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_EQ(program->outputs.at(0).sizes, fixture.output);
    EXPECT_EQ(program->operators, fixture.operators);
    EXPECT_EQ(program->delegates.size(), fixture.delegates);
    EXPECT_THAT(program->metadata, IsEmpty());
  }
}

TEST(Program, TellsDimensionOrderTypesAndSeveralOutputs) {
  const auto nhwc = parse_program(read_bytes(source_file("tests/data/models/tiny_channels_last.pte")), "nhwc");
  ASSERT_TRUE(nhwc);
  EXPECT_THAT(nhwc->inputs.at(0).dim_order, ElementsAre(0, 2, 3, 1));
  const auto integers = parse_program(read_bytes(source_file("tests/data/models/int_output.pte")), "int");
  ASSERT_TRUE(integers);
  EXPECT_EQ(integers->outputs.at(0).type, ScalarType::kInt64);
  const auto two = parse_program(read_bytes(source_file("tests/data/models/tiny_two_outputs.pte")), "two");
  ASSERT_TRUE(two);
  ASSERT_EQ(two->outputs.size(), 2U);
  EXPECT_THAT(two->outputs[1].sizes, ElementsAre(1, 2, 16, 16));
}

TEST(Program, ReadsUnalignedBytes) {
  auto bytes = read_bytes(source_file(kPlain));
  bytes.insert(bytes.begin(), std::byte{0});
  const auto program = parse_program(std::span(bytes).subspan(1), "shifted");
  EXPECT_TRUE(program) << program.error().message;
}

TEST(Program, SurvivesTakingApartAndPuttingTogether) {
  for (const auto file : {kPlain, kClone, kPortable}) {
    const auto program = parse_program(model_of(file).write(), file);
    EXPECT_TRUE(program) << program.error().message;
  }
}

TEST(Program, RefusesWhatIsNoProgram) {
  expect_fault({}, ErrorCode::kInvalidModel, "is no ExecuTorch program: it is empty");
  expect_fault(std::vector<std::byte>(63), ErrorCode::kInvalidModel, "only 63 bytes");
  expect_fault(std::vector<std::byte>(1000, std::byte{'a'}), ErrorCode::kInvalidModel, "bytes 4 to 7 are \"aaaa\"");
  auto bytes = read_bytes(source_file(kPlain));
  put(bytes, 4, std::uint32_t{0x33315445});
  expect_fault(bytes, ErrorCode::kInvalidModel, "\"ET13\", not \"ET12\"");
}

TEST(Program, RefusesHeadersThatLie) {
  const auto good = read_bytes(source_file(kPlain));
  const auto with = [&](std::size_t offset, auto value) {
    auto bytes = good;
    put(bytes, offset, value);
    return bytes;
  };
  expect_fault(with(12, std::uint32_t{8}), ErrorCode::kInvalidModel, "header's length is given as 8");
  expect_fault(with(16, std::uint64_t{1} << 40), ErrorCode::kInvalidModel, "program of 1099511627776 bytes");
  expect_fault(with(16, std::uint64_t{9}), ErrorCode::kInvalidModel, "program of 9 bytes");
  expect_fault(with(16, std::uint64_t{128}), ErrorCode::kInvalidModel, "program table is broken");
  expect_fault(with(24, std::uint64_t{64}), ErrorCode::kInvalidModel, "puts the segments at byte 64");
  expect_fault(with(24, UINT64_MAX - 15), ErrorCode::kInvalidModel, "puts the segments at byte");
  expect_fault(with(32, UINT64_MAX), ErrorCode::kInvalidModel, "bytes of segments");
  expect_fault(with(8, std::uint32_t{0}), ErrorCode::kInvalidModel, "segments but no header");
  expect_fault(with(0, std::uint32_t{1} << 30), ErrorCode::kInvalidModel, "program table is broken");
}

TEST(Program, RefusesEveryTruncation) {
  for (const auto file : {kPlain, kClone, kPortable}) {
    const auto good = read_bytes(source_file(file));
    for (std::size_t size = 0; size < good.size(); size += size < 256 ? 1 : 37) {
      // A copy of its own, so that reading behind the end is an error that sanitizers see.
      const std::vector<std::byte> bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      const auto program = parse_program(bytes, file);
      ASSERT_FALSE(program) << file << " cut to " << size;
      ASSERT_EQ(program.error().code, ErrorCode::kInvalidModel) << program.error().message;
    }
  }
}

TEST(Program, RefusesBadSegmentsAndKeys) {
  auto model = model_of(kPlain);
  model.program.named_data[0]->segment_index = 99;
  expect_damaged(model, "named data 0 is in segment 99 of 4");
  model = model_of(kPlain);
  model.program.named_data[1]->key = model.program.named_data[0]->key;
  expect_damaged(model, "named data 1 has the key of another one");
  model = model_of(kPlain);
  model.program.named_data[0]->key = std::string("a\0b", 3);
  expect_damaged(model, "no proper key");
  model = model_of(kPlain);
  model.program.named_data[0]->key = "other";
  expect_damaged(model, "which the file hasn't");
  model = model_of(kPlain);
  model.segments[2].resize(100);
  expect_damaged(model, "needs 432 bytes, but its constant has 100");
  model = model_of(kPortable);
  model.program.constant_segment->offsets[1] = 1 << 20;
  expect_damaged(model, "an offset of the constants is 1048576");
  model = model_of(kPortable);
  model.program.constant_segment->segment_index = 5;
  expect_damaged(model, "the constants are in segment 5 of 1");
  model = model_of(kPortable);
  model.segments[0].resize(64);
  expect_damaged(model, "is 336 in a segment of 64 bytes");
}

TEST(Program, RefusesBadSegmentTables) {
  const auto good = read_bytes(source_file(kPlain));
  const auto offset = fb::GetProgram(good.data())->segments()->Get(2)->offset();
  const std::string_view text(reinterpret_cast<const char*>(good.data()), good.size());
  const auto at = text.find(std::string_view(reinterpret_cast<const char*>(&offset), sizeof offset));
  ASSERT_NE(at, text.npos);
  for (const std::uint64_t wrong : {std::uint64_t{1} << 50, UINT64_MAX, offset + 1, std::uint64_t{good.size()}}) {
    auto bytes = good;
    put(bytes, at, wrong);
    expect_fault(bytes, ErrorCode::kInvalidModel, "segment 2");
  }
}

TEST(Program, RefusesMisalignedNumbers) {
  auto model = model_of(kPlain);
  auto plan = std::make_unique<fb::ExecutionPlanT>();
  plan->name = "get_numbers";
  plan->non_const_buffer_sizes = {0};
  plan->chains.push_back(std::make_unique<fb::ChainT>());
  plan->outputs = {0};
  plan->values.push_back(std::make_unique<fb::EValueT>());
  fb::DoubleListT list;
  list.items = {1.25, 2.5, 3.75};
  plan->values[0]->val.Set(std::move(list));
  model.program.execution_plan.push_back(std::move(plan));
  auto bytes = model.write();
  ASSERT_TRUE(parse_program(bytes, "aligned"));

  // The list moves up by four bytes and loses an item; what refers to it follows.
  const double first = 1.25;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto start = text.find(std::string_view(reinterpret_cast<const char*>(&first), sizeof first));
  ASSERT_NE(start, text.npos);
  std::memmove(bytes.data() + start + 4, bytes.data() + start, 2 * sizeof first);
  put(bytes, start, std::uint32_t{2});
  int references = 0;
  for (std::size_t at = 0; at + 4 < start; at += 4) {
    std::uint32_t distance = 0;
    std::memcpy(&distance, bytes.data() + at, sizeof distance);
    if (at + distance != start - 4) continue;
    put(bytes, at, distance + 4);
    ++references;
  }
  ASSERT_EQ(references, 1);
  expect_fault(bytes, ErrorCode::kInvalidModel, "method 'get_numbers': value 0 is a misaligned list");
  // Without numbers there is nothing to align: ExecuTorch 0.6 puts empty lists anywhere.
  put(bytes, start, std::uint32_t{0});
  EXPECT_TRUE(parse_program(bytes, "empty"));
}

TEST(Program, RefusesBadTensors) {
  auto model = model_of(kPlain);
  model.tensor(0).sizes[1] = -3;
  expect_damaged(model, "tensor 0 has a dimension of -3");
  model = model_of(kPlain);
  model.tensor(0).sizes = {1 << 20, 1 << 20, 1 << 20, 1 << 20};
  expect_fault(model.write(), ErrorCode::kLimitExceeded, "tensor 0 has the shape [1048576");
  model = model_of(kPlain);
  model.tensor(0).dim_order = {0, 1, 1, 3};
  expect_damaged(model, "dimension order [0, 1, 1, 3]");
  model = model_of(kPlain);
  model.tensor(0).dim_order = {0, 1, 2};
  expect_damaged(model, "order of 3 dimensions and 4 sizes");
  model = model_of(kPlain);
  model.tensor(0).sizes.resize(17, 1);
  model.tensor(0).dim_order.resize(17);
  expect_damaged(model, "17 dimensions");
  model = model_of(kPlain);
  model.tensor(0).scalar_type = fb::ScalarType::QINT8;
  expect_unsupported(model, "elements of type 12");
  model = model_of(kPlain);
  model.tensor(0).scalar_type = fb::ScalarType::INT;
  expect_damaged(model, "argument 0 is int32 [1, 3, 16, 16], but the delegate takes float 1x3x16x16");
  model = model_of(kPlain);
  model.tensor(0).storage_offset = 4;
  expect_unsupported(model, "starts inside its storage");
  model = model_of(kPlain);
  model.tensor(0).shape_dynamism = fb::TensorShapeDynamism::DYNAMIC_BOUND;
  expect_unsupported(model, "shape that changes");
  model = model_of(kPlain);
  model.tensor(0).extra_tensor_info = std::make_unique<fb::ExtraTensorInfoT>();
  model.tensor(0).extra_tensor_info->location = fb::TensorDataLocation::EXTERNAL;
  expect_unsupported(model, "in another file");
}

TEST(Program, RefusesBadMemory) {
  auto model = model_of(kPlain);
  model.tensor(1).allocation_info->memory_offset_low = 7000;
  expect_damaged(model, "doesn't fit its planned buffer");
  model = model_of(kPlain);
  model.tensor(1).allocation_info->memory_offset_high = 1;
  expect_damaged(model, "doesn't fit its planned buffer");
  model = model_of(kPlain);
  model.tensor(1).allocation_info->memory_offset_low += 2;
  expect_damaged(model, "doesn't fit its planned buffer");
  for (const std::uint32_t id : {0U, 2U, UINT32_MAX}) {
    model = model_of(kPlain);
    model.tensor(1).allocation_info->memory_id = id;
    expect_damaged(model, "in planned buffer");
  }
  model = model_of(kPlain);
  model.forward().non_const_buffer_sizes.clear();
  expect_damaged(model, "no table of planned buffers");
  model = model_of(kPlain);
  model.forward().non_const_buffer_sizes[1] = -1;
  expect_damaged(model, "planned buffer 1 has -1 bytes");
  model = model_of(kPlain);
  model.forward().non_const_buffer_sizes[1] = std::numeric_limits<std::int64_t>::max();
  expect_fault(model.write(), ErrorCode::kLimitExceeded, "more than 4 GiB");
  model = model_of(kPlain);
  model.forward().non_const_buffer_sizes[1] = std::int64_t{3} << 30;
  expect_damaged(model, "but its tensors use");
  model = model_of(kPortable);
  model.tensor(0).data_buffer_idx = 77;
  expect_damaged(model, "has constant 77 of 3");
  model = model_of(kPortable);
  model.tensor(0).sizes[0] = 300;
  expect_damaged(model, "of a segment of 348");
}

TEST(Program, RefusesBadInterfaces) {
  auto model = model_of(kPlain);
  model.forward().inputs = {5};
  expect_damaged(model, "value 5 of 2 is among the inputs");
  model = model_of(kPlain);
  model.forward().outputs = {-1};
  expect_damaged(model, "value -1 of 2 is among the outputs");
  model = model_of(kPlain);
  model.forward().inputs = {0, 0};
  expect_damaged(model, "two of its inputs are the same");
  model = model_of(kPortable);
  model.forward().inputs = {0};
  expect_damaged(model, "one of its inputs is a constant");
  model = model_of(kPortable);
  model.forward().inputs = {6};
  expect_unsupported(model, "one of its inputs is no tensor");
  model = model_of(kPlain);
  model.forward().outputs.clear();
  expect_unsupported(model, "has no output");
  model = model_of(kPlain);
  model.tensor(1).allocation_info.reset();
  expect_unsupported(model, "no planned memory");
  model = model_of(kPlain);
  model.forward().name = "encode";
  expect_unsupported(model, "no method 'forward', but 'encode'");
  // Metadata takes nothing, and is no method that could be meant.
  model.program.execution_plan.front()->inputs.clear();
  expect_unsupported(model, "no method 'forward', and no other that takes an image");
  model = model_of(kPlain);
  model.program.execution_plan.push_back(std::make_unique<fb::ExecutionPlanT>());
  model.program.execution_plan.back()->name = "forward";
  expect_damaged(model, "two methods 'forward'");
}

TEST(Program, RefusesBadInstructions) {
  auto model = model_of(kClone);
  model.delegate_call(0).delegate_index = 2;
  expect_damaged(model, "instruction 0 calls delegate 2 of 2");
  model = model_of(kClone);
  model.delegate_call(0).delegate_index = -1;
  expect_damaged(model, "instruction 0 calls delegate -1 of 2");
  model = model_of(kClone);
  model.delegate_call(0).args = {0};
  expect_damaged(model, "1 arguments, but the delegate takes 2");
  model = model_of(kClone);
  model.delegate_call(0).args = {0, 3};
  expect_damaged(model, "argument 1 is no tensor");
  model = model_of(kClone);
  model.delegate_call(2).args = {2, 1};  // three channels into a tensor of four
  expect_damaged(model, "argument 1 is float [1, 4, 16, 16], but the delegate takes float 1x3x16x16");
  model = model_of(kClone);
  model.delegate_call(0).args = {0, 500};
  expect_damaged(model, "value 500 of 5 is among the arguments of instruction 0");
  model = model_of(kClone);
  model.forward().delegates[0]->id = "CoreMLBackend";
  expect_unsupported(model, "made for the backend 'CoreMLBackend'");
  model = model_of(kClone);
  model.forward().delegates[0]->processed->index = 50;
  expect_damaged(model, "has its data in blob 50 of 7");
  model = model_of(kClone);
  model.forward().delegates[0]->processed->index = 3;
  expect_damaged(model, "delegate 0: it holds no graph");

  model = model_of(kClone);
  fb::MoveCallT move;
  move.move_from = 0;
  move.move_to = 1;
  model.forward().chains[0]->instructions[1]->instr_args.Set(std::move(move));
  expect_unsupported(model, "instruction 1 is a MoveCall");
  model = model_of(kClone);
  fb::JumpFalseCallT jump;
  jump.destination_instruction = -9;
  model.forward().chains[0]->instructions[1]->instr_args.Set(std::move(jump));
  expect_unsupported(model, "instruction 1 is a JumpFalseCall");
  model = model_of(kClone);
  model.forward().chains[0]->instructions[1]->instr_args.Reset();
  expect_damaged(model, "instruction 1 is empty");
  model = model_of(kClone);
  model.forward().chains.clear();
  expect_damaged(model, "no chain");
}

TEST(Program, RefusesResultsInReadOnlyMemory) {
  auto model = model_of(kPortable);
  auto& args = model.kernel_call(0).args;
  std::replace(args.begin(), args.end(), 3, 0);
  expect_damaged(model, "result without memory of its own");
  model = model_of(kClone);
  model.tensor(1).allocation_info.reset();
  expect_damaged(model, "argument 1 is a result without memory of its own");
  model = model_of(kClone);
  model.tensor(0).allocation_info.reset();
  EXPECT_TRUE(parse_program(model.write(), "input set by the caller"));
}

TEST(Program, TakesMetadataOfEveryKind) {
  auto model = model_of(kPlain);
  const auto add = [&](std::string name, auto... outputs) {
    auto plan = std::make_unique<fb::ExecutionPlanT>();
    plan->name = std::move(name);
    plan->non_const_buffer_sizes = {0};
    plan->chains.push_back(std::make_unique<fb::ChainT>());
    const auto add_output = [&](auto output) {
      plan->outputs.push_back(static_cast<std::int32_t>(plan->values.size()));
      plan->values.push_back(std::make_unique<fb::EValueT>());
      plan->values.back()->val.Set(std::move(output));
    };
    (add_output(outputs), ...);
    model.program.execution_plan.push_back(std::move(plan));
  };
  fb::IntT integer;
  integer.int_val = 7;
  fb::DoubleT real;
  real.double_val = 0.25;
  fb::BoolT boolean;
  boolean.bool_val = true;
  fb::StringT text;
  text.string_val = "cat";
  fb::DoubleListT list;
  list.items = {1, 2, 3};
  add("integer", integer);
  add("real", real);
  add("boolean", boolean);
  add("text", text);
  add("texts", text, text);
  add("list", list);
  add("numbers", integer, real, boolean);
  const auto program = parse_program(model.write(), "metadata");
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->metadata.size(), 7U);
  EXPECT_EQ(std::get<double>(program->metadata.at("integer")), 7);
  EXPECT_EQ(std::get<double>(program->metadata.at("real")), 0.25);
  EXPECT_EQ(std::get<double>(program->metadata.at("boolean")), 1);
  EXPECT_EQ(std::get<std::string>(program->metadata.at("text")), "cat");
  EXPECT_EQ(std::get<std::string>(program->metadata.at("texts")), "cat\ncat");
  EXPECT_EQ(std::get<std::vector<double>>(program->metadata.at("list")), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(std::get<std::vector<double>>(program->metadata.at("numbers")), (std::vector<double>{7, 0.25, 1}));

  // Of other kinds it is known that they are there.
  auto& tensors = *model.program.execution_plan.back();
  tensors.outputs = {0};
  tensors.values[0]->val.Set(fb::TensorT(model.tensor(0)));
  auto& tensor = *tensors.values[0]->val.AsTensor();
  tensor.allocation_info.reset();
  tensor.data_buffer_idx = 0;
  const auto with_tensor = parse_program(model.write(), "metadata");
  ASSERT_TRUE(with_tensor) << with_tensor.error().message;
  EXPECT_TRUE(std::holds_alternative<std::monostate>(with_tensor->metadata.at("numbers")));

  model.program.execution_plan.back()->outputs[0] = 9;
  expect_damaged(model, "method 'numbers': value 9 of 3 is among the outputs");
  model.program.execution_plan.back()->name = std::string(300, 'n');
  expect_damaged(model, "a method has no proper name");
}

TEST(Program, LimitsNumbersOfThings) {
  auto model = model_of(kPlain);
  for (int i = 0; i < 300; ++i) {
    model.program.execution_plan.push_back(std::make_unique<fb::ExecutionPlanT>());
    model.program.execution_plan.back()->name = fmt::format("m{}", i);
  }
  expect_fault(model.write(), ErrorCode::kLimitExceeded, "301 methods");
  model = model_of(kPlain);
  model.delegate_call(0).args.resize(5000);
  expect_fault(model.write(), ErrorCode::kLimitExceeded, "5000 arguments");
}

}  // namespace
}  // namespace silhouette::pte
