#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "base/checked.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Uninitialised memory, aligned to `kBufferAlignment`; null if there is none. Large ones are the system's own pages,
/// huge ones if it has them, and go back to it when they are freed: models and photos that come and go, on one thread
/// or another, would leave hundreds of megabytes in the C library's heaps.
[[nodiscard]] void* allocate_buffer(std::size_t bytes) noexcept;
/// `bytes` as they were asked for.
void free_buffer(void* data, std::size_t bytes) noexcept;
inline constexpr std::size_t kBufferAlignment = 64;

/// A fixed number of uninitialised trivial values, aligned for SIMD. Move-only; creation can fail, nothing else can.
template <typename T>
  requires std::is_trivially_copyable_v<T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    if (this != &other) {
      free_buffer(data_, size_ * sizeof(T));
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { free_buffer(data_, size_ * sizeof(T)); }

  /// `what` names the buffer in the error: kLimitExceeded when the system has no memory for it.
  [[nodiscard]] static Result<AlignedBuffer> create(std::size_t count, const char* what) {
    AlignedBuffer buffer;
    if (count == 0) return buffer;
    const auto bytes = checked_mul(count, sizeof(T));
    if (bytes) buffer.data_ = static_cast<T*>(allocate_buffer(*bytes));
    if (buffer.data_ == nullptr) {
      return fail(ErrorCode::kLimitExceeded, std::string("no memory for ") + what + " of " + std::to_string(count) +
                                                 " values; use a smaller image or fewer classes of interest");
    }
    buffer.size_ = count;
    return buffer;
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<T> span() noexcept { return {data_, size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data_, size_}; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace silhouette
