#pragma once

#include <chrono>
#include <stop_token>

namespace silhouette {

/// Sleeps, but wakes at once when a stop is asked for. Whether the whole time passed.
bool wait_for(std::chrono::milliseconds duration, const std::stop_token& stop);

}  // namespace silhouette
