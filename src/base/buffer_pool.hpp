#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "base/aligned_buffer.hpp"

namespace silhouette {

/// Keeps a few buffers that nobody uses any more for those who next want one of the same size. Memory that comes fresh
/// from the system costs a page fault for every page: for a large map more than to compute it. Safe to use from several
/// threads at once; buffers may outlive their pool's other owners.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  class Buffer;

  [[nodiscard]] static std::shared_ptr<BufferPool> create() { return std::make_shared<BufferPool>(); }

  /// Uninitialised values. Errors as AlignedBuffer::create.
  [[nodiscard]] Result<Buffer> take(std::size_t count, const char* what);

 private:
  static constexpr std::size_t kMostSpare = 2;

  void give_back(AlignedBuffer<float> buffer) noexcept;

  std::mutex mutex_;
  AlignedBuffer<float> spare_[kMostSpare];
};

/// A buffer that goes back to its pool when its owner is done with it. Move-only; empty by default.
class BufferPool::Buffer {
 public:
  Buffer() = default;
  Buffer(AlignedBuffer<float> values, std::shared_ptr<BufferPool> home) noexcept
      : values_(std::move(values)), home_(std::move(home)) {}
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(values_, other.values_);
    std::swap(home_, other.home_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (home_ != nullptr) home_->give_back(std::move(values_));
  }

  [[nodiscard]] float* data() noexcept { return values_.data(); }
  [[nodiscard]] const float* data() const noexcept { return values_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] std::span<float> span() noexcept { return values_.span(); }
  [[nodiscard]] std::span<const float> span() const noexcept { return values_.span(); }

 private:
  AlignedBuffer<float> values_;
  std::shared_ptr<BufferPool> home_;
};

}  // namespace silhouette
