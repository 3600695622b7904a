#include "pipeline/shared_workers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "silhouette/image_segmentation_module.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

constexpr int kSide = 32;
const std::array<std::byte, std::size_t{3} * kSide * kSide> kPixels{};

Result<void> load(ImageSegmentationModule& module, int threads) {
  LoadOptions options;
  options.engine = EngineChoice::kNative;
  options.threads = threads;
  return module.load(test::source_file("tests/data/models/tiny_plain.pte").string(), options);
}

Result<Segmentation> segment(const ImageSegmentationModule& module, std::stop_token stop = {}) {
  ForwardOptions options;
  options.stop = std::move(stop);
  return module.forward(ImageSource::pixels({kPixels, kSide, kSide}), {}, options);
}

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(SharedWorkers, AllModelsHaveTheSameThreads) {
  // The thread sanitizer makes one of its own along with the first.
  std::thread([] {}).join();
  const auto before = threads_of_this_process();
  {
    std::vector<ImageSegmentationModule> modules(4);
    for (int i = 0; i < 4; ++i) {
      const auto loaded = load(modules[static_cast<std::size_t>(i)], 3 - i % 2);
      ASSERT_TRUE(loaded) << loaded.error().message;
      EXPECT_TRUE(segment(modules[static_cast<std::size_t>(i)]));
      EXPECT_EQ(threads_of_this_process(), before + 2) << i;
    }
  }
  // The system may show a thread a moment longer.
  while (threads_of_this_process() != before) std::this_thread::yield();
}

TEST(SharedWorkers, AForwardThatWaitsForItsTurnCanBeCancelled) {
  ImageSegmentationModule module;
  ASSERT_TRUE(load(module, 2));
  const auto workers = shared_workers();
  std::stop_source stopped;
  stopped.request_stop();
  std::vector<WorkerSet::Turn> turns;
  while (auto turn = workers->wait_for_turn(stopped.get_token())) turns.push_back(std::move(*turn));
  for (const bool with_image : {true, false}) {
    std::stop_source stop;
    ErrorCode code{};
    std::jthread caller([&] {
      if (with_image) {
        const auto result = segment(module, stop.get_token());
        if (!result) code = result.error().code;
      } else {
        const auto result = module.run_network(std::vector<float>(std::size_t{3} * kSide * kSide), stop.get_token());
        if (!result) code = result.error().code;
      }
    });
    while (workers->waiting() != 1) std::this_thread::yield();
    stop.request_stop();
    caller.join();
    EXPECT_EQ(code, ErrorCode::kCancelled);
  }
  turns.clear();
  EXPECT_TRUE(segment(module));
}

}  // namespace
}  // namespace silhouette
