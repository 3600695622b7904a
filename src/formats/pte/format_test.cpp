#include "formats/pte/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/support.hpp"

namespace silhouette::pte {
namespace {

using silhouette::test::read_bytes;
using silhouette::test::source_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::byte> file_of(const std::string& name) {
  return read_bytes(source_file("tests/data/models/" + name + ".pte"));
}

TEST(Format, GivesAllThatAFileHolds) {
  const auto file = file_of("tiny_plain");
  const auto model = formats::read_model(file, "m.pte");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->format, "pte");
  ASSERT_TRUE(model->graph);
  ASSERT_TRUE(model->contract);
  EXPECT_EQ(model->contract->shape.input_width, 16);
  EXPECT_THAT(model->delegates, ElementsAre("XnnpackBackend"));
  EXPECT_FALSE(model->operators.empty());
  EXPECT_EQ(model->other_engines.obstacle, "");
}

TEST(Format, TellsWhyThereIsNoGraphWithoutTheMessageAround) {
  const auto file = file_of("tiny_int8");
  const auto model = formats::read_model(file, "m.pte");
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_FALSE(model->graph);
  const formats::Fault& fault = model->graph.error();
  EXPECT_EQ(fault.code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(fault.reason, AllOf(StartsWith("method 'forward': delegate 0: node 0"), HasSubstr("quantised"),
                                  Not(HasSubstr("m.pte")), Not(HasSubstr(";"))));
  EXPECT_THAT(fault.message, AllOf(HasSubstr("'m.pte'"), HasSubstr(fault.reason), HasSubstr("README.md")));
}

TEST(Format, TellsWhatIsNoSegmentation) {
  const auto file = file_of("rank2_input");
  const auto model = formats::read_model(file, "m.pte");
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_FALSE(model->contract);
  EXPECT_EQ(model->contract.error().code, ErrorCode::kUnsupportedModel);
}

TEST(Format, ReadsTheNetworkOfTheOutputThatTheLabelsChoose) {
  const auto file = file_of("tiny_two_outputs");
  for (const std::size_t labels : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{21}}) {
    const auto model = formats::read_model(file, "m.pte", {.labels = labels});
    ASSERT_TRUE(model) << model.error().message;
    ASSERT_TRUE(model->graph);
    ASSERT_TRUE(model->contract);
    const auto& dims = model->graph->tensors[model->graph->output].dims;
    EXPECT_EQ(graph::count(dims), std::int64_t{model->contract->shape.channels} * model->contract->shape.output_height *
                                      model->contract->shape.output_width);
  }
}

TEST(Format, RefusesOtherFiles) {
  for (const std::string_view text :
       {"", "x", "<html>a page that explains what went wrong, and is long enough for a head</html>"}) {
    const auto bytes = std::as_bytes(std::span(text));
    for (const auto& refused :
         {formats::check_whole(bytes, "m.pte").error(), formats::read_model(bytes, "m.pte").error()}) {
      EXPECT_EQ(refused.code, ErrorCode::kInvalidModel);
      EXPECT_THAT(refused.message, AllOf(HasSubstr("'m.pte' is no ExecuTorch program"), HasSubstr("give a .pte file")));
    }
  }
}

}  // namespace
}  // namespace silhouette::pte
