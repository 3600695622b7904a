#include <algorithm>
#include <cstdio>
#include <silhouette/silhouette.hpp>

int main(int argc, char** argv) {
  silhouette::ImageSegmentationModule module;
  if (const auto loaded = module.load(silhouette::kDeeplabV3MobilenetV2Embedded); !loaded) {
    std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
    return 1;
  }
  const auto result = module.forward(argc > 1 ? argv[1] : "");
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return 1;
  }
  auto counts = result->pixel_counts();
  counts[0] = 0;
  std::puts(result->labels()[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())].c_str());
}
