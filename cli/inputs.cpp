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

#include "endings.hpp"
#include "files.hpp"
#include "format.hpp"
#include "signals.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kOwnEndings = {".overlay.png", ".mask.png", ".cutout.png"};
constexpr const char* kDefaultStem = "image";
constexpr std::size_t kShownBase64 = 48;
// Names of files have 255 bytes at most on the file systems in use; the rest is for number and ending.
constexpr std::size_t kMaxStem = 220;

/// Files and folders that somebody who names a folder can't mean: hidden ones, and pictures that this command made.
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

Input plain_input(const std::string& source, std::string name, const std::string& stem) {
  Input input;
  input.source = source;
  input.name = std::move(name);
  input.stem = stem.empty() ? kDefaultStem : cut(stem, kMaxStem);
  return input;
}

Input file_input(const std::string& source, const fs::path& file) {
  const bool stream = is_stream(file);
  // Beside what is no file there is no place for files.
  const bool place = !stream && !is_in_system_folder(file);
  Input input = plain_input(source, source, place ? file.stem().string() : "");
  if (place) input.folder = file.parent_path();
  input.file = file;
  input.stream = stream;
  return input;
}

Input input_for(const std::string& argument) {
  if (argument == "-") {
    Input input = plain_input(argument, argument, kDefaultStem);
    input.file = "/dev/stdin";
    input.stream = true;
    return input;
  }
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
  std::vector<std::pair<fs::path, std::error_code>> unreadable;  ///< folders
  std::set<std::string> other_endings;  ///< of files that aren't read; empty for a name without one
};

/// Links to folders aren't followed below the one that was named: they may lead in circles.
Content collect(const fs::path& top, bool recursive) {
  Content content;
  std::vector<fs::path> folders{top};
  // A whole disk takes its time; who interrupts that sees it end with the loading of the model.
  while (!folders.empty() && Signals::caught() == 0) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator(); it.increment(error)) {
      std::error_code ignored;
      if (is_passed_over(it->path())) continue;
      if (it->is_directory(ignored)) {
        if (recursive && !it->is_symlink(ignored)) folders.push_back(it->path());
      } else if (!it->is_regular_file(ignored)) {
        continue;
      } else if (has_image_ending(it->path())) {
        content.images.push_back(it->path());
      } else {
        content.other_endings.insert(lower(it->path().extension().string()));
      }
    }
    if (error) content.unreadable.emplace_back(folder, error);
  }
  std::ranges::sort(content.images);
  std::ranges::sort(content.unreadable, {}, &std::pair<fs::path, std::error_code>::first);
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
  const Content content = collect(folder, recursive);
  for (const auto& file : content.images) {
    Input input = file_input(file.string(), file);
    input.below = file.parent_path().lexically_relative(folder);
    if (input.below == ".") input.below.clear();
    images.push_back(std::move(input));
  }
  for (const auto& [path, error] : content.unreadable) {
    Input failed = plain_input(path.string(), path.string(), kDefaultStem);
    failed.error = folder_error(path, error);
    images.push_back(std::move(failed));
  }
  if (!content.images.empty() || !content.unreadable.empty()) return;
  Input failed = plain_input(argument, argument, kDefaultStem);
  failed.error = no_images(argument, content, recursive);
  images.push_back(std::move(failed));
}

/// The folder that a path or file URI names; empty if it names none.
std::string folder_of(const std::string& argument) {
  std::error_code error;
  if (fs::is_directory(argument, error)) return argument;
  const auto described = describe_source(argument);
  return described && fs::is_directory(described->path, error) ? described->path : std::string();
}

}  // namespace

Result<Inputs> expand_inputs(const std::vector<std::string>& arguments, bool recursive) {
  Inputs inputs{.images = {}, .several = arguments.size() > 1};
  if (std::ranges::count(arguments, "-") > 1) {
    return fail(ErrorCode::kInvalidArgument, "standard input ('-') can be given once only");
  }
  for (const auto& argument : arguments) {
    if (argument.empty()) return fail(ErrorCode::kInvalidArgument, "an INPUT is empty; give a file, folder or URL");
    if (argument == "-" && ::isatty(STDIN_FILENO) == 1) {
      return fail(ErrorCode::kInvalidArgument,
                  "standard input is the terminal; pipe an image into it: … | silhouette segment -");
    }
    if (const std::string folder = folder_of(argument); !folder.empty()) {
      inputs.several = true;
      add_folder(folder, recursive, inputs.images);
    } else {
      inputs.images.push_back(input_for(argument));
    }
  }
  return inputs;
}

}  // namespace silhouette::cli
