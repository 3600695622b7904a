#include "engine/executorch/executorch_engine.hpp"

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>
#include <executorch/runtime/platform/runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "engine/executorch/model_bytes.hpp"
#include "engine/executorch/thread_pool.hpp"

namespace silhouette {
namespace {

namespace et = ::executorch;

constexpr std::size_t kLoadingBytes = std::size_t{16} << 20;  ///< that loading needs beside the weights

/// Whether memory has ended since this was last reset. Most of the runtime's errors say that something failed and not
/// why; its log does, in XNNPACK's words and numbers or its own. Guarded by ExecutorchTurn but for pool threads, which
/// may log.
std::atomic<bool> memory_ended = false;

void emit_log(et_timestamp_t /*timestamp*/, et_pal_log_level_t level, const char* file, const char* /*function*/,
              size_t line, const char* message, size_t length) {
  const std::string_view text(message, length);
  for (const std::string_view sign : {"out_of_memory", "allocat", "status: 0x6", ": 0x21"}) {
    if (text.contains(sign)) memory_ended = true;
  }
  if (std::getenv("SILHOUETTE_EXECUTORCH_LOG") == nullptr) return;
  std::fprintf(stderr, "executorch %c %s:%zu: %.*s\n", static_cast<char>(level), file, line,
               static_cast<int>(text.size()), text.data());
}

void initialize_runtime() {
  static const bool once = [] {
    et::runtime::register_pal(et::runtime::PalImpl::create(emit_log, __FILE__));
    et::runtime::runtime_init();
    return true;
  }();
  static_cast<void>(once);
}

Error load_error(et::runtime::Error error, std::string_view name) {
  using enum et::runtime::Error;
  if (memory_ended) error = MemoryAllocationFailed;
  switch (error) {
    case OperatorMissing:
      return {ErrorCode::kUnsupportedModel,
              fmt::format("'{}' uses an operator that ExecuTorch's CPU kernels lack; export it for XNNPACK", name)};
    case NotFound:
      return {ErrorCode::kUnsupportedModel,
              fmt::format("'{}' needs a backend that isn't built in; export it for XNNPACK", name)};
    case MemoryAllocationFailed:
      return {ErrorCode::kLimitExceeded,
              fmt::format("no memory for the model '{}'; use a smaller one, or end other programs", name)};
    default:
      return {ErrorCode::kInvalidModel, fmt::format("ExecuTorch refuses the model '{}' (error 0x{:x}); export it again",
                                                    name, static_cast<unsigned>(error))};
  }
}

class ExecutorchEngine final : public Engine {
 public:
  ExecutorchEngine(std::shared_ptr<const ModelData> data, const NetworkShape& shape, int threads, std::string_view name,
                   std::span<const std::pair<std::size_t, std::size_t>> kept)
      : data_(std::move(data)), bytes_(data_, kept), shape_(shape), label_(name), pool_(threads) {}

  // Unloading frees memory that a run of another engine may be using the pool for.
  ~ExecutorchEngine() override {
    if (!module_) return;
    const ExecutorchTurn turn;
    module_.reset();
  }
  ExecutorchEngine(const ExecutorchEngine&) = delete;
  ExecutorchEngine& operator=(const ExecutorchEngine&) = delete;

  Result<void> load() {
    // What XNNPACK makes of the weights, and what it runs in. Short of that it mayn't notice all that it lacks: zeros
    // around quantised convolutions, for one.
    auto reserve = AlignedBuffer<std::byte>::create(data_->bytes().size() + kLoadingBytes, "loading a model");
    if (!reserve) return std::unexpected(std::move(reserve.error()));
    *reserve = {};
    const ExecutorchTurn turn;
    const ExecutorchPool::Scope scope(pool_);
    memory_ended = false;
    module_ = std::make_unique<et::extension::Module>(bytes_.make_loader());
    auto error = module_->load(et::runtime::Program::Verification::InternalConsistency);
    if (error == et::runtime::Error::Ok) error = module_->load_forward();
    if (error != et::runtime::Error::Ok) return std::unexpected(load_error(error, label_));
    bytes_.discard_rest();
    data_->drop_pages();
    return {};
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "executorch"; }
  [[nodiscard]] bool uses_pool() const noexcept override { return false; }
  [[nodiscard]] const NetworkShape& shape() const noexcept override { return shape_; }

  [[nodiscard]] Result<Logits> run(std::span<const float> input, Tail /*tail*/, std::stop_token stop) override {
    const auto plane = static_cast<std::size_t>(shape_.output_height) * static_cast<std::size_t>(shape_.output_width);
    const auto channels = static_cast<std::size_t>(shape_.channels);
    if (input.size() !=
        3 * static_cast<std::size_t>(shape_.input_height) * static_cast<std::size_t>(shape_.input_width)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the network's input has {} values, '{}' takes 3 × {} × {}", input.size(), label_,
                              shape_.input_height, shape_.input_width));
    }
    auto logits = outputs_->take(channels * plane, "the network's output");
    if (!logits) return std::unexpected(std::move(logits.error()));

    const auto turn = ExecutorchTurn::wait(stop);
    if (!turn || stop.stop_requested()) return fail(ErrorCode::kCancelled, "cancelled before the network ran");
    const ExecutorchPool::Scope scope(pool_);

    using Tensor = et::aten::Tensor;
    // Without N the first of each is left out.
    std::array<et::aten::SizesType, 4> sizes{1, 3, shape_.input_height, shape_.input_width};
    std::array<et::aten::DimOrderType, 4> order{0, 1, 2, 3};
    if (shape_.input_nhwc) order = {0, 2, 3, 1};
    std::array<et::aten::StridesType, 4> strides{};
    et::aten::StridesType step = 1;
    for (std::size_t i = order.size(); i-- > 0;) {
      strides[order[i]] = step;
      step *= sizes[order[i]];
    }
    const std::size_t skipped = shape_.input_batched ? 0 : 1;
    if (!shape_.input_batched) order = {0, 0, 1, 2};
    // ExecuTorch reads inputs through a mutable pointer and doesn't write them.
    et::aten::TensorImpl impl(et::aten::ScalarType::Float, static_cast<ssize_t>(sizes.size() - skipped),
                              sizes.data() + skipped, const_cast<float*>(input.data()), order.data() + skipped,
                              strides.data() + skipped);
    memory_ended = false;
    const auto outputs = module_->forward(et::runtime::EValue(Tensor(&impl)));
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "cancelled while the network ran");
    if (!outputs.ok() && (memory_ended || outputs.error() == et::runtime::Error::MemoryAllocationFailed)) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("no memory to run the model '{}'; use a smaller one, or end other programs", label_));
    }
    if (!outputs.ok()) {
      return fail(ErrorCode::kInternal,
                  fmt::format("ExecuTorch failed to run '{}' (error 0x{:x}); SILHOUETTE_EXECUTORCH_LOG=1 "
                              "in the environment shows its log",
                              label_, static_cast<unsigned>(outputs.error())));
    }
    if (auto copied = copy_output(*outputs, logits->span()); !copied) return std::unexpected(std::move(copied.error()));
    return Logits{.values = std::move(*logits),
                  .channels = shape_.channels,
                  .height = shape_.output_height,
                  .width = shape_.output_width,
                  .pending = {}};
  }

 private:
  [[nodiscard]] Result<void> copy_output(const std::vector<et::runtime::EValue>& outputs,
                                         std::span<float> logits) const {
    const auto height = static_cast<std::size_t>(shape_.output_height);
    const auto width = static_cast<std::size_t>(shape_.output_width);
    const auto channels = static_cast<std::size_t>(shape_.channels);
    if (outputs.size() <= shape_.output_index || !outputs[shape_.output_index].isTensor()) {
      return fail(ErrorCode::kInternal, fmt::format("'{}' gave no tensor", label_));
    }
    const auto tensor = outputs[shape_.output_index].toTensor();
    if (tensor.scalar_type() != scalar_type(shape_.output_type) ||
        static_cast<std::size_t>(tensor.numel()) != logits.size()) {
      return fail(ErrorCode::kInternal, fmt::format("'{}' gave another output than it declares", label_));
    }
    const auto copy = [&](const auto* values) {
      if (!shape_.output_nhwc) {
        std::transform(values, values + logits.size(), logits.begin(),
                       [](auto value) { return static_cast<float>(value); });
        return;
      }
      for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t i = 0; i < height * width; ++i) {
          logits[c * height * width + i] = static_cast<float>(values[i * channels + c]);
        }
      }
    };
    switch (shape_.output_type) {
      case OutputType::kFloat: copy(tensor.const_data_ptr<float>()); break;
      case OutputType::kInt32: copy(tensor.const_data_ptr<std::int32_t>()); break;
      case OutputType::kInt64: copy(tensor.const_data_ptr<std::int64_t>()); break;
    }
    return {};
  }

  static et::aten::ScalarType scalar_type(OutputType type) {
    switch (type) {
      case OutputType::kInt32: return et::aten::ScalarType::Int;
      case OutputType::kInt64: return et::aten::ScalarType::Long;
      default: return et::aten::ScalarType::Float;
    }
  }

  std::shared_ptr<const ModelData> data_;
  ModelBytes bytes_;  // before the module, which it must outlive
  NetworkShape shape_;
  std::string label_;
  ExecutorchPool pool_;
  std::shared_ptr<BufferPool> outputs_ = BufferPool::create();
  std::unique_ptr<et::extension::Module> module_;
};

}  // namespace

Result<std::unique_ptr<Engine>> create_executorch_engine(std::shared_ptr<const ModelData> data,
                                                         const NetworkShape& shape, int threads, std::string_view name,
                                                         std::span<const std::pair<std::size_t, std::size_t>> kept) {
  initialize_runtime();
  auto engine = std::make_unique<ExecutorchEngine>(std::move(data), shape, threads, name, kept);
  if (auto loaded = engine->load(); !loaded) return std::unexpected(std::move(loaded.error()));
  return engine;
}

}  // namespace silhouette
