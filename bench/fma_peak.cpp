// What the processor can do at most, in fp32: `silhouette_fma_peak [--json]`.

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "base/fma_peak.hpp"
#include "base/processors.hpp"

int main(int argc, char** argv) {
  using namespace silhouette;
  const bool json = argc == 2 && std::string_view(argv[1]) == "--json";
  if (argc > 1 && !json) {
    fmt::print(stderr, "usage: silhouette_fma_peak [--json]\n");
    return 2;
  }
  std::vector<int> counts{1};
  if (const int all = available_processors(); all > 1) counts.push_back(all);
  std::string fields;
  for (const auto width : kFmaWidths) {
    for (const int threads : counts) {
      const auto peak = measure_fma_peak(width, threads);
      if (!peak) continue;
      if (json) {
        fields +=
            fmt::format(R"({}"{} x {}": {:.1f})", fields.empty() ? "" : ", ", fma_width_name(width), threads, *peak);
      } else {
        fmt::print("{:7} {:3} {}: {:8.1f} GFLOP/s\n", fma_width_name(width), threads,
                   threads == 1 ? "thread " : "threads", *peak);
      }
    }
  }
  if (json) fmt::print("{{{}}}\n", fields);
  return 0;
}
