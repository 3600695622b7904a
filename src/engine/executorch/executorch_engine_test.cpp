#include "engine/executorch/executorch_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/hash_random.hpp"
#include "engine/executorch/thread_pool.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

constexpr NetworkShape kShape{.input_height = 513,
                              .input_width = 513,
                              .input_nhwc = false,
                              .channels = 21,
                              .output_height = 513,
                              .output_width = 513};

std::shared_ptr<const ModelData> embedded_model() {
  return std::make_shared<ModelData>(
      MappedFile::open(test::source_file("models/deeplab_v3_mobilenet_v2.pte"), 1ULL << 30).value());
}

std::vector<float> make_input(std::uint64_t seed) {
  std::vector<float> input(3 * 513 * 513);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(seed, i);
  return input;
}

TEST(ExecutorchEngine, ConcurrentRunsEqualSerialOnes) {
  const auto engine = create_executorch_engine(embedded_model(), kShape, 2, "embedded").value();
  EXPECT_EQ(engine->name(), "executorch");
  std::vector<std::vector<float>> inputs;
  std::vector<Logits> expected;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    inputs.push_back(make_input(seed));
    expected.push_back(engine->run(inputs.back(), Tail::kWhole, {}).value());
  }
  EXPECT_FALSE(std::ranges::equal(expected[0].values.span(), expected[1].values.span()))
      << "the input makes no difference";
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    threads.emplace_back([&, t] {
      const auto logits = engine->run(inputs[t], Tail::kWhole, {});
      ASSERT_TRUE(logits) << logits.error().message;
      EXPECT_TRUE(std::ranges::equal(logits->values.span(), expected[t].values.span()));
    });
  }
}

TEST(ExecutorchEngine, ThreadCountsAgreeAndMixedEnginesLive) {
  const auto input = make_input(9);
  const auto one = create_executorch_engine(embedded_model(), kShape, 1, "embedded").value();
  const auto two = create_executorch_engine(embedded_model(), kShape, 2, "embedded").value();
  // A third count while the pool is in use must not pull it from under the second engine.
  const auto three = create_executorch_engine(embedded_model(), kShape, 3, "embedded").value();
  const auto expected = one->run(input, Tail::kWhole, {}).value().values;
  for (const auto& engine : {two.get(), three.get()}) {
    const auto logits = engine->run(input, Tail::kWhole, {}).value().values;
    for (std::size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits.span()[i], expected.span()[i], 1e-3F);
  }
}

TEST(ExecutorchEngine, BytesInMemoryGiveTheSameAsAMappedFile) {
  const auto path = test::source_file("models/deeplab_v3_mobilenet_v2.pte");
  const auto input = make_input(4);
  const auto expected = create_executorch_engine(embedded_model(), kShape, 1, "embedded")
                            .value()
                            ->run(input, Tail::kWhole, {})
                            .value()
                            .values;
  const auto buffer = std::make_shared<ModelData>(read_large_file(path, 1ULL << 30).value());
  const auto vector = std::make_shared<ModelData>(read_file(path, 1ULL << 30).value());
  for (const auto& data : {buffer, vector}) {
    const auto engine = create_executorch_engine(data, kShape, 1, "embedded").value();
    // Twice: what is discarded after loading must not be missed by any run.
    for (int run = 0; run < 2; ++run) {
      EXPECT_TRUE(std::ranges::equal(engine->run(input, Tail::kWhole, {}).value().values.span(), expected.span()));
    }
  }
}

TEST(ExecutorchEngine, WaitingForAnotherRunIsCancelled) {
  const auto engine = create_executorch_engine(embedded_model(), kShape, 1, "embedded").value();
  const auto input = make_input(2);
  std::optional<ExecutorchTurn> others_turn(std::in_place);
  std::stop_source stop;
  std::atomic<bool> asked = false;
  std::jthread waiting([&] {
    asked = true;
    const auto logits = engine->run(input, Tail::kWhole, stop.get_token());
    ASSERT_FALSE(logits);
    EXPECT_EQ(logits.error().code, ErrorCode::kCancelled);
  });
  while (!asked) std::this_thread::yield();
  stop.request_stop();
  waiting.join();
  // Who was cancelled took no turn and woke nobody in vain.
  std::jthread next([&] { EXPECT_TRUE(engine->run(input, Tail::kWhole, {})); });
  others_turn.reset();
}

TEST(ExecutorchEngine, ErrorsAreValues) {
  const auto engine = create_executorch_engine(embedded_model(), kShape, 1, "embedded").value();
  const auto short_input = engine->run(std::vector<float>(5), Tail::kWhole, {});
  ASSERT_FALSE(short_input);
  EXPECT_EQ(short_input.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(short_input.error().message, HasSubstr("3 × 513 × 513"));

  std::stop_source stop;
  stop.request_stop();
  const auto cancelled = engine->run(make_input(1), Tail::kWhole, stop.get_token());
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);

  const auto garbage =
      create_executorch_engine(std::make_shared<ModelData>(std::vector<std::byte>(4096)), kShape, 1, "garbage.pte");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(garbage.error().message, HasSubstr("garbage.pte"));
}

}  // namespace
}  // namespace silhouette
