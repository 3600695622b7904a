#include "resources/trust.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/file.hpp"

namespace silhouette {
namespace {

constexpr std::uint64_t kMaxBundleBytes = 64ULL << 20;

/// Where systems keep their bundle, for a libcurl that was built on another one.
constexpr std::array kBundles{
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL 7 and later
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/etc/ssl/cert.pem",                                  // Alpine
};

struct Additions {
  std::mutex mutex;
  std::string fallback;
  std::string added;
};

Additions& additions() {
  static Additions all;
  return all;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool readable(const char* path) {
  return path != nullptr && ::access(path, R_OK) == 0;
}

bool has_entries(const char* folder) {
  if (folder == nullptr) return false;
  bool any = false;
  [[maybe_unused]] const auto error = visit_folder(folder, [&](const auto&) {
    any = true;
    return false;
  });
  return any;
}

std::string system_bundle(const curl_version_info_data& curl) {
  if (readable(curl.cainfo)) return curl.cainfo;
  for (const char* const path : kBundles) {
    if (readable(path)) return path;
  }
  return {};
}

}  // namespace

void set_fallback_certificates(std::string pem) {
  auto& all = additions();
  const std::lock_guard lock(all.mutex);
  all.fallback = std::move(pem);
}

void add_trusted_certificates(std::string pem) {
  auto& all = additions();
  const std::lock_guard lock(all.mutex);
  // Each environment of a program may bring the same.
  if (all.added.contains(pem)) return;
  all.added += pem;
  if (!pem.ends_with('\n')) all.added += '\n';
}

Trust current_trust() {
  const curl_version_info_data& curl = *::curl_version_info(CURLVERSION_NOW);
  return choose_trust(system_bundle(curl), has_entries(curl.capath) ? curl.capath : "");
}

Trust choose_trust(const std::string& system_file, const std::string& system_folder) {
  Trust trust;
  const auto take = [&](const char* name, std::string& place) {
    place = variable(name);
    if (place.empty()) return false;
    trust.origin += fmt::format("{}${} ('{}')", trust.origin.empty() ? "" : " and ", name, place);
    return true;
  };
  if (!take("CURL_CA_BUNDLE", trust.file)) {
    take("SSL_CERT_FILE", trust.file);
    take("SSL_CERT_DIR", trust.folder);
  }
  const bool named = !trust.origin.empty();
  if (trust.file.empty()) trust.file = system_file;
  if (trust.folder.empty()) trust.folder = system_folder;
  trust.nothing = trust.file.empty() && trust.folder.empty();
  if (!named) trust.origin = "the system's certificates";

  auto& all = additions();
  const std::lock_guard lock(all.mutex);
  if (trust.nothing && !all.fallback.empty()) {
    trust.pem = all.fallback + '\n';
    trust.origin = "the certificates that came along";
    trust.nothing = false;
  }
  if (all.added.empty()) return trust;
  if (!trust.file.empty()) {
    // One that can't be read is left to libcurl, which says so.
    const auto bytes = read_file(trust.file, kMaxBundleBytes);
    if (!bytes) return trust;
    trust.pem.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    trust.pem += '\n';
  }
  trust.pem += all.added;
  trust.nothing = false;
  trust.origin += " and those that were added";
  return trust;
}

}  // namespace silhouette
