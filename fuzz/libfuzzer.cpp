// libFuzzer's way into a target.
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  silhouette::fuzz::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
