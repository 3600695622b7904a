#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "process.hpp"
#include "support/support.hpp"

namespace silhouette::test {

/// Runs the command in a scratch folder, which is also where it keeps its downloads.
class CliTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  [[nodiscard]] Invocation invocation(std::vector<std::string> arguments) const {
    Invocation made;
    made.arguments = std::move(arguments);
    made.directory = folder_.path();
    made.environment = {{"SILHOUETTE_CACHE", path("cache").string()}};
    return made;
  }

  [[nodiscard]] Finished run(std::vector<std::string> arguments) const {
    return run_silhouette(invocation(std::move(arguments)));
  }

  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
  }

  [[nodiscard]] std::string content(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }

  /// The bytes of a small photo: a gradient as PPM.
  static std::string photo(int width = 40, int height = 30) {
    std::string bytes = "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (const int sample : {x * 6, y * 8, 128}) bytes.push_back(static_cast<char>(sample & 0xFF));
      }
    }
    return bytes;
  }

  /// Names of all files below a folder, sorted.
  [[nodiscard]] std::vector<std::string> files(const std::string& below) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(below))) {
      if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(path(below)).string());
    }
    std::ranges::sort(names);
    return names;
  }

 private:
  ScratchFolder folder_;
};

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) values.push_back(nlohmann::json::parse(line));
  return values;
}

/// Whether a failed command said so in the agreed form: its exit code, and one line on standard error that has `part`.
MATCHER_P2(FailedWith, exit_code, part, "") {
  *result_listener << "exit code " << arg.exit_code << ", standard error: " << arg.err;
  return arg.exit_code == exit_code && arg.err.starts_with("silhouette: ") && arg.err.find(part) != std::string::npos &&
         arg.err.find('\n') == arg.err.size() - 1;
}

MATCHER(Succeeded, "") {
  *result_listener << "exit code " << arg.exit_code << ", standard error: " << arg.err;
  return arg.exit_code == 0 && arg.err.empty();
}

struct PngHeader {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int color_type = -1;  ///< 2 RGB, 3 palette, 6 RGBA
};

/// The header of a whole PNG; zeros for anything else.
inline PngHeader png_header(const std::string& bytes) {
  if (!bytes.starts_with("\x89PNG\r\n\x1a\n") || !bytes.ends_with("IEND\xae\x42\x60\x82")) return {};
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes[at + i]);
    return value;
  };
  return {number(16), number(20), static_cast<std::uint8_t>(bytes[25])};
}

}  // namespace silhouette::test
