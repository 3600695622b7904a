#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace silhouette::native {

/// Rows of a window's input that are listed on the stack, at most.
inline constexpr std::size_t kMaxWindowRows = 512;

/// Tasks that each make a band of a result's rows for one of some parts of its channels.
struct Bands {
  std::int64_t bands = 1;
  std::int64_t height = 0;
  std::size_t tasks = 0;

  /// About `wanted` tasks in all, but at most `most` bands.
  Bands(std::size_t parts, std::size_t wanted, std::int64_t rows, std::int64_t most)
      : bands(std::clamp<std::int64_t>(static_cast<std::int64_t>((wanted + parts - 1) / parts), 1,
                                       std::clamp<std::int64_t>(most, 1, rows))),
        height(rows),
        tasks(parts * static_cast<std::size_t>(bands)) {}

  [[nodiscard]] std::size_t part(std::size_t task) const { return task / static_cast<std::size_t>(bands); }
  [[nodiscard]] std::int64_t begin(std::size_t task) const { return height * band(task) / bands; }
  [[nodiscard]] std::int64_t end(std::size_t task) const { return height * (band(task) + 1) / bands; }

 private:
  [[nodiscard]] std::int64_t band(std::size_t task) const { return static_cast<std::int64_t>(task) % bands; }
};

}  // namespace silhouette::native
