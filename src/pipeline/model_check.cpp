#include "pipeline/model_check.hpp"

#include "formats/pte/container.hpp"

namespace silhouette {

Result<void> check_model_file(std::span<const std::byte> file, std::string_view name) {
  const auto container = pte::open_container(file, pte::Messages(name));
  if (!container && container.error().code == ErrorCode::kInvalidModel) return std::unexpected(container.error());
  // What is only unsupported, or too large, is no damage; whoever loads it is told.
  return {};
}

}  // namespace silhouette
