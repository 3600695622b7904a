#include "formats/pte/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/pte/test_models.hpp"
#include "support/support.hpp"

namespace silhouette::pte {
namespace {

using silhouette::test::read_bytes;
using silhouette::test::source_file;
using ::testing::AllOf;
using ::testing::HasSubstr;

void expect_unsupported(const std::vector<std::byte>& file, std::string_view message) {
  const auto network = read_network(file, "some/model.pte");
  ASSERT_FALSE(network) << "accepted; expected: " << message;
  EXPECT_EQ(network.error().code, ErrorCode::kUnsupportedModel) << network.error().message;
  EXPECT_THAT(network.error().message, AllOf(HasSubstr("'some/model.pte'"), HasSubstr(std::string(message))));
}

TEST(Network, TellsWhatItCannotRead) {
  const auto model = [](std::string_view name) {
    return read_bytes(source_file("tests/data/models/" + std::string(name) + ".pte"));
  };
  expect_unsupported(model("tiny_portable"),
                     "aten::convolution.out): the native engine knows this operator in delegates only");
  expect_unsupported(model("tiny_int8"), "quantised");
  expect_unsupported(model("int_output"), "int64");
}

}  // namespace
}  // namespace silhouette::pte
