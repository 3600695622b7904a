#include <fmt/format.h>

#include <utility>

#include "base/guard.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/segmentation_data.hpp"
#include "postprocess/polygons.hpp"
#include "postprocess/rle.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette {
namespace {

Result<int> channel_of(const ClassId& label, const detail::SegmentationData& data) {
  auto channel = resolve_class(label, data.labels);
  if (channel && *channel < 0) {
    return fail(ErrorCode::kInvalidArgument, "ARGMAX is all classes and has no shape; name one of them");
  }
  return channel;
}

}  // namespace

Result<Rle> Segmentation::rle(const ClassId& label) const {
  return guarded([&]() -> Result<Rle> {
    const auto channel = channel_of(label, *data_);
    if (!channel) return std::unexpected(channel.error());
    return class_rle(argmax(), width(), height(), *channel);
  });
}

Result<std::vector<Polygon>> Segmentation::polygons(const ClassId& label, double tolerance,
                                                    std::int64_t min_area) const {
  return guarded([&]() -> Result<std::vector<Polygon>> {
    const auto channel = channel_of(label, *data_);
    if (!channel) return std::unexpected(channel.error());
    return class_polygons(argmax(), width(), height(), *channel, {.tolerance = tolerance, .min_area = min_area});
  });
}

}  // namespace silhouette
