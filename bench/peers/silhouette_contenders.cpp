#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/file.hpp"
#include "contender.hpp"
#include "pipeline/loaded_model.hpp"

namespace silhouette::bench {
namespace {

constexpr std::uint64_t kMaxInputBytes = std::uint64_t{1} << 30;

class NetworkContender final : public Contender {
 public:
  explicit NetworkContender(std::shared_ptr<LoadedModel> model) : model_(std::move(model)) {}

  [[nodiscard]] std::string name() const override { return std::string(model_->engine().name()); }

  Result<void> set_input(const std::string& path) override {
    const auto bytes = read_file(path, kMaxInputBytes);
    if (!bytes) return std::unexpected(bytes.error());
    const auto& shape = model_->engine().shape();
    const auto plane = static_cast<std::size_t>(shape.input_height) * static_cast<std::size_t>(shape.input_width);
    auto input = AlignedBuffer<float>::create(3 * plane, "the network's input");
    if (!input) return std::unexpected(std::move(input.error()));
    if (bytes->size() != input->size() * sizeof(float)) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' has {} bytes, the network takes 3 × {} × {} float32",
                                                           path, bytes->size(), shape.input_height, shape.input_width));
    }
    std::memcpy(input->data(), bytes->data(), bytes->size());
    if (shape.input_nhwc) {
      auto planar = std::move(*input);
      input = AlignedBuffer<float>::create(3 * plane, "the network's input");
      if (!input) return std::unexpected(std::move(input.error()));
      for (std::size_t i = 0; i < 3 * plane; ++i) input->data()[i % plane * 3 + i / plane] = planar.data()[i];
    }
    input_ = std::move(*input);
    return {};
  }

  Result<void> run() override {
    logits_ = {};
    auto logits = model_->engine().run(input_.span(), Tail::kWhole, {});
    if (!logits) return std::unexpected(std::move(logits.error()));
    logits_ = std::move(logits->values);
    return {};
  }

  [[nodiscard]] std::span<const std::byte> output() const override { return std::as_bytes(logits_.span()); }

 private:
  std::shared_ptr<LoadedModel> model_;
  AlignedBuffer<float> input_;
  BufferPool::Buffer logits_;
};

class PhotoContender final : public Contender {
 public:
  PhotoContender(ImageSegmentationModule module, std::string engine)
      : module_(std::move(module)), engine_(std::move(engine)) {}

  [[nodiscard]] std::string name() const override { return engine_; }

  Result<void> set_input(const std::string& path) override {
    path_ = path;
    return {};
  }

  Result<void> run() override {
    auto result = module_.forward(path_, {}, /*resize=*/true);
    if (!result) return std::unexpected(std::move(result.error()));
    result_ = std::move(*result);
    return {};
  }

  [[nodiscard]] std::span<const std::byte> output() const override {
    return result_ ? std::as_bytes(result_->argmax()) : std::span<const std::byte>{};
  }

 private:
  ImageSegmentationModule module_;
  std::string engine_;
  std::string path_;
  std::optional<Segmentation> result_;
};

}  // namespace

Result<std::unique_ptr<Contender>> make_network_contender(const std::string& model, const LoadOptions& options) {
  auto loaded = load_model(model, options, {});
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  return std::make_unique<NetworkContender>(std::move(*loaded));
}

Result<std::unique_ptr<Contender>> make_photo_contender(const std::string& model, const LoadOptions& options) {
  ImageSegmentationModule module;
  if (auto loaded = module.load(model, options); !loaded) return std::unexpected(std::move(loaded.error()));
  auto description = module.description();
  if (!description) return std::unexpected(std::move(description.error()));
  return std::make_unique<PhotoContender>(std::move(module), std::move(description->engine));
}

}  // namespace silhouette::bench
