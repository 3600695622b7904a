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
  const auto without_background = result->pixel_counts().subspan(1);
  const auto largest = std::ranges::max_element(without_background) - without_background.begin();
  std::puts(result->labels()[static_cast<std::size_t>(largest) + 1].c_str());
}
