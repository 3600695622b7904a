#include <cmath>
#include <numeric>

#include "fixture.hpp"

namespace silhouette::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A grey pixel.
constexpr const char* kPngBase64 =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

class SegmentTest : public CliTest {
 protected:
  void copy_sample(const std::string& sample, const std::string& to) const {
    fs::copy_file(source_file("models/samples/" + sample), path(to));
  }
};

TEST_F(SegmentTest, WithoutOptionsPrintsATableAndWritesAnOverlayBesideThePhoto) {
  fs::create_directory(path("sub"));
  copy_sample("bird.png", "sub/my bird.png");
  const auto finished = run({"segment", "sub/my bird.png"});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(finished.out, HasSubstr("BIRD"));
  EXPECT_THAT(finished.out, HasSubstr("→ sub/my bird.overlay.png\n"));
  EXPECT_THAT(finished.out, Not(HasSubstr("\x1b"))) << "colours outside of a terminal";
  EXPECT_THAT(files("."), ElementsAre("sub/my bird.overlay.png", "sub/my bird.png"));
  const auto photo = png_header(content("sub/my bird.png"));
  const auto overlay = png_header(content("sub/my bird.overlay.png"));
  EXPECT_EQ(overlay.width, photo.width);
  EXPECT_EQ(overlay.height, photo.height);
  EXPECT_EQ(overlay.color_type, 2);
}

TEST_F(SegmentTest, JsonDescribesTheResultAndWritesNothing) {
  copy_sample("bird.png", "bird.png");
  const auto finished = run({"segment", "bird.png", "--json", "--classes", "bird,Cat"});
  EXPECT_THAT(finished, Succeeded());
  const auto lines = json_lines(finished.out);
  ASSERT_EQ(lines.size(), 1U);
  const auto& result = lines[0];
  EXPECT_EQ(result["path"], "bird.png");
  EXPECT_EQ(result["width"], 513);
  EXPECT_EQ(result["height"], 513);
  const auto photo = png_header(content("bird.png"));
  EXPECT_EQ(result["image_width"], photo.width);
  EXPECT_EQ(result["image_height"], photo.height);
  EXPECT_EQ(result["model"], "DEEPLAB_V3_MOBILENET_V2_EMBEDDED");
  EXPECT_FALSE(result["engine"].get<std::string>().empty());
  EXPECT_FALSE(result["engine_reason"].get<std::string>().empty());
  EXPECT_GT(result["timings"]["network_ms"], 0);
  EXPECT_TRUE(result["outputs"].empty());

  std::int64_t pixels = 0;
  double share = 0;
  bool bird = false;
  bool cat = false;
  for (const auto& found : result["classes"]) {
    pixels += found["pixels"].get<std::int64_t>();
    share += found["share"].get<double>();
    bird = bird || (found["label"] == "BIRD" && found["index"] == 3 && found["share"] > 0.05);
    cat = cat || (found["label"] == "CAT" && found["index"] == 8);
  }
  EXPECT_EQ(pixels, 513 * 513);
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_TRUE(bird) << finished.out;
  EXPECT_TRUE(cat) << "a class that was asked for is listed, found or not";
  EXPECT_THAT(files("."), ElementsAre("bird.png"));
}

TEST_F(SegmentTest, WritesEveryOutputAndNamesItInTheJson) {
  write("photo.ppm", photo(40, 30));
  const auto finished = run({"segment", "photo.ppm", "--mask", "m.png", "--overlay", "o.png", "--cutout", "c.png",
                             "--npy", "arrays/of/photo", "--classes", "person,8,PERSON", "--json"});
  ASSERT_THAT(finished, Succeeded());
  const auto mask = png_header(content("m.png"));
  EXPECT_EQ(mask.width, 40U) << "pictures of the photo imply results at its size";
  EXPECT_EQ(mask.height, 30U);
  EXPECT_EQ(mask.color_type, 3);
  EXPECT_EQ(png_header(content("o.png")).color_type, 2);
  EXPECT_EQ(png_header(content("c.png")).color_type, 6);

  const auto result = json_lines(finished.out).at(0);
  EXPECT_EQ(result["outputs"]["mask"], "m.png");
  EXPECT_EQ(result["outputs"]["overlay"], "o.png");
  EXPECT_EQ(result["outputs"]["cutout"], "c.png");
  EXPECT_EQ(result["outputs"]["npy"],
            nlohmann::json({"arrays/of/photo/ARGMAX.npy", "arrays/of/photo/CAT.npy", "arrays/of/photo/PERSON.npy"}));
  EXPECT_THAT(files("."), ElementsAre("arrays/of/photo/ARGMAX.npy", "arrays/of/photo/CAT.npy",
                                      "arrays/of/photo/PERSON.npy", "c.png", "m.png", "o.png", "photo.ppm"));
}

TEST_F(SegmentTest, NpyFilesHoldTheClassMapAndTheProbabilities) {
  copy_sample("bird.png", "bird.png");
  const auto finished = run({"segment", "bird.png", "--npy", "out", "--classes", "BIRD", "--json"});
  ASSERT_THAT(finished, Succeeded());
  const auto argmax = read_npy_int32(path("out/ARGMAX.npy"));
  const auto bird = read_npy_float(path("out/BIRD.npy"));
  EXPECT_THAT(argmax.shape, ElementsAre(513U, 513U));
  EXPECT_EQ(bird.shape, argmax.shape);
  EXPECT_EQ(content("out/BIRD.npy").find('\n') % 64, 63U) << "the data isn't aligned";
  std::int64_t pixels = 0;
  for (std::size_t i = 0; i < argmax.values.size(); ++i) {
    ASSERT_GE(bird.values[i], 0.0F);
    ASSERT_LE(bird.values[i], 1.0F);
    // More than half of all probability is the largest share, and 1 / 21 or less never is alone.
    if (bird.values[i] > 0.5F) {
      ASSERT_EQ(argmax.values[i], 3);
    }
    if (bird.values[i] < 1.0F / 21) {
      ASSERT_NE(argmax.values[i], 3);
    }
    pixels += argmax.values[i] == 3 ? 1 : 0;
  }
  const auto result = json_lines(finished.out).at(0);
  for (const auto& found : result["classes"]) {
    if (found["label"] == "BIRD") {
      EXPECT_EQ(found["pixels"], pixels);
    }
  }
}

TEST_F(SegmentTest, ResizeGivesMapsAtThePhotosSize) {
  write("photo.ppm", photo(40, 30));
  ASSERT_THAT(run({"segment", "photo.ppm", "--npy", "small"}), Succeeded());
  ASSERT_THAT(run({"segment", "photo.ppm", "--npy", "large", "--resize", "--filter", "linear"}), Succeeded());
  EXPECT_THAT(read_npy_int32(path("small/ARGMAX.npy")).shape, ElementsAre(513U, 513U));
  EXPECT_THAT(read_npy_int32(path("large/ARGMAX.npy")).shape, ElementsAre(30U, 40U));
}

TEST_F(SegmentTest, ReadsStandardInputAndWritesStandardOutput) {
  auto start = invocation({"segment", "-", "--cutout", "-"});
  start.input = photo(33, 22);
  const auto finished = run_silhouette(start);
  EXPECT_THAT(finished, Succeeded());
  const auto cutout = png_header(finished.out);
  EXPECT_EQ(cutout.width, 33U) << "something else than the picture is on standard output";
  EXPECT_EQ(cutout.height, 22U);
  EXPECT_TRUE(files(".").empty());
}

TEST_F(SegmentTest, StandardInputThatIsNoImageIsNamedSo) {
  auto start = invocation({"segment", "-"});
  start.input = "text";
  EXPECT_THAT(run_silhouette(start), FailedWith(4, "standard input"));
  start.input.clear();
  EXPECT_THAT(run_silhouette(start), FailedWith(4, "standard input"));
}

TEST_F(SegmentTest, OverlaysOfWhatIsNoFileGoIntoTheCurrentFolder) {
  const std::string uri = "data:image/png;base64," + std::string(kPngBase64);
  auto start = invocation({"segment", uri, kPngBase64, "-"});
  start.input = photo();
  const auto finished = run_silhouette(start);
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(files("."), ElementsAre("image-2.overlay.png", "image-3.overlay.png", "image.overlay.png"));
  EXPECT_THAT(finished.out, Not(HasSubstr(kPngBase64))) << "base64 is shortened in results";
}

TEST_F(SegmentTest, TakesFileUris) {
  write("a photo.ppm", photo());
  const auto finished = run({"segment", "file://" + path("a%20photo.ppm").string()});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(files("."), ElementsAre("a photo.overlay.png", "a photo.ppm"));
}

TEST_F(SegmentTest, ABadFileAmongManyIsReportedAndTheRestAreDone) {
  write("a.ppm", photo());
  write("b.ppm", "no picture");
  write("d.ppm", photo());
  const auto finished = run({"segment", "a.ppm", "b.ppm", "c.ppm", "d.ppm", "--json", "--mask", "masks"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("b.ppm"));
  EXPECT_THAT(finished.err, HasSubstr("c.ppm"));
  const auto lines = json_lines(finished.out);
  ASSERT_EQ(lines.size(), 4U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["path"], std::string(1, static_cast<char>('a' + i)) + ".ppm") << "not in the inputs' order";
  }
  EXPECT_EQ(lines[0]["outputs"]["mask"], "masks/a.mask.png");
  EXPECT_THAT(lines[1]["error"]["code"], ::testing::AnyOf("INVALID_IMAGE", "UNSUPPORTED_IMAGE"));
  EXPECT_EQ(lines[2]["error"]["code"], "FILE_NOT_FOUND");
  EXPECT_THAT(lines[2]["error"]["message"], HasSubstr("c.ppm"));
  EXPECT_THAT(files("masks"), ElementsAre("a.mask.png", "d.mask.png"));
}

TEST_F(SegmentTest, ManyInputsComeOutInOrder) {
  std::vector<std::string> arguments{"segment", "--json"};
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    names.push_back("photo" + std::to_string(i) + ".ppm");
    write(names.back(), i % 3 == 0 ? "no picture" : photo(1 + 17 * (i % 7), 9));
  }
  arguments.insert(arguments.end(), names.begin(), names.end());
  const auto lines = json_lines(run(arguments).out);
  ASSERT_EQ(lines.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(lines[i]["path"], names[i]);
}

TEST_F(SegmentTest, FoldersGiveTheirImagesSortedAndWithoutOurOwnPictures) {
  write("in/b.ppm", photo());
  write("in/a.PPM", photo());
  write("in/a.overlay.png", "ours");
  write("in/a.mask.png", "ours");
  write("in/a.cutout.png", "ours");
  write("in/.hidden.ppm", photo());
  write("in/notes.txt", "text");
  write("in/below/c.ppm", photo());
  const auto finished = run({"segment", "in", "--json", "--mask", "out"});
  EXPECT_THAT(finished, Succeeded());
  const auto lines = json_lines(finished.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["path"], "in/a.PPM");
  EXPECT_EQ(lines[1]["path"], "in/b.ppm");
  EXPECT_THAT(files("out"), ElementsAre("a.mask.png", "b.mask.png"));

  EXPECT_THAT(run({"segment", "in/", "--recursive", "--mask", "deep"}), Succeeded());
  EXPECT_THAT(files("deep"), ElementsAre("a.mask.png", "b.mask.png", "below/c.mask.png"));
}

TEST_F(SegmentTest, AFolderWithoutImagesIsAnError) {
  fs::create_directory(path("empty"));
  EXPECT_THAT(run({"segment", "empty"}), FailedWith(5, "'empty'"));
}

TEST_F(SegmentTest, EqualNamesDoNotOverwriteEachOther) {
  write("one/x.ppm", photo(10, 10));
  write("two/x.ppm", photo(20, 10));
  write("two/x.pgm", "P5\n7 7\n255\n" + std::string(49, 'x'));
  EXPECT_THAT(run({"segment", "one/x.ppm", "two", "--overlay", "out", "--npy", "out"}), Succeeded());
  EXPECT_THAT(files("out"), ElementsAre("x-2.overlay.png", "x-2/ARGMAX.npy", "x-3.overlay.png", "x-3/ARGMAX.npy",
                                        "x.overlay.png", "x/ARGMAX.npy"));
  EXPECT_EQ(png_header(content("out/x.overlay.png")).width, 10U);
  EXPECT_EQ(png_header(content("out/x-2.overlay.png")).width, 7U);
  EXPECT_EQ(png_header(content("out/x-3.overlay.png")).width, 20U);

  EXPECT_THAT(run({"segment", "one", "two"}), Succeeded());
  EXPECT_THAT(files("one"), ElementsAre("x.overlay.png", "x.ppm"));
  EXPECT_THAT(files("two"), ElementsAre("x-2.overlay.png", "x.overlay.png", "x.pgm", "x.ppm"));
}

TEST_F(SegmentTest, OneImageIntoAFolder) {
  write("photo.ppm", photo());
  fs::create_directory(path("there"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "there", "--cutout", "new/folder/"}), Succeeded());
  EXPECT_THAT(files("there"), ElementsAre("photo.mask.png"));
  EXPECT_THAT(files("new"), ElementsAre("folder/photo.cutout.png"));
}

TEST_F(SegmentTest, NeverOverwritesAnInput) {
  copy_sample("chelsea.png", "photo.png");
  const std::string before = content("photo.png");
  fs::create_symlink("photo.png", path("link.png"));
  fs::create_hard_link(path("photo.png"), path("twin.png"));
  for (const char* target : {"photo.png", "./photo.png", "link.png", "twin.png"}) {
    EXPECT_THAT(run({"segment", "photo.png", "--mask", target}), FailedWith(2, "overwrite"));
  }
  write("in/x.mask.png", before);
  write("in/x.ppm", photo());
  EXPECT_THAT(run({"segment", "in/x.mask.png", "in/x.ppm", "--mask", "in"}), FailedWith(2, "in/x.mask.png"));
  fs::copy_file(source_file("models/deeplab_v3_mobilenet_v2.pte"), path("model.png"));
  EXPECT_THAT(run({"segment", "photo.png", "--model", "model.png", "--mask", "model.png"}), FailedWith(2, "model.png"));
  EXPECT_EQ(content("photo.png"), before);
  EXPECT_EQ(content("in/x.mask.png"), before);
}

TEST_F(SegmentTest, ReplacesEarlierOutputsAndFollowsLinks) {
  write("photo.ppm", photo(40, 30));
  write("real.png", "old");
  fs::create_symlink("real.png", path("link.png"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--overlay", "link.png"}), Succeeded());
  EXPECT_TRUE(fs::is_symlink(path("link.png")));
  EXPECT_EQ(png_header(content("real.png")).width, 40U);
}

TEST_F(SegmentTest, DevicesAreWrittenToAndNotReplaced) {
  write("photo.ppm", photo());
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "/dev/null"}), Succeeded());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(SegmentTest, LabelsComeFromAFileOneALine) {
  write("photo.ppm", photo());
  std::string labels;
  for (int i = 0; i < 21; ++i) labels += i == 0 ? "../up\r\n" : "thing " + std::to_string(i) + "\r\n";
  write("labels.txt", labels);
  const auto finished =
      run({"segment", "photo.ppm", "--labels", "labels.txt", "--npy", "out", "--classes", "../UP,Thing 20"});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(files("out"), ElementsAre("ARGMAX.npy", "_.._up.npy", "thing_20.npy"));
  write("bom.txt", "\xEF\xBB\xBF" + labels);
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "bom.txt", "--npy", "bom", "--classes", "../UP"}), Succeeded());
  EXPECT_THAT(files("bom"), ElementsAre("ARGMAX.npy", "_.._up.npy"));
  write("utf16.txt", std::string("\xFF\xFE"
                                 "c\0a\0t\0",
                                 8));
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "utf16.txt"}), FailedWith(2, "isn't UTF-8"));
  write("few.txt", "one\ntwo\n");
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "few.txt"}), FailedWith(2, "21"));
}

}  // namespace
}  // namespace silhouette::test
