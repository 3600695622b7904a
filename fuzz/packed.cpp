// Files of packed weights, whole, changed and of others: the network's results never depend on them.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/native/packed_file.hpp"
#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "fuzz/networks.hpp"
#include "support/support.hpp"

namespace silhouette::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

/// One network, whose packed weights are in a file.
struct Kept {
  silhouette::test::ScratchFolder folder;
  std::filesystem::path path = folder.path() / "weights.bin";
  Bytes file;  // the network's, which borrows from it
  Loaded network;
  std::vector<float> input;
  std::vector<float> values;  // without any file
  Bytes packed;               // as it was written

  Kept() {
    static constexpr std::byte kSteps[64]{std::byte{7}, std::byte{9}};
    Input in(kSteps);
    file = make_model(in, {});
    network = *load(file, Soundness::kSound);
    input = input_for(network.shape);
    values = run_native(network, input, {}, one_thread());
    require_same(run(), values, "packed weights that are written");
    packed = silhouette::test::read_bytes(path);
  }

  [[nodiscard]] std::vector<float> run() const {
    return run_native(network, input, {.kept = silhouette::native::kept_in_file(path), .model_key = "a model"},
                      one_thread());
  }
};

void write(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) broken("can't write {}", path.string());
}

Bytes changed(Bytes bytes, Input& in) {
  constexpr std::size_t kHead = 4096;
  switch (in.below(5)) {
    case 0: return {in.rest().begin(), in.rest().end()};
    case 1: bytes.resize(in.word() % (2 * bytes.size())); break;
    case 2:  // a number of the header
      for (std::size_t at = 4 * in.below(16); !in.empty() && at < bytes.size(); ++at)
        bytes[at] = static_cast<std::byte>(in.byte());
      break;
    case 3:  // some bytes anywhere
      for (int times = in.within(1, 8); times > 0; --times)
        bytes[in.word() % bytes.size()] ^= static_cast<std::byte>(in.byte());
      break;
    default: {  // weights of one value
      const auto value = static_cast<std::byte>(in.byte());
      for (std::size_t at = kHead + 4 * in.below(64); at < bytes.size(); ++at) bytes[at] = value;
    }
  }
  return bytes;
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  static const Kept kKept;
  Input in(bytes);
  write(kKept.path, changed(kKept.packed, in));
  require_same(kKept.run(), kKept.values, "weights from a changed file");
  if (silhouette::test::read_bytes(kKept.path) != kKept.packed) broken("a damaged file isn't replaced");
  const auto files = std::distance(std::filesystem::directory_iterator(kKept.folder.path()), {});
  if (files > 2) broken("{} files are left", files);
}

}  // namespace silhouette::fuzz
