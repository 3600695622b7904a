#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/native/products/product.hpp"
#include "kernels/winograd/line.hpp"

namespace silhouette::native {

/// The transformed image's geometry: for each pair of points (of the columns' algorithm and of the rows') a matrix of
/// data × channels, all in one buffer.
struct Transformed {
  kernels::LineAlgorithm vertical;
  kernels::LineAlgorithm horizontal;
  std::vector<std::size_t> first;  ///< data before those of each pair
  std::size_t data = 0;            ///< of all pairs

  Transformed(kernels::LineAlgorithm down, kernels::LineAlgorithm across)
      : vertical(std::move(down)), horizontal(std::move(across)) {
    for (const std::int64_t rows : vertical.counts) {
      for (const std::int64_t columns : horizontal.counts) {
        first.push_back(data);
        data += static_cast<std::size_t>(rows * columns);
      }
    }
  }

  [[nodiscard]] std::size_t pairs() const { return first.size(); }
  [[nodiscard]] std::size_t pair(std::size_t p, std::size_t q) const { return p * horizontal.counts.size() + q; }
  [[nodiscard]] std::size_t rows(std::size_t p, std::size_t q) const {
    return static_cast<std::size_t>(vertical.counts[p] * horizontal.counts[q]);
  }
  [[nodiscard]] std::size_t tile_lines() const {
    std::size_t sum = 0;
    for (const kernels::LineTiles& group : vertical.groups) sum += static_cast<std::size_t>(group.tiles);
    return sum;
  }
};

/// The matrix products of all pairs of points with weights as they are in the file, [9 taps] in `panels`, transformed
/// panel by panel in every run: what is saved in multiplications is many times what that costs, and a panel's
/// transformed weights never leave the cache. `data` has `channels` of the image's channels, from `first_channel` on.
std::unique_ptr<Step> make_fleeting_products(const kernels::Kernels& kernels,
                                             std::shared_ptr<const Transformed> transformed, const PanelShape& panels,
                                             View data, View weights, View to, std::size_t first_channel,
                                             std::size_t channels);

}  // namespace silhouette::native
