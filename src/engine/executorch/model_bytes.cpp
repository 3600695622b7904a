#include "engine/executorch/model_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#include "base/checked.hpp"

namespace silhouette {

namespace et = ::executorch::runtime;

class ModelBytes::Loader final : public et::DataLoader {
 public:
  explicit Loader(ModelBytes& bytes) : bytes_(bytes) {}

  et::Result<et::FreeableBuffer> load(std::size_t offset, std::size_t size,
                                      const SegmentInfo& /*segment*/) const override {
    const auto found = find(offset, size);
    if (!found.ok()) return found.error();
    const std::lock_guard lock(bytes_.mutex_);
    if (bytes_.closed_) return et::Error::InvalidState;
    // ExecuTorch is built without exceptions.
    try {
      bytes_.lent_.emplace(offset, offset + size);
    } catch (const std::bad_alloc&) {
      return et::Error::MemoryAllocationFailed;
    }
    return et::FreeableBuffer(*found, size, give_back, &bytes_);
  }

  et::Error load_into(std::size_t offset, std::size_t size, const SegmentInfo& /*segment*/,
                      void* buffer) const override {
    const auto found = find(offset, size);
    if (!found.ok()) return found.error();
    const std::lock_guard lock(bytes_.mutex_);
    if (bytes_.closed_) return et::Error::InvalidState;
    std::memcpy(buffer, *found, size);
    return et::Error::Ok;
  }

  et::Result<std::size_t> size() const override { return bytes_.data_->bytes().size(); }

 private:
  et::Result<const std::byte*> find(std::size_t offset, std::size_t size) const {
    const auto bytes = bytes_.data_->bytes();
    if (!in_range(offset, size, bytes.size())) return et::Error::InvalidArgument;
    return bytes.data() + offset;
  }

  static void give_back(void* context, void* data, std::size_t size) {
    auto& bytes = *static_cast<ModelBytes*>(context);
    const auto begin = static_cast<std::size_t>(static_cast<const std::byte*>(data) - bytes.data_->bytes().data());
    const std::lock_guard lock(bytes.mutex_);
    const auto [first, last] = bytes.lent_.equal_range(begin);
    const auto found = std::find_if(first, last, [&](const auto& range) { return range.second == begin + size; });
    if (found != last) bytes.lent_.erase(found);
  }

  ModelBytes& bytes_;
};

std::unique_ptr<et::DataLoader> ModelBytes::make_loader() {
  return std::make_unique<Loader>(*this);
}

template <typename Visit>
void ModelBytes::for_each_lent(Visit&& visit) const {
  std::size_t begin = 0;
  std::size_t end = 0;
  for (const auto& [next, next_end] : lent_) {
    if (next > end) {
      if (begin < end) visit(begin, end);
      begin = next;
    }
    end = std::max(end, next_end);
  }
  if (begin < end) visit(begin, end);
}

void ModelBytes::discard_rest() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  std::size_t done = 0;
  for_each_lent([&](std::size_t begin, std::size_t end) {
    data_->discard(done, begin - done);
    done = end;
  });
  data_->discard(done, data_->bytes().size() - done);
}

std::size_t ModelBytes::lent_bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for_each_lent([&](std::size_t begin, std::size_t end) { sum += end - begin; });
  return sum;
}

}  // namespace silhouette
