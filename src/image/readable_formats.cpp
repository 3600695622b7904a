#include <dlfcn.h>

#include <exception>
#include <string>
#include <vector>

#include "image/format.hpp"
#include "image/vips_runtime.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette {
namespace {

/// libheif reads AVIF with one library and HEIC with another, and some are built without the latter. It isn't linked,
/// but there once libvips has its loader.
bool reads_heic() {
  constexpr int kHevc = 1;
  void* const symbol = ::dlsym(RTLD_DEFAULT, "heif_have_decoder_for_format");
  return symbol != nullptr && reinterpret_cast<int (*)(int)>(symbol)(kHevc) != 0;
}

}  // namespace

std::vector<std::string> readable_image_formats() {
  try {
    std::vector<std::string> names;
    const auto vips = start_vips();
    if (!vips) return names;
    for (const auto& format : image_formats()) {
      if (!enable_loader(format)) continue;
      names.emplace_back(format.name == "HEIF/AVIF" && !reads_heic() ? "AVIF" : format.name);
    }
    return names;
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace silhouette
