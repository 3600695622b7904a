#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "engine/native/kept_weights.hpp"

namespace silhouette::native {

/// Packed weights in a file: a page that says whose they are and what their checksum is, then the floats, ready to be
/// mapped.
struct PackedFile {
  MappedFile file;
  std::span<const float> weights;
};

/// The packed weights at `path` if they are `count` floats made for `key`, unchanged since, in a file that no other
/// user can change; nothing otherwise, whatever the reason. Files there are only ever replaced, never changed.
std::optional<PackedFile> open_packed(const std::filesystem::path& path, std::string_view key, std::size_t count,
                                      ThreadPool& pool);

/// Writes them, whole or not at all; what can't be written is left. On their way they are in "PATH.part", locked
/// (flock): one that was left by a process that was killed is the next one's, and the cache's to delete.
void write_packed(const std::filesystem::path& path, std::string_view key, std::span<const float> weights,
                  ThreadPool& pool);

/// One file for the weights of one model, read and written by the functions above.
std::shared_ptr<KeptWeights> kept_in_file(const std::filesystem::path& path);

}  // namespace silhouette::native
