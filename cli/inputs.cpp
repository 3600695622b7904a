#include "inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "format.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 16> kImageEndings = {".jpg",  ".jpeg", ".jpe",  ".jfif", ".png", ".webp",
                                                            ".gif",  ".tif",  ".tiff", ".ppm",  ".pgm", ".pbm",
                                                            ".heic", ".heif", ".avif", ".jxl"};
constexpr std::array<std::string_view, 3> kOwnEndings = {".overlay.png", ".mask.png", ".cutout.png"};
constexpr const char* kDefaultStem = "image";
constexpr std::size_t kShownBase64 = 48;

bool has_image_ending(const fs::path& path) {
  return std::ranges::find(kImageEndings, lower(path.extension().string())) != kImageEndings.end();
}

/// Files that somebody who names a folder can't mean: hidden ones, and pictures that this command made.
bool is_passed_over(const fs::path& path) {
  const std::string name = lower(path.filename().string());
  return name.starts_with('.') || std::ranges::any_of(kOwnEndings, [&](auto ending) { return name.ends_with(ending); });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      result.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

/// The stem of a URL's last part, with nothing in it that is awkward in a file's name.
std::string stem_of_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto host = url.find("://") + 3;
  const auto slash = url.rfind('/');
  std::string name = slash != std::string_view::npos && slash >= host ? percent_decoded(url.substr(slash + 1)) : "";
  for (char& c : name) {
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '_';
  }
  const std::string stem = fs::path(name).stem().string();
  return stem.empty() || stem == "." || stem == ".." ? kDefaultStem : stem;
}

Input plain_input(const std::string& source, std::string name, std::string stem) {
  Input input;
  input.source = source;
  input.name = std::move(name);
  input.stem = std::move(stem);
  return input;
}

Input file_input(const std::string& source, const fs::path& file) {
  const std::string stem = file.stem().string();
  Input input = plain_input(source, source, stem.empty() ? kDefaultStem : stem);
  input.folder = file.parent_path();
  input.file = file;
  return input;
}

Input input_for(const std::string& argument) {
  if (argument == "-") return plain_input(argument, argument, kDefaultStem);
  const auto described = describe_source(argument);
  if (!described) {
    Input input = plain_input(argument, argument, kDefaultStem);
    input.error = described.error();
    return input;
  }
  switch (described->kind) {
    case SourceKind::kPath:
    case SourceKind::kFileUri: return file_input(argument, described->path);
    case SourceKind::kHttpUrl: return plain_input(argument, argument, stem_of_url(argument));
    case SourceKind::kBase64: return plain_input(argument, shorten(described->shown, kShownBase64), kDefaultStem);
    case SourceKind::kDataUri: break;
  }
  return plain_input(argument, described->shown, kDefaultStem);
}

Error folder_error(const fs::path& folder, const std::error_code& error) {
  return {.code = ErrorCode::kIoError,
          .message = fmt::format("can't read the folder '{}': {}", folder.string(), error.message())};
}

/// What a folder has.
struct Content {
  std::vector<fs::path> images;
  std::set<std::string> other_endings;  ///< of files that aren't read; empty for a name without one
  std::error_code error;
};

template <typename Iterator>
Content collect(const fs::path& folder) {
  Content content;
  for (Iterator it(folder, content.error); !content.error && it != Iterator(); it.increment(content.error)) {
    std::error_code unreadable;
    if (is_passed_over(it->path()) || !it->is_regular_file(unreadable)) continue;
    if (has_image_ending(it->path())) {
      content.images.push_back(it->path());
    } else {
      content.other_endings.insert(lower(it->path().extension().string()));
    }
  }
  return content;
}

Error no_images(const std::string& folder, const Content& content, bool recursive) {
  constexpr std::size_t kShownEndings = 5;
  std::vector<std::string> endings;
  for (const auto& ending : content.other_endings) {
    if (!ending.empty() && endings.size() < kShownEndings) endings.push_back(ending);
  }
  std::string message = fmt::format("the folder '{}' holds no images", folder);
  if (!content.other_endings.empty()) {
    message += fmt::format(" that can be read, only other files{}{}; convert them to JPEG or PNG, say",
                           endings.empty() ? "" : " in ", fmt::join(endings, ", "));
  }
  if (!recursive) message += "; --recursive looks in the folders below it too";
  return {.code = content.other_endings.empty() ? ErrorCode::kFileNotFound : ErrorCode::kUnsupportedImage,
          .message = std::move(message)};
}

void add_folder(const std::string& argument, bool recursive, std::vector<Input>& images) {
  const fs::path folder(argument);
  Content content =
      recursive ? collect<fs::recursive_directory_iterator>(folder) : collect<fs::directory_iterator>(folder);
  auto& files = content.images;
  Input failed = plain_input(argument, argument, kDefaultStem);
  if (content.error) {
    failed.error = folder_error(folder, content.error);
  } else if (files.empty()) {
    failed.error = no_images(argument, content, recursive);
  }
  if (failed.error) {
    images.push_back(std::move(failed));
    return;
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    Input input = file_input(file.string(), file);
    input.below = file.parent_path().lexically_relative(folder);
    if (input.below == ".") input.below.clear();
    images.push_back(std::move(input));
  }
}

}  // namespace

Result<Inputs> expand_inputs(const std::vector<std::string>& arguments, bool recursive) {
  Inputs inputs{.images = {}, .several = arguments.size() > 1};
  if (std::ranges::count(arguments, "-") > 1) {
    return fail(ErrorCode::kInvalidArgument, "standard input ('-') can be given once only");
  }
  for (const auto& argument : arguments) {
    std::error_code error;
    if (argument.empty()) return fail(ErrorCode::kInvalidArgument, "an INPUT is empty; give a file, folder or URL");
    if (argument == "-" && ::isatty(STDIN_FILENO) == 1) {
      return fail(ErrorCode::kInvalidArgument,
                  "standard input is the terminal; pipe an image into it: … | silhouette segment -");
    }
    if (argument != "-" && fs::is_directory(argument, error)) {
      inputs.several = true;
      add_folder(argument, recursive, inputs.images);
    } else {
      inputs.images.push_back(input_for(argument));
    }
  }
  return inputs;
}

}  // namespace silhouette::cli
