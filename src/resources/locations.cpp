#include <dlfcn.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "resources/models.hpp"
#include "resources/url.hpp"

namespace silhouette {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path home_directory() {
  if (auto home = environment("HOME"); !home.empty()) return home;
  struct passwd entry{};
  struct passwd* found = nullptr;
  std::array<char, 16 * 1024> buffer{};
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_dir;
}

/// The folder of the shared library, or executable, that this code is in.
fs::path library_directory() {
  static const char anchor = 0;
  Dl_info info{};
  if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const auto path = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : path.parent_path();
}

fs::path executable_directory() {
  std::error_code error;
  const auto path = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : path.parent_path();
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv): it only has to keep apart URLs of one cache.
std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace

Result<fs::path> cache_directory(const std::string& chosen) {
  if (!chosen.empty()) return fs::path(chosen);
  if (const auto path = environment("SILHOUETTE_CACHE"); !path.empty()) return fs::path(path);
  // The XDG Base Directory Specification says to ignore relative paths.
  if (const fs::path path = environment("XDG_CACHE_HOME"); path.is_absolute()) return path / "silhouette";
  if (const auto home = home_directory(); !home.empty()) return home / ".cache" / "silhouette";
  return fail(ErrorCode::kInvalidArgument, "there is no home directory to keep downloads in; set $SILHOUETTE_CACHE");
}

fs::path cached_file(const fs::path& cache, const std::string& url) {
  constexpr std::size_t kMaxNameBytes = 80;
  std::string name(url_file_name(url));
  if (name.ends_with(kModelEnding)) name.resize(name.size() - kModelEnding.size());
  name.resize(std::min(name.size(), kMaxNameBytes));
  std::ranges::replace_if(
      name,
      [](unsigned char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return !letter && c != '-' && c != '_';
      },
      '_');
  if (name.empty()) name = "model";
  return cache / "models" / fmt::format("{}-{:016x}{}", name, fnv1a(url), kModelEnding);
}

fs::path packed_directory(const fs::path& cache) {
  return cache / "packed";
}

std::vector<fs::path> model_directories() {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    const auto normal = folder.lexically_normal();
    if (std::ranges::find(folders, normal) == folders.end()) folders.push_back(normal);
  };
  if (const auto path = environment("SILHOUETTE_MODELS"); !path.empty()) add(path);
  if (const auto folder = library_directory(); !folder.empty()) {
    add(folder / SILHOUETTE_LIB_TO_MODELS);
    add(folder / "models");
  }
  if (const auto folder = executable_directory(); !folder.empty()) {
    add(folder / SILHOUETTE_BIN_TO_MODELS);
    add(folder / "models");
  }
  add(SILHOUETTE_INSTALLED_MODELS);
  return folders;
}

}  // namespace silhouette
