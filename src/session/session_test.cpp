#include "silhouette/core/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "support/support.hpp"

namespace silhouette::core {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Result<Session> load(const std::string& model, const SessionOptions& options = {}) {
  return Session::load(test::read_bytes(test::source_file("tests/data/models/" + model + ".pte")), options);
}

/// Grey, rising from left to right and from top to bottom.
struct Photo {
  int width;
  int height;
  std::vector<std::uint8_t> values;

  Photo(int w, int h) : width(w), height(h) {
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x)
        values.insert(values.end(), {static_cast<std::uint8_t>(x * 255 / w), static_cast<std::uint8_t>(y * 255 / h),
                                     static_cast<std::uint8_t>((x + y) % 256)});
    }
  }
  [[nodiscard]] PixelView view() const {
    return {.bytes = std::as_bytes(std::span(values)), .width = width, .height = height};
  }
};

TEST(Session, SegmentsPixels) {
  const auto session = load("tiny_plain");
  ASSERT_TRUE(session) << session.error().message;
  const auto& about = session->description();
  EXPECT_EQ(about.format, "pte");
  const Photo photo(40, 30);
  const auto maps = session->segment(photo.view());
  ASSERT_TRUE(maps) << maps.error().message;
  EXPECT_EQ(maps->width(), about.output_width);
  EXPECT_EQ(maps->height(), about.output_height);
  EXPECT_THAT(maps->argmax(), SizeIs(static_cast<std::size_t>(maps->width() * maps->height())));
  const auto counts = maps->pixel_counts();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), maps->width() * maps->height());
  EXPECT_THAT(maps->classes(), IsEmpty());
  EXPECT_THAT(maps->probability(0), IsEmpty());
}

TEST(Session, GivesProbabilitiesOfAllClassesThatSumToOne) {
  const auto session = load("tiny_plain");
  ASSERT_TRUE(session);
  SegmentOptions options{.resize = true};
  const auto classes = static_cast<int>(session->description().labels.size());
  for (int i = 0; i < 2 * classes; ++i) options.classes.push_back((2 * classes - i) % classes);
  const Photo photo(40, 30);
  const auto maps = session->segment(photo.view(), options);
  ASSERT_TRUE(maps) << maps.error().message;
  EXPECT_EQ(maps->width(), 40);
  EXPECT_EQ(maps->height(), 30);
  EXPECT_THAT(maps->classes(), SizeIs(session->description().labels.size()));
  EXPECT_TRUE(std::ranges::is_sorted(maps->classes()));
  for (std::size_t i = 0; i < maps->argmax().size(); ++i) {
    float sum = 0;
    float most = 0;
    for (const int c : maps->classes()) {
      sum += maps->probability(c)[i];
      most = std::max(most, maps->probability(c)[i]);
    }
    ASSERT_NEAR(sum, 1, 1e-5);
    ASSERT_NEAR(maps->probability(maps->argmax()[i])[i], most, 1e-6);
  }
}

TEST(Session, IsTheSameOnAnyThreadsAndIsas) {
  const Photo photo(50, 37);
  std::vector<float> first;
  for (const auto isa : instruction_sets()) {
    for (const int threads : {1, 3}) {
      SessionOptions options{.threads = Threads::create(threads).value(), .instruction_set = std::string(isa)};
      const auto session = load("tiny_clone", options);
      ASSERT_TRUE(session) << session.error().message;
      const auto maps = session->segment(photo.view(), {.classes = {1}});
      ASSERT_TRUE(maps);
      const auto values = maps->probability(1);
      if (first.empty()) first.assign(values.begin(), values.end());
      ASSERT_EQ(values.size(), first.size());
      for (std::size_t i = 0; i < first.size(); ++i) ASSERT_NEAR(values[i], first[i], 1e-5) << isa;
    }
  }
}

TEST(Session, OutlivesTheBytesAndTheHandleOfItsThreads) {
  auto threads = Threads::create(2).value();
  EXPECT_EQ(threads.count(), 2);
  EXPECT_EQ(Threads().count(), 1);
  auto session = load("tiny_plain", {.threads = threads});
  threads = Threads();
  ASSERT_TRUE(session);
  auto maps = session->segment(Photo(16, 16).view());
  session = load("tiny_argmax_i32");
  ASSERT_TRUE(maps);
  EXPECT_FALSE(session) << "the native engine has no integers";
  EXPECT_EQ(maps->argmax().size(), 256U);
}

TEST(Session, TakesAnyNumberOfCallsAtOnce) {
  const auto threads = Threads::create(2).value();
  const auto session = load("tiny_clone", {.threads = threads});
  const auto other = load("tiny_plain", {.threads = threads});
  ASSERT_TRUE(session);
  ASSERT_TRUE(other);
  const Photo photo(33, 21);
  const auto alone = session->segment(photo.view(), {.resize = true});
  ASSERT_TRUE(alone);
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto maps = session->segment(photo.view(), {.resize = true});
        EXPECT_TRUE(maps && std::ranges::equal(maps->argmax(), alone->argmax()));
        EXPECT_TRUE(other->segment(photo.view()));
      }
    });
  }
}

TEST(Session, MakesPictures) {
  const auto session = load("tiny_plain");
  ASSERT_TRUE(session);
  const Photo photo(64, 48);
  const auto maps = session->segment(photo.view(), {.resize = true, .keep_image = true});
  ASSERT_TRUE(maps) << maps.error().message;
  const auto mask = maps->mask();
  ASSERT_TRUE(mask);
  EXPECT_EQ(mask->format(), PixelFormat::kGray);
  EXPECT_TRUE(std::ranges::equal(mask->bytes(), maps->argmax(),
                                 [](std::byte a, std::int32_t b) { return std::to_integer<int>(a) == b; }));
  int lines = 0;
  const auto overlay = maps->overlay(0.5F, [&](std::string_view text, int height) -> Result<TextCoverage> {
    ++lines;
    EXPECT_THAT(std::string(text), HasSubstr("%"));
    return TextCoverage{
        .width = 20, .height = height, .values = std::vector<std::uint8_t>(20U * static_cast<unsigned>(height), 255)};
  });
  ASSERT_TRUE(overlay) << overlay.error().message;
  EXPECT_EQ(overlay->format(), PixelFormat::kRgb);
  EXPECT_EQ(overlay->bytes().size(), 64U * 48 * 3);
  const auto found = std::ranges::count_if(maps->pixel_counts(), [](std::int64_t n) { return n > 0; });
  const bool background = session->description().background >= 0 &&
                          maps->pixel_counts()[static_cast<std::size_t>(session->description().background)] > 0;
  EXPECT_EQ(lines, found - (background ? 1 : 0));
  const int subject = maps->argmax()[0];
  const auto cut = maps->cutout({&subject, 1});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->format(), PixelFormat::kRgba);
  EXPECT_EQ(cut->bytes()[3], std::byte{255});
}

TEST(Session, GivesShapes) {
  const auto session = load("tiny_plain");
  ASSERT_TRUE(session);
  const auto maps = session->segment(Photo(64, 48).view());
  ASSERT_TRUE(maps);
  for (int c = 0; c < static_cast<int>(maps->pixel_counts().size()); ++c) {
    const auto rle = maps->rle(c);
    ASSERT_TRUE(rle);
    const auto count = maps->pixel_counts()[static_cast<std::size_t>(c)];
    EXPECT_EQ(rle->area(), count);
    const auto polygons = maps->polygons(c, 0);
    ASSERT_TRUE(polygons);
    double area = 0;
    for (const Polygon& polygon : *polygons) area += polygon.area();
    EXPECT_EQ(area, static_cast<double>(count));
  }
  EXPECT_EQ(maps->rle(99).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(maps->polygons(-1).error().code, ErrorCode::kInvalidArgument);
}

void expect_refused(const Result<Picture>& picture, std::string_view message) {
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(picture.error().message, HasSubstr(std::string(message)));
}

TEST(Session, RefusesWhatCantBeMeant) {
  const auto session = load("tiny_plain");
  ASSERT_TRUE(session);
  const Photo photo(8, 8);
  for (const int channel : {-1, 99}) {
    const auto maps = session->segment(photo.view(), {.classes = {channel}});
    ASSERT_FALSE(maps);
    EXPECT_EQ(maps.error().code, ErrorCode::kInvalidArgument);
  }
  auto view = photo.view();
  view.height = 9;
  EXPECT_EQ(session->segment(view).error().code, ErrorCode::kInvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(session->segment(photo.view(), {.stop = stop.get_token()}).error().code, ErrorCode::kCancelled);
  const auto maps = session->segment(photo.view());
  expect_refused(maps->overlay(), "keep_image");
  expect_refused(maps->cutout(), "keep_image");
  const auto kept = session->segment(photo.view(), {.keep_image = true});
  expect_refused(kept->overlay(2.0F), "opacity");
  const int unknown = 99;
  expect_refused(kept->cutout({&unknown, 1}), "no class 99");
  expect_refused(kept->overlay(0.5F,
                               [](std::string_view, int) -> Result<TextCoverage> {
                                 return TextCoverage{.width = 3, .height = 3, .values = {1}};
                               }),
                 "3 × 3");
  EXPECT_EQ(Threads::create(0).error().code, ErrorCode::kInvalidArgument);
  const auto isa = load("tiny_plain", {.instruction_set = "sse9"});
  ASSERT_FALSE(isa);
  EXPECT_THAT(isa.error().message, AllOf(HasSubstr("sse9"), HasSubstr("portable")));
  const auto quantised = load("tiny_int8", {.name = "q.pte"});
  ASSERT_FALSE(quantised);
  EXPECT_EQ(quantised.error().code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(quantised.error().message, AllOf(HasSubstr("'q.pte'"), HasSubstr("quantised")));
  EXPECT_EQ(Session::load({}).error().code, ErrorCode::kInvalidModel);
}

}  // namespace
}  // namespace silhouette::core
