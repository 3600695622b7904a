// Maps that are taken apart and made again, and what else somebody needs who has no threads of C++'s to stop a call
// from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include "base/hash_random.hpp"
#include "silhouette/core/session.hpp"
#include "support/support.hpp"

namespace silhouette::core {
namespace {

using ::testing::HasSubstr;

Result<Session> load(const std::string& model, const SessionOptions& options = {}) {
  return Session::load(test::read_bytes(test::source_file("tests/data/models/" + model + ".pte")), options);
}

constexpr int kWidth = 24;
constexpr int kHeight = 18;

/// Any photo.
std::vector<std::byte> photo() {
  std::vector<std::byte> bytes(std::size_t{3} * kWidth * kHeight);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i % 251);
  return bytes;
}

PixelView view_of(const std::vector<std::byte>& bytes) {
  return {.bytes = bytes, .width = kWidth, .height = kHeight};
}

std::vector<std::byte> bytes_of(const Result<Picture>& picture) {
  EXPECT_TRUE(picture) << picture.error().message;
  if (!picture) return {};
  return {picture->bytes().begin(), picture->bytes().end()};
}

/// What maps show, for Maps::from.
MapsView view_of(const Maps& maps, std::span<const std::string> labels) {
  return {.width = maps.width(),
          .height = maps.height(),
          .argmax = maps.argmax(),
          .labels = labels,
          .image = maps.image(),
          .foreground = maps.foreground()};
}

void expect_refused(const MapsView& view, const char* text) {
  const auto maps = Maps::from(view);
  ASSERT_FALSE(maps);
  EXPECT_EQ(maps.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(maps.error().message, HasSubstr(text));
}

class TakenApart : public ::testing::TestWithParam<const char*> {};

TEST_P(TakenApart, MapsMakeTheSamePicturesAndShapes) {
  const auto session = load(GetParam());
  ASSERT_TRUE(session) << session.error().message;
  const auto image = photo();
  const auto maps = session->segment(view_of(image), {.resize = true, .keep_image = true});
  ASSERT_TRUE(maps) << maps.error().message;
  EXPECT_EQ(maps->foreground().has_value(), session->description().channels == 1);
  EXPECT_TRUE(std::ranges::equal(maps->image().value().bytes, image));
  EXPECT_GE(maps->timings().network_ms, 0);

  const auto again = Maps::from(view_of(*maps, session->description().labels));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(std::ranges::equal(again->pixel_counts(), maps->pixel_counts()));
  EXPECT_EQ(bytes_of(again->mask()), bytes_of(maps->mask()));
  EXPECT_EQ(bytes_of(again->overlay()), bytes_of(maps->overlay()));
  const int subject = maps->argmax()[0];
  const Background backgrounds[] = {std::monostate{}, std::array<std::uint8_t, 3>{1, 2, 3}, Blur{0.1}, view_of(image)};
  for (const Background& background : backgrounds) {
    EXPECT_EQ(bytes_of(again->cutout({&subject, 1}, background)), bytes_of(maps->cutout({&subject, 1}, background)));
  }
  EXPECT_EQ(again->rle(subject).value(), maps->rle(subject).value());
  EXPECT_EQ(again->polygons(subject).value(), maps->polygons(subject).value());
}

INSTANTIATE_TEST_SUITE_P(Models, TakenApart, ::testing::Values("tiny_plain", "tiny_single_channel"));

TEST(Maps, HaveABackgroundBehindTheirCutouts) {
  const std::vector<std::string> labels{"BACKGROUND", "CAT"};
  const std::vector<std::int32_t> argmax(std::size_t{kWidth} * kHeight, 0);
  const auto image = photo();
  const auto maps =
      Maps::from({.width = kWidth, .height = kHeight, .argmax = argmax, .labels = labels, .image = view_of(image)});
  ASSERT_TRUE(maps) << maps.error().message;
  const auto nothing = maps->cutout();
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->format(), PixelFormat::kRgba);
  const auto colored = maps->cutout({}, std::array<std::uint8_t, 3>{1, 2, 3});
  ASSERT_TRUE(colored);
  EXPECT_EQ(colored->format(), PixelFormat::kRgb);
  EXPECT_EQ(colored->bytes()[1], std::byte{2});
  for (const double share : {0.0, -1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    const auto blurred = maps->cutout({}, Blur{share});
    ASSERT_FALSE(blurred);
    EXPECT_EQ(blurred.error().code, ErrorCode::kInvalidArgument);
  }
  auto odd = view_of(image);
  odd.width = kWidth + 1;
  EXPECT_EQ(maps->cutout({}, odd).error().code, ErrorCode::kInvalidArgument);
}

TEST(Maps, AreMadeOfNothingThatDoesntFit) {
  const std::vector<std::string> labels{"BACKGROUND", "CAT"};
  const std::vector<std::int32_t> argmax(std::size_t{kWidth} * kHeight, 1);
  const auto image = photo();
  const MapsView sound{.width = kWidth, .height = kHeight, .argmax = argmax, .labels = labels};
  ASSERT_TRUE(Maps::from(sound));
  for (const int side : {0, -1, std::numeric_limits<int>::max()}) {
    MapsView view = sound;
    view.width = side;
    expect_refused(view, "no maps");
    view = sound;
    view.height = side;
    expect_refused(view, "no maps");
  }
  MapsView view = sound;
  view.argmax = view.argmax.first(7);
  expect_refused(view, "has 7 values");
  for (const std::int32_t value : {-1, 2, std::numeric_limits<std::int32_t>::min()}) {
    std::vector<std::int32_t> odd = argmax;
    odd.back() = value;
    view = sound;
    view.argmax = odd;
    expect_refused(view, "has the value");
  }
  view = sound;
  view.labels = {};
  expect_refused(view, "of 0 classes");
  view = sound;
  view.image = PixelView{.bytes = std::span(image).first(3), .width = 1, .height = 1};
  expect_refused(view, "1 × 1");
  view.image = PixelView{.bytes = std::span(image).first(5), .width = kWidth, .height = kHeight};
  expect_refused(view, "");
  const std::vector<float> values(4);
  view = sound;
  view.foreground = ForegroundView{.values = values, .width = 3, .height = 2};
  expect_refused(view, "3 × 2");
  view.foreground = ForegroundView{
      .values = values, .width = std::numeric_limits<int>::max(), .height = std::numeric_limits<int>::max()};
  expect_refused(view, "has 4 values");
}

TEST(Session, RunsItsNetworkAlone) {
  const auto session = load("tiny_plain");
  ASSERT_TRUE(session);
  const auto& about = session->description();
  std::vector<float> planes(std::size_t{3} * static_cast<std::size_t>(about.input_width) *
                            static_cast<std::size_t>(about.input_height));
  for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = hash_random(1000, i);
  const auto values = session->run(planes);
  ASSERT_TRUE(values) << values.error().message;
  const auto golden = test::read_npy_float(test::source_file("tests/golden/tiny/tiny_plain.npy"));
  ASSERT_EQ(values->size(), golden.values.size());
  for (std::size_t i = 0; i < values->size(); ++i) ASSERT_NEAR((*values)[i], golden.values[i], 1e-5) << i;
  EXPECT_EQ(session->run(std::span(planes).first(5)).error().code, ErrorCode::kInvalidArgument);
}

TEST(Session, AsksBetweenItsLoopsWhetherToStop) {
  std::atomic<int> asked = 0;
  std::stop_source stop;
  const auto threads = Threads::create(1, [&] {
    if (++asked == 5) stop.request_stop();
  });
  ASSERT_TRUE(threads);
  const auto session = load("tiny_plain", {.threads = *threads});
  ASSERT_TRUE(session);
  asked = 0;
  const auto image = photo();
  const auto maps = session->segment(view_of(image), {.stop = stop.get_token()});
  ASSERT_FALSE(maps);
  EXPECT_EQ(maps.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(session->segment(view_of(image)));
}

TEST(Session, TakesADefaultNormalizationWhereThereIsNoOther) {
  const Normalization other{.mean = {0.5F, 0.25F, 0.125F}, .std = {2, 3, 4}};
  const auto by_default = load("tiny_plain", {.default_normalization = other});
  ASSERT_TRUE(by_default);
  ASSERT_EQ(by_default->description().normalization_origin, "default");
  EXPECT_EQ(by_default->description().normalization.mean, other.mean);
  const Normalization own{.mean = {0, 0, 0}, .std = {1, 1, 1}};
  const auto by_caller = load("tiny_plain", {.normalization = own, .default_normalization = other});
  ASSERT_TRUE(by_caller);
  EXPECT_EQ(by_caller->description().normalization.mean, own.mean);
  const Normalization odd{.mean = {0, 0, 0}, .std = {0, 1, 1}};
  EXPECT_EQ(load("tiny_plain", {.default_normalization = odd}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace silhouette::core
