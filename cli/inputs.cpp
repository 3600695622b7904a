#include "inputs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>
#include <utility>

#include "format.hpp"

namespace silhouette::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 16> kImageEndings = {".jpg",  ".jpeg", ".jpe",  ".jfif", ".png", ".webp",
                                                            ".gif",  ".tif",  ".tiff", ".ppm",  ".pgm", ".pbm",
                                                            ".heic", ".heif", ".avif", ".jxl"};
constexpr std::array<std::string_view, 3> kOwnEndings = {".overlay.png", ".mask.png", ".cutout.png"};
constexpr const char* kDefaultStem = "image";
constexpr std::size_t kShownBase64 = 48;
// Shorter text that names no file is taken for a mistyped path: no image is that small in base64.
constexpr std::size_t kMinBase64 = 64;

bool is_image_file(const fs::path& path) {
  const std::string name = lower(path.filename().string());
  if (name.starts_with('.')) return false;
  if (std::ranges::any_of(kOwnEndings, [&](auto ending) { return name.ends_with(ending); })) return false;
  return std::ranges::find(kImageEndings, lower(path.extension().string())) != kImageEndings.end();
}

bool is_url(std::string_view text) {
  const std::string start = lower(text.substr(0, 8));
  return start.starts_with("http://") || start.starts_with("https://");
}

bool is_data_uri(std::string_view text) {
  return lower(text.substr(0, 5)) == "data:";
}

bool looks_like_base64(std::string_view text) {
  return text.size() >= kMinBase64 && std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 ||
                  std::string_view("+/-_=\r\n\t ").find(static_cast<char>(c)) != std::string_view::npos;
         });
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

/// The file that a file URI names. What is wrong with an odd one, the library says when it reads it.
std::optional<fs::path> file_of_uri(std::string_view text) {
  if (lower(text.substr(0, 7)) != "file://") return std::nullopt;
  text.remove_prefix(7);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return fs::path(percent_decoded(text.substr(slash)));
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
  if (is_url(argument)) return plain_input(argument, argument, stem_of_url(argument));
  if (const auto file = file_of_uri(argument)) return file_input(argument, *file);
  std::error_code error;
  if (is_data_uri(argument) || (looks_like_base64(argument) && !fs::exists(argument, error))) {
    return plain_input(argument, shorten(printable(argument), kShownBase64), kDefaultStem);
  }
  return file_input(argument, argument);
}

Error folder_error(const fs::path& folder, const std::error_code& error) {
  return {.code = ErrorCode::kIoError,
          .message = fmt::format("can't read the folder '{}': {}", folder.string(), error.message())};
}

template <typename Iterator>
std::error_code collect(const fs::path& folder, std::vector<fs::path>& files) {
  std::error_code error;
  for (Iterator it(folder, error); !error && it != Iterator(); it.increment(error)) {
    std::error_code unreadable;
    if (is_image_file(it->path()) && it->is_regular_file(unreadable)) files.push_back(it->path());
  }
  return error;
}

void add_folder(const std::string& argument, bool recursive, std::vector<Input>& images) {
  const fs::path folder(argument);
  std::vector<fs::path> files;
  const auto error = recursive ? collect<fs::recursive_directory_iterator>(folder, files)
                               : collect<fs::directory_iterator>(folder, files);
  Input failed = plain_input(argument, argument, kDefaultStem);
  if (error) {
    failed.error = folder_error(folder, error);
  } else if (files.empty()) {
    failed.error = Error{.code = ErrorCode::kFileNotFound,
                         .message = fmt::format("the folder '{}' holds no images{}", argument,
                                                recursive ? "" : "; --recursive looks in the folders below it too")};
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
