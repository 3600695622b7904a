// synthesize SKELETON OUT.pte: writes the full-size network that a skeleton stands for.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "synthesize/synthesize.hpp"

namespace {

int fail(const std::filesystem::path& path, const std::string& message) {
  std::cerr << "synthesize: " << path.string() << ": " << message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: synthesize SKELETON OUT.pte\n";
    return 2;
  }
  const std::filesystem::path source = argv[1];
  const std::filesystem::path target = argv[2];

  std::ifstream in(source, std::ios::binary);
  const std::vector<char> skeleton{std::istreambuf_iterator<char>(in), {}};
  if (!in) return fail(source, "cannot be read");
  const auto file = silhouette::tools::synthesize(std::as_bytes(std::span(skeleton)));
  if (!file) return fail(source, file.error());

  // Under another name first: whoever looks for the file must not find half of it.
  std::filesystem::path partial = target;
  partial += ".part";
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(file->data()), static_cast<std::streamsize>(file->size()));
  out.close();
  if (!out) return fail(partial, "cannot be written");
  std::error_code error;
  std::filesystem::rename(partial, target, error);
  if (error) return fail(target, error.message());
  return 0;
}
