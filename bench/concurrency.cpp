// How many `forward`s a second come out when 1, 2, 4, 8 are called at once, beside the best that could be had by
// dividing the threads by hand: one module of one thread for each. `silhouette_concurrency MODEL [ROUNDS [THREADS
// [FORWARDS]]]`.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "silhouette/image_segmentation_module.hpp"

namespace {

using namespace silhouette;

constexpr int kCallers[] = {1, 2, 4, 8};

/// Models and callers of one way to run.
struct Way {
  std::string name;
  std::vector<const ImageSegmentationModule*> callers;  ///< whom each calls
  std::vector<double> ms{};                             ///< a forward, on average, by round
  std::vector<double> cpu_ms{};                         ///< of all threads together, likewise
  double fewest = std::numeric_limits<double>::max();   ///< of a caller's forwards, in parts of an equal share
};

struct Photo {
  int width;
  int height;
  std::vector<std::byte> bytes =
      std::vector<std::byte>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);

  Photo(int w, int h) : width(w), height(h) {
    std::uint32_t state = 1;
    for (auto& byte : bytes) byte = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24U);
  }
  [[nodiscard]] ImageSource source() const { return ImageSource::pixels({bytes, width, height}); }
};

/// What this process has had of processors.
double cpu_milliseconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) * 1e-3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

/// `forwards` of them in all, each by whichever caller comes first. False if one failed.
bool run(Way& way, const Photo& photo, int forwards) {
  std::atomic<int> left = forwards;
  std::atomic<bool> right = true;
  std::vector<int> done(way.callers.size());
  ForwardOptions options;
  options.resize = false;
  const auto start = std::chrono::steady_clock::now();
  const double cpu_start = cpu_milliseconds();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < way.callers.size(); ++i) {
      threads.emplace_back([&, i] {
        while (left.fetch_sub(1) > 0) {
          if (!way.callers[i]->forward(photo.source(), {}, options)) right = false;
          ++done[i];
        }
      });
    }
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  way.ms.push_back(took.count() / forwards);
  way.cpu_ms.push_back((cpu_milliseconds() - cpu_start) / forwards);
  way.fewest = std::min(
      way.fewest, static_cast<double>(std::ranges::min(done)) * static_cast<double>(way.callers.size()) / forwards);
  return right;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The number that an argument gives, or 0.
int number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 2 ? number(argv[2]) : 10;
  const int threads = argc > 3 ? number(argv[3]) : 2;
  const int forwards = argc > 4 ? number(argv[4]) : 32;
  if (argc < 2 || argc > 5 || rounds < 1 || threads < 1 || forwards < 1) {
    fmt::print(stderr, "usage: silhouette_concurrency MODEL [ROUNDS [THREADS [FORWARDS]]]\n");
    return 2;
  }
  // One that has all threads, and those that have one each.
  std::vector<ImageSegmentationModule> modules(static_cast<std::size_t>(threads) + 1);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    LoadOptions options;
    options.threads = i == 0 ? threads : 1;
    if (const auto loaded = modules[i].load(std::string(argv[1]), options); !loaded) {
      fmt::print(stderr, "silhouette_concurrency: {}\n", loaded.error().message);
      return 1;
    }
  }
  std::vector<Way> ways{{.name = fmt::format("{} models of 1 thread", threads), .callers = {}}};
  for (int i = 1; i <= threads; ++i) ways[0].callers.push_back(&modules[static_cast<std::size_t>(i)]);
  for (const int callers : kCallers) {
    ways.push_back(
        {.name = fmt::format("{} at once", callers),
         .callers = std::vector<const ImageSegmentationModule*>(static_cast<std::size_t>(callers), modules.data())});
  }
  const auto description = modules[0].description();
  if (!description) return 1;
  const Photo photo(description->input_width, description->input_height);
  // The first round isn't counted.
  for (int round = -1; round < rounds; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      Way& way = ways[(i + static_cast<std::size_t>(round + 1)) % ways.size()];
      if (!run(way, photo, forwards)) {
        fmt::print(stderr, "silhouette_concurrency: a forward failed\n");
        return 1;
      }
      if (round < 0) {
        way.ms.clear();
        way.cpu_ms.clear();
        way.fewest = std::numeric_limits<double>::max();
      }
    }
  }
  fmt::print("{:22} {:>10} {:>10} {:>12} {:>12} {:>11}   {}\n", "", "ms minimum", "ms median", "x of minimum",
             "x of median", "cpu minimum", "fewest of a caller");
  const Way& split = ways[0];
  for (const Way& way : ways) {
    fmt::print("{:22} {:10.2f} {:10.2f} {:12.3f} {:12.3f} {:11.2f}   {:.2f} of its share\n", way.name,
               std::ranges::min(way.ms), median(way.ms), std::ranges::min(split.ms) / std::ranges::min(way.ms),
               median(split.ms) / median(way.ms), std::ranges::min(way.cpu_ms), way.fewest);
  }
  return 0;
}
