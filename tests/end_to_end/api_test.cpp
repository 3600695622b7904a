#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "resources/test_util.hpp"
#include "silhouette/silhouette.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::source_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string sample(const std::string& name) {
  return source_file("models/samples/" + name + ".png").string();
}

class Api : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto loaded = module_.load(kDeeplabV3MobilenetV2Embedded);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  ImageSegmentationModule module_;
};

TEST(ApiWithoutModel, ForwardSaysModelNotLoaded) {
  ImageSegmentationModule module;
  EXPECT_EQ(module.forward(sample("chelsea")).error().code, ErrorCode::kModelNotLoaded);
  EXPECT_EQ(module.description().error().code, ErrorCode::kModelNotLoaded);
  EXPECT_EQ(module.run_network({}).error().code, ErrorCode::kModelNotLoaded);
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
  EXPECT_TRUE(module.forward(sample("chelsea")));
  module.unload();
  EXPECT_EQ(module.forward(sample("chelsea")).error().code, ErrorCode::kModelNotLoaded);
}

TEST(ApiWithoutModel, ProgressEndsWithOneForLocalFilesAndBytes) {
  const auto path = source_file("models/deeplab_v3_mobilenet_v2.pte");
  for (ModelSource source : {ModelSource(path.string()), ModelSource("file://" + path.string()),
                             ModelSource(kDeeplabV3MobilenetV2Embedded), ModelSource::bytes(test::read_bytes(path))}) {
    ImageSegmentationModule module;
    std::vector<double> fractions;
    module.on_download_progress([&](double fraction) { fractions.push_back(fraction); });
    ASSERT_TRUE(module.load(std::move(source)));
    ASSERT_FALSE(fractions.empty());
    EXPECT_TRUE(std::ranges::is_sorted(fractions));
    EXPECT_EQ(fractions.back(), 1.0);
  }
}

TEST(ApiWithoutModel, DownloadsOnceWithProgress) {
  const auto bytes = test::read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte"));
  const test::ScratchFolder cache;
  LoadOptions options;
  options.cache_directory = cache.path().string();
  std::string url;
  {
    test::HttpServer server([&](const test::HttpRequest&) {
      test::HttpReply reply;
      reply.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return reply;
    });
    url = server.url("/some model.pte?token=1");
    std::vector<double> fractions;
    ImageSegmentationModule module;
    module.on_download_progress([&](double fraction) { fractions.push_back(fraction); });
    const auto loaded = module.load(url, options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_TRUE(std::ranges::is_sorted(fractions));
    EXPECT_GT(fractions.size(), 3U) << "no progress was told between start and end";
    EXPECT_EQ(fractions.back(), 1.0);
  }
  // The server is gone: a second load needs none.
  ImageSegmentationModule module;
  const auto loaded = module.load(url, options);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(module.forward(sample("chelsea")));
}

TEST_F(Api, DescribesTheModel) {
  const auto description = module_.description().value();
  EXPECT_EQ(description.input_width, 513);
  EXPECT_EQ(description.channels, 21);
  EXPECT_EQ(description.labels[8], "CAT");
  EXPECT_EQ(description.labels_origin, "file");
  EXPECT_EQ(description.normalization_origin, "file");
  EXPECT_EQ(description.normalization.mean[0], 0.5F);
  EXPECT_THAT(description.delegates, ElementsAre("XnnpackBackend"));
  EXPECT_EQ(description.engine, "native");
  EXPECT_FALSE(description.engine_reason.empty());
}

TEST(ApiWithoutModel, EnginesAreChosenAsAskedOrWithTheReason) {
  ImageSegmentationModule module;
  const auto chosen = [&](const std::string& model, EngineChoice engine) {
    LoadOptions options;
    options.engine = engine;
    const auto loaded = module.load(source_file("tests/data/models/" + model).string(), options);
    return loaded ? module.description()->engine + ": " + module.description()->engine_reason : loaded.error().message;
  };
  EXPECT_EQ(chosen("tiny_plain.pte", EngineChoice::kNative), "native: asked for");
  EXPECT_EQ(chosen("tiny_plain.pte", EngineChoice::kExecutorch), "executorch: asked for");
  EXPECT_THAT(chosen("tiny_plain.pte", EngineChoice::kAuto), ::testing::StartsWith("native: "));
  EXPECT_EQ(chosen("tiny_int8.pte", EngineChoice::kAuto),
            "executorch: the native engine can't run it: method 'forward': delegate 0: node 0 (convert): it is "
            "quantised, and the native engine computes in fp32");
  EXPECT_THAT(chosen("tiny_int8.pte", EngineChoice::kNative),
              AllOf(HasSubstr("tiny_int8.pte': method 'forward'"), HasSubstr("let ExecuTorch run it")));
}

TEST(ApiWithoutModel, ProfilesAddUpToTheNetwork) {
  ImageSegmentationModule module;
  LoadOptions options;
  options.threads = 2;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded, options));
  const std::vector<float> input(std::size_t{3} * 513 * 513, 0.5F);
  const auto profile = module.profile_network(input, 2);
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->threads, 2);
  EXPECT_GT(profile->peak_gflops, 0);
  std::int64_t multiply_adds = 0;
  for (const auto& step : profile->steps) {
    EXPECT_FALSE(step.name.empty());
    EXPECT_GT(step.milliseconds, 0);
    multiply_adds += step.multiply_adds;
  }
  // The network's 2.6 thousand million, filled-up channels included.
  EXPECT_GT(multiply_adds, 2'500'000'000);
  EXPECT_LT(multiply_adds, 3'000'000'000);
  EXPECT_EQ(module.profile_network(std::vector<float>(5), 1).error().code, ErrorCode::kInvalidArgument);
  options.engine = EngineChoice::kExecutorch;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded, options));
  EXPECT_EQ(module.profile_network(input, 1).error().code, ErrorCode::kInvalidArgument);
}

TEST(ApiWithoutModel, PackedWeightsAreKeptForTheNextLoad) {
  const test::ScratchFolder folder;
  LoadOptions options;
  options.cache_directory = (folder.path() / "cache").string();
  options.keep_packed_weights = true;
  const auto path = folder.path() / "mine.pte";
  const auto model = source_file("models/deeplab_v3_mobilenet_v2.pte");
  std::filesystem::copy_file(model, path);
  const auto bytes = test::read_bytes(model);
  test::HttpServer server([&](const test::HttpRequest&) {
    test::HttpReply reply;
    reply.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return reply;
  });
  std::vector<std::int32_t> first;
  std::ptrdiff_t files = 0;
  // A file of the user's and a download, whose last use is noted.
  for (const std::string& source : {path.string(), server.url("/model.pte")}) {
    SCOPED_TRACE(source);
    std::filesystem::file_time_type made;
    ++files;
    for (int i = 0; i < 2; ++i) {
      ImageSegmentationModule module;
      ASSERT_TRUE(module.load(source, options));
      const auto result = module.forward(sample("chelsea")).value();
      if (first.empty()) first.assign(result.argmax().begin(), result.argmax().end());
      EXPECT_TRUE(std::ranges::equal(result.argmax(), first));
      std::filesystem::file_time_type newest;
      std::ptrdiff_t count = 0;
      for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "cache" / "packed")) {
        newest = std::max(newest, entry.last_write_time());
        ++count;
      }
      EXPECT_EQ(count, files);
      if (i == 1) {
        EXPECT_EQ(newest, made) << "packed again";
      }
      made = newest;
    }
  }
}

TEST(ApiWithoutModel, WhatBecomesOfTheUsersFileLaterIsOfNoConcern) {
  const test::ScratchFolder folder;
  const auto path = folder.path() / "mine.pte";
  std::filesystem::copy_file(source_file("models/deeplab_v3_mobilenet_v2.pte"), path);
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(path.string()));
  const auto expected = module.forward(sample("chelsea")).value();
  const auto size = std::filesystem::file_size(path);
  const auto expect_same = [&](const char* after) {
    const auto result = module.forward(sample("chelsea"));
    ASSERT_TRUE(result) << after << ": " << result.error().message;
    EXPECT_TRUE(std::ranges::equal(result->argmax(), expected.argmax())) << after;
  };
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(size, 'x');
  }
  expect_same("rewritten in place");
  std::filesystem::resize_file(path, 0);
  expect_same("cut to nothing");
}

TEST(ApiWithoutModel, LabelsComeFromTheRegistryWhereTheFileHasNone) {
  const auto load = [](std::string_view name, const char* file, const LoadOptions& base) {
    const auto bytes = test::read_bytes(source_file(std::string("tests/data/models/") + file));
    const test::HttpServer mirror([&](const test::HttpRequest&) {
      return test::HttpReply{.body = {reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
    });
    const test::ScopedEnv host("SILHOUETTE_MODEL_HOST", mirror.url());
    const test::ScratchFolder cache;
    LoadOptions options = base;
    options.cache_directory = cache.path().string();
    ImageSegmentationModule module;
    const auto loaded = module.load(name, options);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return module.description().value();
  };
  const auto selfie = load(kSelfieSegmentation, "tiny_single_channel.pte", {});
  EXPECT_THAT(selfie.labels, ElementsAre("BACKGROUND", "FOREGROUND"));
  EXPECT_EQ(selfie.labels_origin, "registry");
  EXPECT_EQ(selfie.normalization_origin, "registry");
  // Another network under the name: its classes aren't those of the registry.
  const auto other = load(kDeeplabV3Resnet50, "tiny_plain.pte", {});
  EXPECT_THAT(other.labels, ElementsAre("class_0", "class_1", "class_2", "class_3"));
  EXPECT_EQ(other.labels_origin, "default");
  LoadOptions callers;
  callers.labels = {"a", "b"};
  EXPECT_EQ(load(kSelfieSegmentation, "tiny_single_channel.pte", callers).labels_origin, "caller");
}

TEST_F(Api, EverySourceOfOneImageGivesTheSameResult) {
  const auto path = sample("chelsea");
  const auto bytes = test::read_bytes(path);
  const auto expected = module_.forward(path).value();
  const auto same = [&](const ImageSource& source, const char* what) {
    const auto result = module_.forward(source);
    ASSERT_TRUE(result) << what << ": " << result.error().message;
    EXPECT_TRUE(std::ranges::equal(result->argmax(), expected.argmax())) << what;
  };
  same("file://" + path, "file URI");
  same(ImageSource::encoded(bytes), "bytes");
  const auto base64 = test::encode_base64(bytes);
  same(base64, "base64");
  same("data:image/png;base64," + base64, "data URI");
  test::HttpServer server([&](const test::HttpRequest&) {
    test::HttpReply reply;
    reply.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return reply;
  });
  same(server.url("/chelsea.png"), "URL");
}

TEST_F(Api, ResizeGivesTheOriginalsSize) {
  const auto small = module_.forward(sample("chelsea")).value();
  EXPECT_EQ(small.width(), 513);
  EXPECT_EQ(small.height(), 513);
  EXPECT_EQ(small.info().image_width, 451);
  const auto original = module_.forward(sample("chelsea"), {}, true).value();
  EXPECT_EQ(original.width(), 451);
  EXPECT_EQ(original.height(), 300);
  EXPECT_EQ(original.argmax().size(), 451U * 300);
}

TEST_F(Api, ClassesOfInterestInAnyOrderAndForm) {
  const std::vector<ClassId> ids{"CAT", DeeplabLabel::kArgmax, 0, DeeplabLabel::kCat, "ARGMAX", 8};
  const auto result = module_.forward(sample("chelsea"), ids).value();
  EXPECT_THAT(result.classes(), ElementsAre(0, 8));
  const auto cat = result.probability("CAT").value();
  EXPECT_EQ(cat.data(), result.probability(DeeplabLabel::kCat)->data());
  EXPECT_EQ(cat.data(), result.probability(8)->data());
  EXPECT_EQ(result.probability("DOG").error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(result.probability("DOG").error().message, HasSubstr("DOG"));

  for (const ClassId& wrong : {ClassId("UNICORN"), ClassId(21), ClassId(-1)}) {
    const auto failed = module_.forward(sample("chelsea"), std::vector<ClassId>{wrong});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(failed.error().message, HasSubstr("TVMONITOR")) << "the message lists what there is";
  }
}

TEST_F(Api, ProbabilitiesOfAllClassesSumToOneAndArgmaxIsTheirLargest) {
  std::vector<ClassId> all;
  for (int c = 0; c < kDeeplabClassCount; ++c) all.emplace_back(c);
  const auto result = module_.forward(sample("coffee"), all, true).value();
  std::vector<std::span<const float>> maps;
  for (int c = 0; c < kDeeplabClassCount; ++c) maps.push_back(result.probability(c).value());
  for (std::size_t i = 0; i < result.argmax().size(); ++i) {
    float sum = 0;
    float largest = 0;
    for (const auto& map : maps) {
      sum += map[i];
      largest = std::max(largest, map[i]);
    }
    ASSERT_NEAR(sum, 1.0F, 21 * 1e-6F);
    ASSERT_EQ(maps[static_cast<std::size_t>(result.argmax()[i])][i], largest);
  }
  const auto counts = result.pixel_counts();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), std::int64_t{600} * 400);
}

TEST_F(Api, CallersNormalizationAndLabelsWin) {
  LoadOptions options;
  options.labels.assign(21, "x");
  for (std::size_t i = 0; i < options.labels.size(); ++i) options.labels[i] = "label " + std::to_string(i);
  options.normalization = Normalization{};
  ASSERT_TRUE(module_.load(kDeeplabV3MobilenetV2Embedded, options));
  const auto description = module_.description().value();
  EXPECT_EQ(description.labels[3], "label 3");
  EXPECT_EQ(description.labels_origin, "caller");
  EXPECT_EQ(description.normalization_origin, "caller");
  EXPECT_EQ(description.normalization.std[2], 1.0F);

  options.labels.pop_back();
  EXPECT_EQ(module_.load(kDeeplabV3MobilenetV2Embedded, options).error().code, ErrorCode::kInvalidArgument);
  options.labels.clear();
  options.normalization->std[1] = 0.0F;
  EXPECT_EQ(module_.load(kDeeplabV3MobilenetV2Embedded, options).error().code, ErrorCode::kInvalidArgument);
  options.normalization.reset();
  options.threads = -1;
  EXPECT_EQ(module_.load(kDeeplabV3MobilenetV2Embedded, options).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(module_.description()->labels[3], "label 3") << "a failed load must leave the model as it was";
}

TEST_F(Api, PicturesNeedThePhotoAndHaveTheMapsSize) {
  const auto without = module_.forward(sample("chelsea")).value();
  EXPECT_EQ(without.overlay_png().error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(without.cutout_png().error().code, ErrorCode::kInvalidArgument);

  const test::ScratchFolder folder;
  const auto mask_path = folder.path() / "mask.png";
  ASSERT_TRUE(write_file_atomically(mask_path, without.mask_png().value()));
  const auto mask = test::read_gray_png(mask_path);
  EXPECT_TRUE(std::ranges::equal(mask.values, without.argmax()));

  for (const bool resize : {false, true}) {
    ForwardOptions options;
    options.keep_image = true;
    options.resize = resize;
    const auto result = module_.forward(sample("chelsea"), std::vector<ClassId>{0, "CAT"}, options).value();
    EXPECT_TRUE(result.overlay_png());
    EXPECT_TRUE(result.cutout_png());
    EXPECT_TRUE(result.cutout_png(std::vector<ClassId>{"CAT", "DOG"}));
    EXPECT_EQ(result.cutout_png(std::vector<ClassId>{"UNICORN"}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.overlay_png({.opacity = 2.0F}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.overlay_png({.opacity = std::nanf("")}).error().code, ErrorCode::kInvalidArgument);
    // The picture is decoded again to see that its size is the maps'.
    const auto overlay = result.overlay_png().value();
    const auto again = module_.forward(ImageSource::encoded(overlay)).value();
    EXPECT_EQ(again.info().image_width, result.width());
    EXPECT_EQ(again.info().image_height, result.height());
  }
}

TEST_F(Api, StopTokenCancels) {
  std::stop_source stop;
  stop.request_stop();
  ForwardOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(module_.forward(sample("chelsea"), {}, options).error().code, ErrorCode::kCancelled);
  LoadOptions load_options;
  load_options.stop = stop.get_token();
  EXPECT_EQ(module_.load(kDeeplabV3MobilenetV2Embedded, load_options).error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(module_.forward(sample("chelsea"))) << "the module stays usable";
}

TEST_F(Api, ForwardsLoadsAndUnloadsMayMeet) {
  const auto expected = module_.forward(sample("chelsea")).value();
  std::atomic<int> done{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        const auto result = module_.forward(sample("chelsea"));
        if (result) {
          EXPECT_TRUE(std::ranges::equal(result->argmax(), expected.argmax()));
        } else {
          EXPECT_EQ(result.error().code, ErrorCode::kModelNotLoaded) << result.error().message;
        }
        done.fetch_add(1);
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(module_.load(kDeeplabV3MobilenetV2Embedded));
      if (i == 1) module_.unload();
    }
  });
  threads.clear();
  EXPECT_EQ(done.load(), 9);
  EXPECT_TRUE(module_.forward(sample("chelsea")));
}

TEST_F(Api, ResultsOutliveTheModule) {
  auto result = module_.forward(sample("chelsea"), std::vector<ClassId>{"CAT"}).value();
  module_ = ImageSegmentationModule();
  const Segmentation moved = std::move(result);
  EXPECT_EQ(moved.argmax().size(), 513U * 513);
  EXPECT_TRUE(moved.probability("CAT"));
}

TEST(Registry, HoldsTheReferencesConstants) {
  EXPECT_EQ(registered_models()[0].name, kDeeplabV3MobilenetV2Embedded);
  std::set<std::string_view> names;
  for (const auto& entry : registered_models()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(find_model(entry.name), &entry);
    EXPECT_NE(entry.url.empty(), entry.file.empty());
    EXPECT_FALSE(entry.description.empty());
  }
  ASSERT_NE(find_model(kDeeplabV3Resnet50), nullptr);
  EXPECT_EQ(find_model(kDeeplabV3Resnet50)->url,
            "https://huggingface.co/software-mansion/react-native-executorch-deeplab-v3/resolve/v0.7.0/xnnpack/"
            "deeplabV3_xnnpack_fp32.pte");
  EXPECT_EQ(find_model("NO_SUCH_MODEL"), nullptr);
}

}  // namespace
}  // namespace silhouette
