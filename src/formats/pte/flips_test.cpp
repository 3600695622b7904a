#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "formats/pte/test_reading.hpp"
#include "graph/graph.hpp"
#include "support/support.hpp"

namespace silhouette::pte {
namespace {

using silhouette::test::read_bytes;
using silhouette::test::source_file;
using silhouette::test::test_seed;
using test::parse_program;
using test::read_network;

/// Damages a file in one to three places, parses it, and repairs it. Whatever comes out is fine, as long as it comes
/// out and tells its reason; sanitizers watch for the rest.
void damage_and_parse(std::vector<std::byte> file, std::string_view name, std::size_t reach, int rounds,
                      std::mt19937_64& random) {
  constexpr std::uint32_t kTelling[] = {0,   1,     2,          3,          4,          7,         16,
                                        255, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FC00000};
  const auto expect_reason = [&](const Error& error) {
    ASSERT_TRUE(error.code == ErrorCode::kInvalidModel || error.code == ErrorCode::kUnsupportedModel ||
                error.code == ErrorCode::kLimitExceeded)
        << error.message;
    ASSERT_NE(error.message.find(name), std::string::npos) << error.message;
  };
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto good = std::vector<std::byte>(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(reach));
    const auto places = 1 + random() % 3;
    for (std::uint64_t i = 0; i < places; ++i) {
      const std::size_t at = random() % (reach - 4);
      if (random() % 2 == 0) {
        file[at] ^= std::byte{1} << (random() % 8);
      } else {
        std::memcpy(file.data() + at / 4 * 4, &kTelling[random() % std::size(kTelling)], 4);
      }
    }
    const auto program = parse_program(file, name);
    if (!program) {
      ++refused;
      expect_reason(program.error());
    }
    const auto network = read_network(file, name);
    EXPECT_TRUE(program || !network) << name;
    if (network) {
      EXPECT_TRUE(graph::verify(*network)) << name;
    } else {
      expect_reason(network.error());
    }
    std::ranges::copy(good, file.begin());
  }
  // Most of these bytes mean something.
  EXPECT_GT(refused, rounds / 4) << name;
  EXPECT_LT(refused, rounds) << name;
}

TEST(Flips, AreRefusedOrHarmless) {
  std::mt19937_64 random(test_seed());
  for (const auto* const name : {"tiny_plain", "tiny_clone", "tiny_portable", "tiny_int8", "tiny_inline_constants",
                                 "tiny_two_outputs", "tiny_channels_last", "rank2_input", "int_output"}) {
    const auto file = read_bytes(source_file("tests/data/models/" + std::string(name) + ".pte"));
    damage_and_parse(file, name, file.size(), 400, random);
  }
}

TEST(Flips, OfTheEmbeddedModelsTables) {
  std::mt19937_64 random(test_seed());
  const auto file = read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte"));
  // The program's table and the delegate's graph come before the weights.
  damage_and_parse(file, "deeplab", 44'000, 300, random);
}

}  // namespace
}  // namespace silhouette::pte
