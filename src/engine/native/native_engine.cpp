#include "engine/native/native_engine.hpp"

#include <fmt/format.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/instruction_set.hpp"
#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/guard.hpp"
#include "engine/native/planning/limits.hpp"
#include "graph/passes.hpp"

namespace silhouette {
namespace {

using native::Frame;
using native::kMostFloats;
using native::Plan;

/// Changes with the layout of packed weights.
constexpr int kPackingVersion = 6;
constexpr std::size_t kMaxKey = 3000;

/// What one run needs for itself.
struct Workspace {
  AlignedBuffer<float> memory;  ///< the arena, then every worker's scratch
  std::vector<float*> bases;    ///< by buffer
  std::vector<Frame> frames;    ///< by worker, with scratch of its own
  std::atomic<bool> out_of_memory = false;
};

class NativeEngine final : public Engine {
 public:
  NativeEngine(const NetworkShape& shape, ThreadPool& pool, std::string_view name)
      : shape_(shape), pool_(&pool), label_(name) {}

  Result<void> load(graph::Graph graph, const NativeOptions& options) {
    if (auto known = check_instruction_set(); !known && options.kernels == nullptr) return known;
    kernels_ = options.kernels != nullptr ? options.kernels : &kernels::best_kernels();
    graph::optimize(graph);
    if (auto checked = native::check_sizes(graph, kernels_->block, label_); !checked) return checked;
    native::Build build = native::build_plan(
        graph, shape_.output_nhwc, {.kernels = kernels_, .threads = pool_->size(), .low_memory = options.low_memory});
    plan_ = std::move(build.plan);
    const std::uint64_t run_floats = plan_.arena + static_cast<std::uint64_t>(pool_->size()) * plan_.scratch;
    if (run_floats > kMostFloats || plan_.weights > kMostFloats) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("'{}' wants {} MB for activations and {} MB for weights, more than {} MB; use a smaller "
                              "model",
                              label_, run_floats >> 18, plan_.weights >> 18, kMostFloats >> 18));
    }
    const std::string key = packed_key(options);
    const auto count = static_cast<std::size_t>(plan_.weights);
    if (options.kept) kept_weights_ = options.kept->find(key, count, *pool_);
    if (kept_weights_) {
      kept_ = options.kept;
      return {};
    }
    auto weights = AlignedBuffer<float>::create(count, "the network's weights");
    if (!weights) return std::unexpected(std::move(weights.error()));
    weights_ = std::move(*weights);
    // What lies between two constants is never read, but kept.
    if (options.kept) std::ranges::fill(weights_.span(), 0.0F);
    if (auto packed = pack(build.packings); !packed) return packed;
    if (options.kept) options.kept->keep(key, weights_.span(), *pool_);
    return {};
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "native"; }
  [[nodiscard]] const NetworkShape& shape() const noexcept override { return shape_; }

  [[nodiscard]] Result<Logits> run(std::span<const float> input, Tail tail, std::stop_token stop) override {
    return execute(input, tail, stop, nullptr);
  }

  [[nodiscard]] Result<std::vector<EngineStep>> profile(std::span<const float> input, std::stop_token stop) override {
    std::vector<EngineStep> steps;
    auto logits = execute(input, Tail::kWhole, stop, &steps);
    if (!logits) return std::unexpected(std::move(logits.error()));
    return steps;
  }

 private:
  Result<Logits> execute(std::span<const float> input, Tail tail, const std::stop_token& stop,
                         std::vector<EngineStep>* times) {
    if (input.size() !=
        3 * static_cast<std::size_t>(shape_.input_height) * static_cast<std::size_t>(shape_.input_width)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the network's input has {} values, '{}' takes 3 × {} × {}", input.size(), label_,
                              shape_.input_height, shape_.input_width));
    }
    if (!plan_.pending) tail = Tail::kWhole;
    Logits logits{.values = {},
                  .channels = shape_.channels,
                  .height = shape_.output_height,
                  .width = shape_.output_width,
                  .pending = {}};
    if (tail == Tail::kPending) {
      logits.height = plan_.pending->height;
      logits.width = plan_.pending->width;
      logits.pending = plan_.pending->upsampling;
    }
    auto values = outputs_->take(static_cast<std::size_t>(logits.channels) * static_cast<std::size_t>(logits.height) *
                                     static_cast<std::size_t>(logits.width),
                                 "the network's output");
    if (!values) return std::unexpected(std::move(values.error()));
    logits.values = std::move(*values);
    auto workspace = take_workspace();
    if (!workspace) return std::unexpected(std::move(workspace.error()));
    // Steps read inputs through the pointer that others write through.
    (*workspace)->bases[native::kInputBuffer] = const_cast<float*>(input.data());
    (*workspace)->bases[tail == Tail::kWhole ? plan_.output : plan_.pending_output] = logits.values.data();
    bool cancelled = false;
    std::optional<native::Guard> guard(std::in_place, plan_, (*workspace)->memory.span(), (*workspace)->frames.size());
    for (const auto& step : plan_.steps) {
      if (step->is_tail && step->tail != tail) continue;
      cancelled = stop.stop_requested();
      if (cancelled) break;
      guard->before(*step);
      const auto start = std::chrono::steady_clock::now();
      pool_->parallel_for(step->tasks, [&step, &frames = (*workspace)->frames](std::size_t task, std::size_t worker) {
        step->run(frames[worker], task);
      });
      if (times != nullptr) {
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        times->push_back({.name = step->name, .milliseconds = took.count(), .multiply_adds = step->multiply_adds});
      }
    }
    guard.reset();
    const bool out_of_memory = (*workspace)->out_of_memory.exchange(false);
    give_back(std::move(*workspace));
    if (cancelled) return fail(ErrorCode::kCancelled, "cancelled while the network ran");
    if (out_of_memory)
      return fail(ErrorCode::kLimitExceeded, fmt::format("no memory to run the model '{}'; use a smaller one", label_));
    return logits;
  }

  /// All that the packed weights depend on: the model, this version's way to pack, the plan.
  [[nodiscard]] std::string packed_key(const NativeOptions& options) const {
    std::string key = fmt::format("{} {} {} {} {}", options.model_key, kPackingVersion, kernels_->name,
                                  options.low_memory, plan_.weights);
    for (const auto& step : plan_.steps) {
      if (step->multiply_adds > 0 && key.size() < kMaxKey) key += fmt::format(" {}", step->multiply_adds);
    }
    return key;
  }

  Result<void> pack(const std::vector<native::Packing>& packings) {
    std::vector<std::pair<const native::Packing*, std::size_t>> parts;
    for (const auto& packing : packings) {
      for (std::size_t part = 0; part < packing.parts; ++part) parts.emplace_back(&packing, part);
    }
    std::atomic<bool> packed = true;
    pool_->parallel_for(parts.size(), [&](std::size_t i, std::size_t) {
      const auto& [packing, part] = parts[i];
      if (!packing->run(weights_.data() + packing->offset, part)) packed = false;
    });
    if (packed) return {};
    return fail(ErrorCode::kLimitExceeded, fmt::format("no memory to load the model '{}'; use a smaller one", label_));
  }

  Result<std::unique_ptr<Workspace>> take_workspace() {
    {
      const std::lock_guard lock(mutex_);
      if (!workspaces_.empty()) {
        auto workspace = std::move(workspaces_.back());
        workspaces_.pop_back();
        return workspace;
      }
    }
    const auto workers = static_cast<std::size_t>(pool_->size());
    const auto arena = static_cast<std::size_t>(plan_.arena);
    const auto scratch = static_cast<std::size_t>(plan_.scratch);
    auto memory = AlignedBuffer<float>::create(arena + workers * scratch, "the network's activations");
    if (!memory) return std::unexpected(std::move(memory.error()));
    auto workspace = std::make_unique<Workspace>();
    workspace->memory = std::move(*memory);
    workspace->bases.resize(plan_.buffers.size());
    for (std::size_t i = 0; i < plan_.buffers.size(); ++i) {
      workspace->bases[i] = workspace->memory.data() + plan_.buffers[i].offset;
    }
    for (std::size_t i = 0; i < workers; ++i) {
      workspace->frames.emplace_back(workspace->bases, workspace->memory.data() + arena + i * scratch,
                                     workspace->out_of_memory);
    }
    // Steps only read there.
    workspace->bases[native::kWeightsBuffer] =
        kept_weights_ ? const_cast<float*>(kept_weights_->data()) : weights_.data();
    return workspace;
  }

  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex_);
    workspaces_.push_back(std::move(workspace));
  }

  NetworkShape shape_;
  ThreadPool* pool_;
  std::string label_;
  const kernels::Kernels* kernels_ = nullptr;
  Plan plan_;
  AlignedBuffer<float> weights_;
  std::optional<std::span<const float>> kept_weights_;  ///< instead, of `kept_`
  std::shared_ptr<native::KeptWeights> kept_;
  std::shared_ptr<BufferPool> outputs_ = BufferPool::create();
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;
};

}  // namespace

Result<std::unique_ptr<Engine>> create_native_engine(graph::Graph graph, const NetworkShape& shape, ThreadPool& pool,
                                                     const NativeOptions& options, std::string_view name) {
  auto engine = std::make_unique<NativeEngine>(shape, pool, name);
  if (auto loaded = engine->load(std::move(graph), options); !loaded) return std::unexpected(std::move(loaded.error()));
#ifdef __GLIBC__
  // Loading leaves tens of megabytes in the heap that are free and in nobody's use.
  malloc_trim(0);
#endif
  return engine;
}

}  // namespace silhouette
