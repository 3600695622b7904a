#include <filesystem>
#include <string>

#include "fixture.hpp"

namespace silhouette::test {
namespace {

using ::testing::ElementsAre;

class RemoveTest : public CliTest {
 protected:
  void SetUp() override { write("photo.ppm", photo(33, 22)); }
};

TEST_F(RemoveTest, WritesACutOutBesideEachPhoto) {
  write("in/a.ppm", photo());
  write("in/b.ppm", photo());
  EXPECT_THAT(run({"remove", "photo.ppm"}), Succeeded());
  const auto alone = png_header(content("photo.cutout.png"));
  EXPECT_EQ(alone.width, 33U);
  EXPECT_EQ(alone.color_type, 6) << "RGBA";
  EXPECT_THAT(run({"remove", "in"}), Succeeded());
  EXPECT_THAT(files("in"), ElementsAre("a.cutout.png", "a.ppm", "b.cutout.png", "b.ppm"));
  EXPECT_THAT(run({"remove", "in"}), Succeeded()) << "cut-outs of before are no photos";
  EXPECT_THAT(files("in"), ElementsAre("a.cutout.png", "a.ppm", "b.cutout.png", "b.ppm"));
}

TEST_F(RemoveTest, OutputsAndJson) {
  const auto piped = run({"remove", "photo.ppm", "-o", "-"});
  EXPECT_EQ(png_header(piped.out).height, 22U);
  const auto json = json_lines(run({"remove", "photo.ppm", "--output", "out/", "--json"}).out);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["outputs"]["cutout"], "out/photo.cutout.png");
  EXPECT_EQ(json[0]["model"], "SELFIE_SEGMENTATION_EMBEDDED");
  EXPECT_THAT(run({"remove", "photo.ppm", "--output", "photo.ppm"}), FailedWith(2, "--output"));
  EXPECT_THAT(run({"remove", "photo.ppm", "-o", "x.jpg"}), FailedWith(2, "--output"));
}

TEST_F(RemoveTest, Backgrounds) {
  write("beach.ppm", photo());
  for (const char* background : {"white", "#f80", "#FF8800", "blur", "blur:0.1", "beach.ppm"}) {
    EXPECT_THAT(run({"remove", "photo.ppm", "-o", "x.png", "--background", background}), Succeeded()) << background;
    EXPECT_EQ(png_header(content("x.png")).color_type, 2) << "RGB";
  }
  for (const char* background : {"#12", "#ggg", "blur:", "blur:2", "blur:x"}) {
    EXPECT_THAT(run({"remove", "photo.ppm", "--background", background}), FailedWith(2, "--background")) << background;
  }
  EXPECT_THAT(run({"remove", "photo.ppm", "--background", "whit"}), FailedWith(5, "whit"));
  EXPECT_THAT(run({"remove", "photo.ppm", "-o", "beach.png", "--background", "beach.png"}), FailedWith(5, "beach.png"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--background", "white"}), FailedWith(2, "--cutout"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--cutout", "y.png", "--background", "white"}), Succeeded());
  EXPECT_EQ(png_header(content("y.png")).color_type, 2);
}

TEST_F(RemoveTest, ABackgroundIsNeverOverwritten) {
  EXPECT_THAT(run({"remove", "photo.ppm", "-o", "beach.png"}), Succeeded());
  const std::string before = content("beach.png");
  EXPECT_THAT(run({"remove", "photo.ppm", "-o", "beach.png", "--background", "beach.png"}), FailedWith(2, "overwrite"));
  EXPECT_EQ(content("beach.png"), before);
}

}  // namespace
}  // namespace silhouette::test
