#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "faults/runner.hpp"
#include "silhouette/silhouette.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

// What is called here while requests are refused makes none of its own, so that all are the library's.
namespace silhouette {
namespace {

using namespace test::faults;
using test::source_file;

/// FNV-1a.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) value_ = (value_ ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3ULL;
  }
  template <typename T>
  void add(std::span<const T> values) {
    add(std::as_bytes(values));
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325ULL;
};

std::string model_file(std::string_view name) {
  return source_file("tests/data/models/" + std::string(name)).string();
}

/// Loads a model, segments an image and then does what else is wanted.
struct Case {
  ModelSource model{model_file("tiny_attention.pte")};
  LoadOptions load{};
  std::vector<std::byte> pixels = std::vector<std::byte>(3 * 40 * 30, std::byte{100});
  std::string file{};  ///< in the place of the pixels
  ForwardOptions forward{};
  std::vector<ClassId> classes{ClassId(1)};
  std::function<std::optional<Error>(const Segmentation&, Hash&)> more{};
  std::function<void()> before{};

  explicit Case(int threads = 1) {
    load.threads = threads;
    forward.resize = true;
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::byte>(i * 7 % 251);
  }

  [[nodiscard]] Scenario scenario() const {
    return [given = *this, image = ImageSource(file)] { return given.run(image); };
  }

 private:
  [[nodiscard]] Attempt run(const ImageSource& from_file) const {
    ModelSource source = [&] {
      const Spared scope;
      if (before) before();
      return model;
    }();
    ImageSegmentationModule module;
    if (auto loaded = module.load(std::move(source), load); !loaded) return {std::move(loaded.error()), 0};
    const auto photo = file.empty()
                           ? module.forward(ImageSource::pixels({pixels, 40, 30, PixelFormat::kRgb}), classes, forward)
                           : module.forward(from_file, classes, forward);
    if (!photo) return {photo.error(), 0};
    Hash hash;
    hash.add(photo->argmax());
    const auto map = photo->probability(classes.front());
    if (!map) return {map.error(), 0};
    hash.add(*map);
    if (more) {
      if (auto error = more(*photo, hash)) return {std::move(error), 0};
    }
    return {std::nullopt, hash.value()};
  }
};

constexpr long kAll = 1'000'000;

/// Where nothing but this library's own and what it understands is refused.
void expect_perfect(const std::string& name, const Case& given, long most = kAll) {
  for (const Mode mode : {Mode::kOnce, Mode::kFromThenOn}) {
    const Tally tally = expect_every_failure_is_clean(name, given.scenario(), mode, most);
    EXPECT_EQ(tally.misnamed, 0) << name;
    EXPECT_EQ(tally.spoilt, 0) << name;
  }
}

/// Where other libraries have their part. Each time that one of them ends the process costs a new start.
void expect_clean(const std::string& name, const Case& given, long most, Start start = Start::kWarm) {
  for (const Mode mode : {Mode::kOnce, Mode::kFromThenOn}) {
    const Tally tally = expect_every_failure_is_clean(name, given.scenario(), mode, most, start);
    EXPECT_GT(tally.points, most / 2) << name;
  }
}

TEST(Faults, PixelsThroughTheNativeEngine) {
  for (const int threads : {1, 3}) {
    Case given(threads);
    expect_perfect("attention, " + std::to_string(threads) + " threads", given);
    given.model = model_file("blob_full.pte");
    given.forward.filter = ResizeFilter::kLinear;
    given.forward.keep_image = true;
    given.load.memory = MemoryUse::kLow;
    expect_perfect("many operators, " + std::to_string(threads) + " threads", given);
  }
}

TEST(Faults, EncodedImages) {
  for (const char* const name : {"orientation_6.png", "photo.jpg"}) {
    Case given;
    given.file = source_file(std::string("tests/data/images/") + name).string();
    expect_clean(name, given, 120);
    expect_clean(std::string(name) + ", first image", given, 20, Start::kFresh);
  }
}

TEST(Faults, Executorch) {
  for (const int threads : {1, 2}) {
    Case given(threads);
    given.load.engine = EngineChoice::kExecutorch;
    for (const char* const name : {"tiny_int8.pte", "tiny_portable.pte"}) {
      given.model = model_file(name);
      const auto title = std::string("ExecuTorch, ") + name + ", " + std::to_string(threads) + " threads";
      for (const Mode mode : {Mode::kOnce, Mode::kFromThenOn}) {
        // XNNPACK calls it a success if it lacks memory for the zeros around its two int8 convolutions.
        const Tally tally = expect_every_failure_is_clean(title, given.scenario(), mode, kAll);
        EXPECT_EQ(tally.misnamed, 0) << title;
        EXPECT_LE(tally.spoilt, 2) << title;
      }
    }
    expect_clean("ExecuTorch, first model, " + std::to_string(threads) + " threads", given, 60, Start::kFresh);
  }
}

TEST(Faults, PackedWeights) {
  const test::ScratchFolder folder;
  Case given;
  given.load.keep_packed_weights = true;
  given.load.cache_directory = folder.path().string();
  prepare(given.scenario());
  expect_perfect("packed weights that are there", given);
  given.before = [packed = folder.path() / "packed"] { std::filesystem::remove_all(packed); };
  expect_perfect("packed weights that are written", given, 250);
}

TEST(Faults, PicturesAndShapes) {
  Case given;
  given.forward.keep_image = true;
  given.load.labels.clear();
  given.more = [](const Segmentation& photo, Hash& hash) -> std::optional<Error> {
    const ClassId& one = photo.classes().front();
    for (const auto& png : {photo.mask_png(), photo.cutout_png({&one, 1})}) {
      if (!png) return png.error();
      hash.add(std::span(*png));
    }
    const auto rle = photo.rle(one);
    if (!rle) return rle.error();
    const auto text = rle->compressed();
    if (!text) return text.error();
    const auto parsed = parse_rle(*text, rle->width, rle->height);
    if (!parsed) return parsed.error();
    const auto mask = decode_rle(*parsed);
    if (!mask) return mask.error();
    const auto again = encode_rle(*mask, rle->width, rle->height);
    if (!again) return again.error();
    hash.add(std::span(again->counts));
    const auto polygons = photo.polygons(one);
    if (!polygons) return polygons.error();
    for (const Polygon& polygon : *polygons) hash.add(std::span(polygon.outer));
    return std::nullopt;
  };
  expect_perfect("pictures and shapes", given);
}

TEST(Faults, Legends) {
  Case given;
  given.forward.keep_image = true;
  given.more = [](const Segmentation& photo, Hash& hash) -> std::optional<Error> {
    const auto png = photo.overlay_png();
    if (!png) return png.error();
    hash.add(std::span(*png));
    return std::nullopt;
  };
  expect_clean("legends", given, 80);
}

/// A server in a process of its own, to which nothing is refused.
class ServerProcess {
 public:
  explicit ServerProcess(const std::string& body) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    child_ = ::fork();
    if (child_ == 0) {
      const test::HttpServer server([&](const test::HttpRequest&) { return test::HttpReply{.body = body}; });
      const std::string url = server.url("/model.pte");
      static_cast<void>(!::write(ends[1], url.data(), url.size()));
      ::close(ends[1]);
      while (true) ::pause();
    }
    ::close(ends[1]);
    char text[200] = {};
    url_.assign(text, static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends[0], text, sizeof text))));
    ::close(ends[0]);
    ::setenv("no_proxy", "127.0.0.1", 1);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  pid_t child_ = -1;
  std::string url_;
};

TEST(Faults, Downloads) {
  const auto bytes = test::read_bytes(model_file("tiny_plain.pte"));
  const ServerProcess server({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const test::ScratchFolder folder;
  Case given;
  given.model = server.url();
  given.load.cache_directory = (folder.path() / "cache").string();
  given.before = [cache = folder.path() / "cache"] { std::filesystem::remove_all(cache); };
  expect_clean("downloads", given, 100);
}

TEST(Faults, FewThreads) {
  Case given(4);
  expect_few_threads_do("native engine", given.scenario(), 4);
  given.file = source_file("tests/data/images/photo.jpg").string();
  expect_few_threads_do("a JPEG", given.scenario(), 6);
  given.file = {};
  given.load.engine = EngineChoice::kExecutorch;
  given.model = model_file("tiny_int8.pte");
  expect_few_threads_do("ExecuTorch", given.scenario(), 8);
  // Large enough for its pool to share out.
  given.model = ModelSource(kDeeplabV3MobilenetV2Embedded);
  expect_few_threads_do("ExecuTorch, a whole network", given.scenario(), 2);
}

}  // namespace
}  // namespace silhouette
