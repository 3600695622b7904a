#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>
#include <executorch/runtime/platform/runtime.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "contender.hpp"

// The pinned wheel's thread pool library exports this class, but the wheel doesn't carry the header that declares it.
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  bool _unsafe_reset_threadpool(std::uint32_t threads);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace silhouette::bench {
namespace {

namespace et = ::executorch;

constexpr std::uint64_t kMaxInputBytes = std::uint64_t{1} << 30;

/// It tells much at the lower levels, and nothing that belongs among benchmark results.
void emit_log(et_timestamp_t /*timestamp*/, et_pal_log_level_t level, const char* /*file*/, const char* /*function*/,
              size_t /*line*/, const char* message, size_t length) {
  if (level != kError && level != kFatal) return;
  std::fwrite(message, 1, length, stderr);
  std::fputc('\n', stderr);
}

Error runtime_error(const char* what, et::runtime::Error error) {
  return {ErrorCode::kInternal, fmt::format("ExecuTorch: {} failed with 0x{:x}", what, static_cast<unsigned>(error))};
}

class ExecutorchContender final : public Contender {
 public:
  ExecutorchContender(std::unique_ptr<et::extension::Module> module, std::vector<et::aten::SizesType> sizes)
      : module_(std::move(module)), sizes_(std::move(sizes)) {}

  [[nodiscard]] std::string name() const override { return "executorch"; }

  Result<void> set_input(const std::string& path) override {
    const auto bytes = read_file(path, kMaxInputBytes);
    if (!bytes) return std::unexpected(bytes.error());
    std::size_t count = 1;
    for (const auto size : sizes_) count *= static_cast<std::size_t>(size);
    if (bytes->size() != count * sizeof(float)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' has {} bytes, the network takes {} float32", path, bytes->size(), count));
    }
    input_.resize(count);
    std::memcpy(input_.data(), bytes->data(), bytes->size());
    tensor_ = et::extension::from_blob(input_.data(), sizes_);
    return {};
  }

  Result<void> run() override {
    auto outputs = module_->forward(tensor_);
    if (!outputs.ok()) return std::unexpected(runtime_error("forward", outputs.error()));
    if (outputs->empty() || !outputs->front().isTensor()) {
      return fail(ErrorCode::kUnsupportedModel, "ExecuTorch: the model gives no tensor");
    }
    const auto result = outputs->front().toTensor();
    output_ = std::as_bytes(std::span(static_cast<const char*>(result.const_data_ptr()), result.nbytes()));
    return {};
  }

  [[nodiscard]] std::span<const std::byte> output() const override { return output_; }

 private:
  std::unique_ptr<et::extension::Module> module_;
  std::vector<et::aten::SizesType> sizes_;
  std::vector<float> input_;
  et::extension::TensorPtr tensor_;
  std::span<const std::byte> output_;
};

}  // namespace

Result<std::unique_ptr<Contender>> make_executorch_contender(const std::string& model, int threads) {
  et::runtime::register_pal(et::runtime::PalImpl::create(emit_log, __FILE__));
  et::runtime::runtime_init();
  auto* const pool = et::extension::threadpool::get_threadpool();
  if (pool == nullptr || !pool->_unsafe_reset_threadpool(static_cast<std::uint32_t>(threads))) {
    return fail(ErrorCode::kInternal, fmt::format("ExecuTorch: no thread pool of {}", threads));
  }
  auto module = std::make_unique<et::extension::Module>(model, et::extension::Module::LoadMode::Mmap);
  if (const auto error = module->load_forward(); error != et::runtime::Error::Ok) {
    return std::unexpected(runtime_error("loading", error));
  }
  const auto meta = module->method_meta("forward");
  if (!meta.ok()) return std::unexpected(runtime_error("method_meta", meta.error()));
  const auto input = meta->input_tensor_meta(0);
  if (!input.ok()) return std::unexpected(runtime_error("input_tensor_meta", input.error()));
  const auto sizes = input->sizes();
  return std::make_unique<ExecutorchContender>(std::move(module),
                                               std::vector<et::aten::SizesType>(sizes.begin(), sizes.end()));
}

}  // namespace silhouette::bench
