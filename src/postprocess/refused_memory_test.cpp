// What makes a cut-out, where the system gives only some of the memory that it takes.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <vector>

#include "postprocess/foreground_colors.hpp"
#include "postprocess/guided_filter.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

/// For as long as it lives, this process may have no more than `spare` bytes of address space more.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t spare) {
    getrlimit(RLIMIT_AS, &before_);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + spare;
    EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

constexpr int kWidth = 2000;
constexpr int kHeight = 1500;
constexpr std::size_t kStep = std::size_t{2} << 20;
constexpr std::size_t kMost = std::size_t{256} << 20;

/// How often `run` is refused memory until it works, each time with a little more.
template <class Run>
int refusals_of(const Run& run) {
  int refusals = 0;
  for (std::size_t spare = 0; spare < kMost; spare += kStep, ++refusals) {
    const MemoryLimit limit(spare);
    const auto result = run();
    if (result) return refusals;
    EXPECT_EQ(result.error().code, ErrorCode::kLimitExceeded) << result.error().message;
  }
  ADD_FAILURE() << "it is never enough";
  return refusals;
}

TEST(RefusedMemory, IsAnErrorWhereverItHappens) {
  if (test::kInstrumented) GTEST_SKIP() << "sanitizers want terabytes of addresses";
  Image photo = Image::create(kWidth, kHeight, 3).value();
  std::ranges::fill(photo.pixels.span(), std::uint8_t{90});
  const std::vector<float> map(64, 0.5F);
  const std::vector<float> alpha(std::size_t{kWidth} * kHeight, 0.5F);
  ThreadPool pool(2);
  // Cells of 2 × 2 pixels: 12 MB of alpha and twice 12 MB of cells; twice 24 MB.
  EXPECT_GT(refusals_of([&] { return guided_alpha({map, 8, 8}, photo, {.radius = 16}, pool, {}); }), 8);
  EXPECT_GT(refusals_of([&] { return estimate_foreground(photo, alpha, 16, pool, {}); }), 8);
}

}  // namespace
}  // namespace silhouette
