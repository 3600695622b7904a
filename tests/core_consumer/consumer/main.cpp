// A program with bytes and pixels of its own, without exceptions and run-time types. It compares what it gets with what
// PyTorch makes of the same image.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <silhouette/core/session.hpp>
#include <vector>

namespace {

std::vector<std::byte> read(const char* path) {
  std::vector<std::byte> bytes(1 << 20);
  std::FILE* const file = std::fopen(path, "rb");
  if (file == nullptr) return {};
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  return bytes;
}

constexpr std::size_t kNpyHead = 128;  // of the arrays that it reads

int fail(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  namespace core = silhouette::core;
  if (argc != 4) return fail("usage", "consumer MODEL IMAGE.npy LOGITS.npy");
  auto model = read(argv[1]);
  auto pixels = read(argv[2]);
  const auto golden = read(argv[3]);
  constexpr std::size_t kSide = 32;
  constexpr std::size_t kPixels = kSide * kSide;
  if (pixels.size() != kNpyHead + kPixels * 3 || golden.size() != kNpyHead + kPixels * 3 * sizeof(float))
    return fail("arrays", "of other sizes");
  pixels.erase(pixels.begin(), pixels.begin() + kNpyHead);
  auto threads = core::Threads::create(2);
  if (!threads) return fail("threads", threads.error().message.c_str());
  core::SessionOptions options;
  options.threads = *threads;
  options.labels = {"red", "green", "blue"};
  const auto session = core::Session::load(model, options);
  if (!session) return fail("load", session.error().message.c_str());
  model = {};

  core::SegmentOptions wanted;
  wanted.classes = {2, 1};
  wanted.keep_image = true;
  const auto maps = session->segment({.bytes = pixels, .width = kSide, .height = kSide}, wanted);
  if (!maps) return fail("segment", maps.error().message.c_str());
  if (maps->argmax().size() != kPixels) return fail("maps", "of another size");
  for (std::size_t i = 0; i < kPixels; ++i) {
    std::array<float, 3> score{};
    for (std::size_t c = 0; c < 3; ++c)
      std::memcpy(&score[c], golden.data() + kNpyHead + (c * kPixels + i) * sizeof(float), sizeof(float));
    std::size_t best = 0;
    for (std::size_t c = 1; c < 3; ++c) best = score[c] > score[best] ? c : best;
    const auto found = static_cast<std::size_t>(maps->argmax()[i]);
    if (found > 2 || score[best] - score[found] > 1e-4F) return fail("argmax", "isn't PyTorch's");
    float sum = 0;
    for (const float value : score) sum += std::exp(value - score[2]);
    if (std::abs(maps->probability(2)[i] - 1 / sum) > 1e-4F) return fail("probability", "isn't PyTorch's");
  }
  const auto cut = maps->cutout();
  if (cut) return fail("cutout", "there is no background");
  const auto overlay = maps->overlay(0.0F);
  if (!overlay || overlay->bytes().size() != pixels.size()) return fail("overlay", "isn't one");

  pixels.pop_back();
  if (session->segment({.bytes = pixels, .width = kSide, .height = kSide}))
    return fail("segment", "took too few pixels");
  const auto damaged = core::Session::load(std::span(pixels), options);
  if (damaged || damaged.error().code != silhouette::ErrorCode::kInvalidModel)
    return fail("load", "took pixels for a model");
  std::puts("all right");
}
