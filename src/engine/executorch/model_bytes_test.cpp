#include "engine/executorch/model_bytes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

#include "support/support.hpp"

namespace silhouette {
namespace {

namespace et = ::executorch::runtime;

constexpr et::DataLoader::SegmentInfo kAny{};

std::size_t page() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

AlignedBuffer<std::byte> pages(std::size_t count) {
  auto buffer = AlignedBuffer<std::byte>::create(count * page(), "a test").value();
  std::ranges::fill(buffer.span(), std::byte{7});
  return buffer;
}

bool all(std::span<const std::byte> bytes, int value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return std::to_integer<int>(byte) == value; });
}

TEST(ModelBytes, LendsInPlaceAndCountsWhatIsOut) {
  const auto data = std::make_shared<ModelData>(pages(4));
  ModelBytes bytes(data);
  const auto loader = bytes.make_loader();
  EXPECT_EQ(loader->size().get(), 4 * page());
  {
    auto first = loader->load(10, 100, kAny);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->data(), data->bytes().data() + 10);
    EXPECT_EQ(first->size(), 100U);
    // The same again, one that overlaps it, and one apart.
    auto again = loader->load(10, 100, kAny);
    auto across = loader->load(100, 50, kAny);
    auto apart = loader->load(1000, 1, kAny);
    EXPECT_EQ(bytes.lent_bytes(), 141U);
    again->Free();
    EXPECT_EQ(bytes.lent_bytes(), 141U);
    across->Free();
    EXPECT_EQ(bytes.lent_bytes(), 101U);
  }
  EXPECT_EQ(bytes.lent_bytes(), 0U);
  std::vector<std::byte> copy(5);
  EXPECT_EQ(loader->load_into(3, 5, kAny, copy.data()), et::Error::Ok);
  EXPECT_TRUE(all(copy, 7));
}

TEST(ModelBytes, RefusesWhatLiesOutside) {
  ModelBytes bytes(std::make_shared<ModelData>(pages(1)));
  const auto loader = bytes.make_loader();
  std::byte byte{};
  for (const auto& [offset, size] :
       {std::pair{page(), std::size_t{1}}, {std::size_t{0}, page() + 1}, {SIZE_MAX, std::size_t{2}}}) {
    EXPECT_EQ(loader->load(offset, size, kAny).error(), et::Error::InvalidArgument);
    EXPECT_EQ(loader->load_into(offset, size, kAny, &byte), et::Error::InvalidArgument);
  }
  EXPECT_TRUE(loader->load(page(), 0, kAny).ok());
}

TEST(ModelBytes, DiscardsAllButWhatIsLentAndThenLendsNothing) {
  const auto data = std::make_shared<ModelData>(pages(8));
  ModelBytes bytes(data);
  const auto loader = bytes.make_loader();
  auto kept = loader->load(3 * page() + 5, page(), kAny);
  auto nested = loader->load(3 * page() + 10, 20, kAny);
  auto returned = loader->load(6 * page(), page(), kAny);
  returned->Free();
  bytes.discard_rest();
  const auto view = data->bytes();
  EXPECT_TRUE(all(view.subspan(3 * page() + 5, page()), 7));
  // The buffer isn't aligned to pages: of those at its ends some bytes stay.
  EXPECT_TRUE(all(view.subspan(page(), page()), 0));
  EXPECT_TRUE(all(view.subspan(6 * page(), page()), 0));
  std::byte byte{};
  EXPECT_EQ(loader->load(0, 1, kAny).error(), et::Error::InvalidState);
  EXPECT_EQ(loader->load_into(0, 1, kAny, &byte), et::Error::InvalidState);
}

TEST(ModelBytes, KeepsWhatIsReadAfterItWasGivenBack) {
  const auto data = std::make_shared<ModelData>(pages(8));
  const std::vector<std::pair<std::size_t, std::size_t>> kept{{3 * page(), page()}};
  ModelBytes bytes(data, kept);
  const auto loader = bytes.make_loader();
  loader->load(3 * page(), page(), kAny)->Free();
  EXPECT_EQ(bytes.lent_bytes(), page());
  bytes.discard_rest();
  EXPECT_TRUE(all(data->bytes().subspan(3 * page(), page()), 7));
  EXPECT_TRUE(all(data->bytes().subspan(5 * page(), page()), 0));
}

TEST(ModelBytes, PagesOfAMappedFileComeBack) {
  const test::ScratchFolder folder;
  const auto path = folder.path() / "model";
  const std::string text(8 * page(), 'x');
  std::ofstream(path) << text;
  const auto data = std::make_shared<ModelData>(MappedFile::open(path, 1 << 20).value());
  ModelBytes bytes(data);
  bytes.discard_rest();
  EXPECT_TRUE(all(data->bytes(), 'x'));
}

}  // namespace
}  // namespace silhouette
