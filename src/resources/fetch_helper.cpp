// Downloads ARGV[1] to ARGV[2] with the library's code; for tests. Exit code 0, or 1 with the error on stderr.
#include <cstdio>

#include "resources/download.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto result =
      silhouette::download_file({.url = argv[1], .path = argv[2], .sha256 = {}, .check = {}}, {}, {}, {});
  if (result) return 0;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return 1;
}
