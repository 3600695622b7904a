#include <array>

#include "formats/model.hpp"
#include "formats/pte/format.hpp"

namespace silhouette::formats {

// One line a format.
std::span<const Format* const> all_formats() noexcept {
  static constexpr std::array<const Format*, 1> kFormats{&pte::kFormat};
  return kFormats;
}

}  // namespace silhouette::formats
