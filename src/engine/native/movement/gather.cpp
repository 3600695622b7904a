#include "engine/native/movement/gather.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace silhouette::native {
namespace {

/// Values of a task, about.
constexpr std::size_t kValuesAtATime = 1 << 14;
/// Tasks for each thread, at most.
constexpr std::size_t kTasksPerThread = 8;

/// A few values, by what a register holds: a call for each would take longer.
void copy_values(const float* from, std::size_t count, float* to) {
  constexpr std::size_t kMost = 64;
  constexpr std::size_t kEight = 8;
  constexpr std::size_t kFour = 4;
  if (count > kMost) {
    std::copy_n(from, count, to);
  } else if (count >= kEight) {
    for (std::size_t i = 0; i + kEight <= count; i += kEight) std::copy_n(from + i, kEight, to + i);
    std::copy_n(from + count - kEight, kEight, to + count - kEight);
  } else if (count >= kFour) {
    std::copy_n(from, kFour, to);
    std::copy_n(from + count - kFour, kFour, to + count - kFour);
  } else {
    to[0] = from[0];
    if (count > 1) to[1] = from[1];
    if (count > 2) to[2] = from[2];
  }
}

/// A box or a part of one, its loops from the outermost of the result's to the innermost.
struct Piece {
  View from;
  View to;
  std::array<Loop, kMostLoops> loops;
  std::size_t rank = 0;

  [[nodiscard]] std::size_t values() const {
    std::size_t product = 1;
    for (std::size_t i = 0; i < rank; ++i) product *= static_cast<std::size_t>(loops[i].count);
    return product;
  }
};

Piece make_piece(const Box& box) {
  std::vector<Loop> loops = box.loops;
  std::erase_if(loops, [](const Loop& loop) { return loop.count == 1; });
  std::ranges::sort(loops, std::ranges::greater{}, &Loop::to);
  Piece piece{.from = box.from, .to = box.to, .loops = {}, .rank = 0};
  for (const Loop& loop : loops) {
    if (piece.rank > 0) {
      Loop& outer = piece.loops[piece.rank - 1];
      if (outer.from == loop.from * loop.count && outer.to == loop.to * loop.count) {
        outer = {.count = outer.count * loop.count, .from = loop.from, .to = loop.to};
        continue;
      }
    }
    piece.loops[piece.rank++] = loop;
  }
  // A single value, too, is a loop.
  if (piece.rank == 0) piece.loops[piece.rank++] = {.count = 1, .from = 1, .to = 1};
  return piece;
}

/// Cuts a piece into about so many.
void cut(const Piece& whole, std::size_t parts, std::vector<Piece>& pieces) {
  std::vector<Piece> done{whole};
  for (std::size_t i = 0; i < whole.rank && parts > 1; ++i) {
    const auto count = static_cast<std::size_t>(whole.loops[i].count);
    const std::size_t here = std::min(parts, count);
    std::vector<Piece> cut_here;
    for (const Piece& piece : done) {
      for (std::size_t part = 0; part < here; ++part) {
        const auto begin = static_cast<std::int64_t>(count * part / here);
        const auto end = static_cast<std::int64_t>(count * (part + 1) / here);
        Piece smaller = piece;
        smaller.from.offset += static_cast<std::size_t>(begin * piece.loops[i].from);
        smaller.to.offset += static_cast<std::size_t>(begin * piece.loops[i].to);
        smaller.loops[i].count = end - begin;
        cut_here.push_back(smaller);
      }
    }
    done = std::move(cut_here);
    parts /= here;
  }
  std::ranges::copy(done, std::back_inserter(pieces));
}

/// Calls `inner(from, to)` for every step of the loops.
template <typename Inner>
void walk(std::span<const Loop> loops, const float* from, float* to, Inner inner) {
  std::array<std::int64_t, kMostLoops> at{};
  while (true) {
    inner(from, to);
    std::size_t i = loops.size();
    while (true) {
      if (i == 0) return;
      --i;
      from += loops[i].from;
      to += loops[i].to;
      if (++at[i] < loops[i].count) break;
      from -= at[i] * loops[i].from;
      to -= at[i] * loops[i].to;
      at[i] = 0;
    }
  }
}

class Gather final : public Step {
 public:
  Gather(const kernels::Kernels& kernels, std::vector<Piece> pieces, std::size_t target)
      : kernels_(&kernels), pieces_(std::move(pieces)) {
    std::size_t filled = 0;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      filled += pieces_[i].values();
      if (filled < target && i + 1 < pieces_.size()) continue;
      ends_.push_back(i + 1);
      filled = 0;
    }
    tasks = ends_.size();
    for (const Piece& piece : pieces_) {
      if (std::ranges::find(reads, piece.from.buffer) == reads.end()) reads.push_back(piece.from.buffer);
    }
    writes.assign(1, pieces_.front().to.buffer);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    for (std::size_t i = task == 0 ? 0 : ends_[task - 1]; i < ends_[task]; ++i) {
      copy(pieces_[i], frame.from(pieces_[i].from), frame.to(pieces_[i].to));
    }
  }

 private:
  void copy(const Piece& piece, const float* from, float* to) const noexcept {
    std::array<Loop, kMostLoops> outer = piece.loops;
    std::size_t rank = piece.rank - 1;
    const Loop inner = piece.loops[rank];
    const auto count = static_cast<std::size_t>(inner.count);
    if (inner.to == 1 && inner.from == 1) {
      return walk({outer.data(), rank}, from, to, [&](const float* a, float* b) { copy_values(a, count, b); });
    }
    if (inner.to == 1 && inner.from == 0) {
      return walk({outer.data(), rank}, from, to, [&](const float* a, float* b) { std::fill_n(b, count, *a); });
    }
    const auto dense = std::ranges::find(outer.begin(), outer.begin() + rank, 1, &Loop::from);
    if (inner.to == 1 && dense != outer.begin() + rank) {
      const Loop columns = *dense;
      std::copy(dense + 1, outer.begin() + rank, dense);
      return walk({outer.data(), rank - 1}, from, to, [&](const float* a, float* b) {
        kernels_->transpose_matrix({.input = a,
                                    .input_stride = static_cast<std::size_t>(inner.from),
                                    .rows = count,
                                    .columns = static_cast<std::size_t>(columns.count),
                                    .output = b,
                                    .output_stride = static_cast<std::size_t>(columns.to)});
      });
    }
    walk({outer.data(), rank}, from, to, [&](const float* a, float* b) {
      for (std::int64_t i = 0; i < inner.count; ++i) b[i * inner.to] = a[i * inner.from];
    });
  }

  const kernels::Kernels* kernels_;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> ends_;  ///< one past the last piece of each task
};

/// From channel `channel` on: how many lie at the same stride, and where the first is.
std::int64_t run_of(const Place& place, std::int64_t channel, std::int64_t block) {
  return place.is_blocked ? block - (place.first_channel + channel) % block : std::numeric_limits<std::int64_t>::max();
}
std::int64_t offset_of(const Place& place, std::int64_t channel, std::int64_t block) {
  const std::int64_t c = place.first_channel + channel;
  return place.is_blocked ? c / block * place.channel + c % block : c * place.channel;
}

}  // namespace

Place place(const Network& network, View view, Layout layout, const ImageShape& shape) {
  const auto block = static_cast<std::int64_t>(network.block());
  switch (layout) {
    case Layout::kPlanar: return {.view = view, .y = shape.width, .x = 1, .channel = shape.pixels()};
    case Layout::kBlocked:
      return {
          .view = view, .is_blocked = true, .y = shape.width * block, .x = block, .channel = shape.pixels() * block};
    case Layout::kDense: break;
  }
  return {.view = view, .y = shape.width * shape.channels, .x = shape.channels, .channel = 1};
}

Place constant_place(Builder& builder, float value) {
  return {.view = builder.add_weights(1, 1, [value](float* destination, std::size_t) {
    *destination = value;
    return true;
  })};
}

Place repeated(Place place, const ImageShape& shape, const ImageShape& whole) {
  if (shape.height != whole.height) place.y = 0;
  if (shape.width != whole.width) place.x = 0;
  if (shape.channels != whole.channels) {
    place.is_blocked = false;
    place.channel = 0;
  }
  return place;
}

void add_region(const Network& network, const Place& from, const Place& to, const ImageShape& region,
                std::vector<Box>& boxes) {
  if (region.pixels() == 0 || region.channels == 0) return;
  const auto block = static_cast<std::int64_t>(network.block());
  const Loop down{.count = region.height, .from = from.y, .to = to.y};
  const Loop right{.count = region.width, .from = from.x, .to = to.x};
  const auto start = [block](const Place& place, std::int64_t channel) {
    return place.view.at(static_cast<std::size_t>(offset_of(place, channel, block)));
  };
  if (!from.is_blocked && !to.is_blocked) {
    const Loop channels{.count = region.channels, .from = from.channel, .to = to.channel};
    boxes.push_back({.from = start(from, 0), .to = start(to, 0), .loops = {channels, down, right}});
    return;
  }
  std::int64_t channel = 0;
  while (channel < region.channels) {
    // From where the result's block begins on, what makes a block repeats itself.
    const bool is_start = !to.is_blocked || (to.first_channel + channel) % block == 0;
    const std::int64_t blocks = is_start ? (region.channels - channel) / block : 0;
    const std::int64_t end = blocks > 0 ? channel + block : region.channels;
    const std::int64_t next = blocks > 0 ? channel + blocks * block : 0;
    const Loop repeats{.count = std::max<std::int64_t>(blocks, 1),
                       .from = from.is_blocked ? from.channel : from.channel * block,
                       .to = to.is_blocked ? to.channel : to.channel * block};
    do {
      const std::int64_t count = std::min({run_of(from, channel, block), run_of(to, channel, block), end - channel});
      const Loop channels{
          .count = count, .from = from.is_blocked ? 1 : from.channel, .to = to.is_blocked ? 1 : to.channel};
      boxes.push_back(
          {.from = start(from, channel), .to = start(to, channel), .loops = {repeats, down, right, channels}});
      channel += count;
    } while (blocks > 0 && channel < end);
    if (blocks > 0) channel = next;
  }
}

void add_unused_lanes(Builder& builder, const Place& to, const ImageShape& shape, std::vector<Box>& boxes) {
  const auto lanes = static_cast<std::int64_t>(builder.blocks(shape.channels) * builder.block());
  if (!to.is_blocked || lanes == shape.channels) return;
  add_region(builder, constant_place(builder, 0), to.moved(0, 0, shape.channels),
             {.height = shape.height, .width = shape.width, .channels = lanes - shape.channels}, boxes);
}

void add_rest(Builder& builder, View to, std::int64_t count, std::vector<Box>& boxes) {
  const auto room = static_cast<std::int64_t>(builder.blocks(count) * builder.block());
  if (room == count) return;
  boxes.push_back({.from = constant_place(builder, 0).view,
                   .to = to.at(static_cast<std::size_t>(count)),
                   .loops = {{.count = room - count, .from = 0, .to = 1}}});
}

void add_gather(Builder& builder, std::string name, const std::vector<Box>& boxes) {
  std::vector<Piece> whole;
  std::size_t values = 0;
  for (const Box& box : boxes) {
    whole.push_back(make_piece(box));
    values += whole.back().values();
  }
  if (whole.empty()) return;
  const std::size_t wanted = std::clamp<std::size_t>(
      values / kValuesAtATime, 1, kTasksPerThread * static_cast<std::size_t>(builder.options().threads));
  const std::size_t target = std::max<std::size_t>(1, values / wanted);
  std::vector<Piece> pieces;
  for (const Piece& piece : whole) cut(piece, (piece.values() + target / 2) / target, pieces);
  auto step = std::make_unique<Gather>(builder.kernels(), std::move(pieces), target);
  step->name = std::move(name);
  builder.add_step(std::move(step));
}

Layout common_layout(const Network& network, const Places& places, std::span<const graph::TensorId> ids) {
  bool planar = true;
  bool dense = true;
  bool blocked = false;
  for (const graph::TensorId id : ids) {
    if (!network.image(id)) return Layout::kDense;
    const bool is_dense = places.existing(id, Layout::kDense) || network.tensor(id).is_constant();
    const bool is_planar = places.existing(id, Layout::kPlanar).has_value();
    // One pixel's values are the same in every layout.
    blocked = blocked || (places.existing(id, Layout::kBlocked) && !(is_dense && is_planar));
    planar = planar && is_planar;
    dense = dense && is_dense;
  }
  if (blocked || (!planar && !dense) || (planar && dense)) return Layout::kBlocked;
  return planar ? Layout::kPlanar : Layout::kDense;
}

std::optional<ImageShape> as_image(std::span<const std::int64_t> dims) {
  constexpr std::size_t kImageDims = 4;
  while (dims.size() > 3 && dims.front() == 1) dims = dims.subspan(1);
  if (dims.size() >= kImageDims) return std::nullopt;
  ImageShape shape{.height = 1, .width = 1, .channels = 1};
  if (!dims.empty()) shape.channels = dims.back();
  if (dims.size() > 1) shape.width = dims[dims.size() - 2];
  if (dims.size() > 2) shape.height = dims.front();
  return shape;
}

Layout strided_layout(const Network& network, const Places& places, graph::TensorId id, Layout layout) {
  if (!network.image(id)) return Layout::kDense;
  const Layout other = layout == Layout::kDense ? Layout::kPlanar : Layout::kDense;
  return !places.existing(id, layout) && places.existing(id, other) ? other : layout;
}

std::vector<std::int64_t> strides(const Network& network, graph::TensorId id, Layout layout) {
  const auto& dims = network.tensor(id).dims;
  if (layout == Layout::kPlanar) return {0, dims[2], 1, dims[1] * dims[2]};
  return dense_strides(dims);
}

Strided strided(Builder& builder, graph::TensorId id, Layout layout) {
  const Layout found = strided_layout(builder, builder.places(), id, layout);
  return {builder.view(id, found), strides(builder, id, found)};
}

std::vector<std::int64_t> dense_strides(std::span<const std::int64_t> dims) {
  std::vector<std::int64_t> strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

}  // namespace silhouette::native
