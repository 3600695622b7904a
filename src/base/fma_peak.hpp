#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace silhouette {

/// A width of fp32 fused multiply-add.
enum class FmaWidth {
  kNeon,    ///< 4 lanes
  kAvx2,    ///< 8 lanes
  kAvx512,  ///< 16 lanes
};
inline constexpr std::array kFmaWidths{FmaWidth::kNeon, FmaWidth::kAvx2, FmaWidth::kAvx512};

[[nodiscard]] std::string_view fma_width_name(FmaWidth width) noexcept;

/// What `threads` ≥ 1 threads together can do at most: 10⁹ floating-point operations a second, a multiply-add counting
/// as two, measured on registers alone for some tenths of a second. What a kernel reaches is compared with it, rather
/// than with a clock rate times a width: machines throttle, and virtual ones share. Nothing if this processor lacks the
/// instructions or the threads can't be had.
[[nodiscard]] std::optional<double> measure_fma_peak(FmaWidth width, int threads);

}  // namespace silhouette
