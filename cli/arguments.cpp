#include "arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "format.hpp"
#include "numbers.hpp"

namespace silhouette::cli {
namespace {

constexpr std::size_t kShownValue = 120;
constexpr const char* kDecimalComma = "write a decimal point, not a comma";

std::unexpected<Error> usage(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::string shown_value(const std::string& value) {
  return shorten(printable(value), kShownValue);
}

/// A value as it is meant: URLs are often pasted with blanks around them.
std::string without_blanks_around_url(const std::string& text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  constexpr std::array<std::string_view, 4> kSchemes = {"http://", "https://", "file://", "data:"};
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return text;
  std::string trimmed = text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  const std::string start = lower(std::string_view(trimmed).substr(0, 8));
  return std::ranges::any_of(kSchemes, [&](auto scheme) { return start.starts_with(scheme); }) ? trimmed : text;
}

Argument help_flag() {
  Argument argument;
  argument.name = "--help";
  argument.short_name = "-h";
  argument.help = "Print this help and exit";
  argument.flag = true;
  return argument;
}

Argument version_flag() {
  Argument argument;
  argument.name = "--version";
  argument.help = "Print the version and exit";
  argument.flag = true;
  return argument;
}

/// "auto, native or executorch".
std::string alternatives(std::span<const std::string> choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += choices[i];
  }
  return text;
}

}  // namespace

/// Reads the arguments of one process. The first thing that is wrong is kept, since help may be asked for after it.
class Parser {
 public:
  explicit Parser(const Arguments& root) : at_(&root) {}

  Result<Arguments::Request> parse(std::span<const std::string> arguments) {
    bool options_ended = false;
    for (rest_ = arguments; !rest_.empty();) {
      const std::string& argument = rest_.front();
      rest_ = rest_.subspan(1);
      if (!options_ended && argument == "--") {
        options_ended = true;
      } else if (!options_ended && argument.size() > 1 && argument.starts_with('-')) {
        option(argument);
      } else if (!at_->commands_.empty()) {
        command(argument);
      } else {
        positional(argument);
      }
    }
    request_.command = at_;
    if (request_.help || request_.version) return request_;
    check_complete();
    if (error_) {
      const auto* const see = error_->message.ends_with('?') ? " See" : "; see";
      return fail(error_->code, fmt::format("{}{} '{} --help'", error_->message, see, at_->path()));
    }
    return request_;
  }

 private:
  void wrong(std::string message) {
    if (!error_) error_ = Error{.code = ErrorCode::kInvalidArgument, .message = std::move(message)};
  }

  void command(const std::string& name) {
    if (const auto* const found = at_->find_command(name)) {
      at_ = found;
    } else if (at_->parent_ == nullptr) {
      wrong(fmt::format("there is no command '{0}'; did you mean 'silhouette segment {0}'?", shown_value(name)));
    } else {
      wrong(fmt::format("there is no command '{} {}'", at_->path(), shown_value(name)));
    }
  }

  void option(const std::string& text) {
    if (text == "-h" || text == "--help") {
      request_.help = true;
      return;
    }
    if (text == "--version" && at_->parent_ == nullptr) {
      request_.version = true;
      return;
    }
    const auto equals = text.starts_with("--") ? text.find('=') : text.npos;
    const auto* const argument = at_->find_option(std::string_view(text).substr(0, equals));
    if (argument == nullptr) {
      unknown(text);
    } else if (argument->flag) {
      if (equals != text.npos) wrong(argument->name + " takes no value");
      take(*argument, {});
    } else if (const auto value = equals == text.npos ? next_value() : text.substr(equals + 1); value.empty()) {
      wrong(argument->name + " needs a value");
    } else if (counts_[argument] > 0) {
      wrong(argument->name + " is given twice");
    } else {
      take(*argument, value);
    }
  }

  /// What follows an option as its value; empty if that is another option.
  std::string next_value() {
    if (rest_.empty() || rest_.front().starts_with("--") || at_->find_option(rest_.front()) != nullptr) return {};
    const std::string value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }

  /// A file's name may begin with a dash, too, and `*` brings it along.
  void unknown(const std::string& text) {
    std::error_code ignored;
    const bool takes_files = std::ranges::any_of(at_->arguments_, &Argument::positional);
    if (takes_files && (!text.starts_with("--") || std::filesystem::exists(text, ignored))) {
      wrong(fmt::format("there is no option '{0}'; a file of that name is given as './{0}'", shown_value(text)));
    } else {
      wrong(fmt::format("there is no option '{}'", shown_value(text)));
    }
  }

  void positional(const std::string& value) {
    for (const Argument& argument : at_->arguments_) {
      if (!argument.positional() || (!argument.several && counts_[&argument] > 0)) continue;
      take(argument, value);
      return;
    }
    wrong(fmt::format("there is nothing that '{}' could mean here", shown_value(value)));
  }

  void take(const Argument& argument, const std::string& value) {
    ++counts_[&argument];
    if (const auto taken = argument.take(value); !taken) {
      wrong(fmt::format("{} '{}': {}", argument.name, shown_value(value), taken.error().message));
    }
  }

  void check_complete() {
    if (!at_->run_ && at_->parent_ == nullptr) {
      wrong(fmt::format("no command given; '{} segment PHOTO' segments a photo", at_->name_));
    } else if (!at_->run_) {
      std::vector<std::string> names;
      for (const Arguments& one : at_->commands_) names.push_back(one.name_);
      wrong(fmt::format("'{}' needs a command: {}", at_->path(), alternatives(names)));
    }
    for (const Argument& argument : at_->arguments_) {
      if (argument.is_required && counts_[&argument] == 0) wrong(argument.name + " is required");
      if (argument.companion != nullptr && counts_[&argument] > 0 && counts_[argument.companion] == 0) {
        wrong(fmt::format("{} needs {}", argument.name, argument.companion->name));
      }
    }
  }

  const Arguments* at_;
  std::span<const std::string> rest_;
  std::map<const Argument*, int> counts_;
  Arguments::Request request_;
  std::optional<Error> error_;
};

Arguments& Arguments::add_command(const std::string& name, std::string help) {
  Arguments& command = commands_.emplace_back(name, std::move(help));
  command.parent_ = this;
  return command;
}

Argument& Arguments::add(std::string_view name, std::string shown, std::string help, Argument::Take take) {
  Argument& argument = arguments_.emplace_back();
  if (const auto comma = name.find(','); comma != name.npos) {
    argument.short_name = name.substr(0, comma);
    name.remove_prefix(comma + 1);
  }
  argument.name = name;
  argument.shown = std::move(shown);
  argument.help = std::move(help);
  argument.take = std::move(take);
  return argument;
}

Argument& Arguments::add_flag(std::string_view name, bool& value, std::string help) {
  Argument& argument = add(name, {}, std::move(help), [&value](const std::string&) -> Result<void> {
    value = true;
    return {};
  });
  argument.flag = true;
  return argument;
}

Argument& Arguments::add_text(std::string_view name, std::string shown, std::string& value, std::string help) {
  return add(name, std::move(shown), std::move(help), [&value](const std::string& text) -> Result<void> {
    value = without_blanks_around_url(text);
    return {};
  });
}

Argument& Arguments::add_texts(std::string_view name, std::vector<std::string>& values, std::string help) {
  Argument& argument = add(name, {}, std::move(help), [&values](const std::string& text) -> Result<void> {
    values.push_back(without_blanks_around_url(text));
    return {};
  });
  argument.several = true;
  return argument;
}

Argument& Arguments::add_choice(std::string_view name, std::string shown, std::string& value,
                                std::vector<std::string> choices, std::string help) {
  return add(name, std::move(shown), std::move(help),
             [&value, choices = std::move(choices)](const std::string& text) -> Result<void> {
               if (std::ranges::find(choices, text) == choices.end()) return usage("give " + alternatives(choices));
               value = text;
               return {};
             });
}

Argument& Arguments::add_whole(std::string_view name, std::string shown, std::function<void(std::int64_t)> set,
                               std::int64_t min, std::int64_t max, std::string help) {
  return add(name, std::move(shown), std::move(help),
             [set = std::move(set), min, max](const std::string& text) -> Result<void> {
               const auto number = parse_whole(text);
               if (!number || *number < min || *number > max) {
                 return usage(fmt::format("give a whole number from {} to {}", min, max));
               }
               set(*number);
               return {};
             });
}

Argument& Arguments::add_number(std::string_view name, std::string shown, double& value, std::string help) {
  return add(name, std::move(shown), std::move(help), [&value](const std::string& text) -> Result<void> {
    const auto number = parse_decimal(text);
    if (has_decimal_comma(text)) return usage(kDecimalComma);
    if (!number || *number < 0) return usage("give a number of at least 0");
    value = *number;
    return {};
  });
}

Argument& Arguments::add_size(std::string_view name, std::string shown, std::optional<std::uint64_t>& value,
                              std::string help) {
  return add(name, std::move(shown), std::move(help), [&value](const std::string& text) -> Result<void> {
    const auto size = parse_size(text);
    if (has_decimal_comma(text)) return usage(kDecimalComma);
    if (!size) return usage("give a number of bytes, as in 500MB or 2GB");
    value = size;
    return {};
  });
}

std::string Arguments::path() const {
  return parent_ != nullptr ? parent_->path() + " " + name_ : name_;
}

const Arguments* Arguments::find_command(std::string_view name) const {
  const auto found = std::ranges::find(commands_, name, &Arguments::name_);
  return found != commands_.end() ? &*found : nullptr;
}

const Argument* Arguments::find_option(std::string_view name) const {
  const auto found = std::ranges::find_if(arguments_, [&](const Argument& argument) {
    return !argument.positional() && (argument.name == name || argument.short_name == name);
  });
  return found != arguments_.end() && !name.empty() ? &*found : nullptr;
}

std::string Arguments::help_text() const {
  constexpr std::size_t kColumn = 24;
  std::string options;
  std::string positional;
  std::string usage_line = fmt::format("Usage: {} [options]", path());
  const auto add_line = [&](std::string& lines, const std::string& what, const std::string& help) {
    lines += fmt::format("  {}{}\n", padded(what, what.size() + 3 > kColumn ? what.size() + 1 : kColumn - 2), help);
  };
  const auto add_option = [&](const Argument& argument) {
    const std::string name = argument.short_name.empty() ? argument.name : argument.short_name + "," + argument.name;
    add_line(options, argument.shown.empty() ? name : name + " " + argument.shown, argument.help);
  };
  if (parent_ == nullptr) add_option(version_flag());
  add_option(help_flag());
  for (const Argument& argument : arguments_) {
    if (!argument.positional()) {
      add_option(argument);
      continue;
    }
    const std::string name = argument.name + (argument.several ? "..." : "");
    usage_line += argument.is_required ? " " + name : " [" + name + "]";
    add_line(positional, argument.several ? argument.name + " ..." : argument.name, argument.help);
  }
  std::string text = help_ + "\n" + usage_line + (commands_.empty() ? "" : " [COMMAND]") + "\n";
  if (!positional.empty()) text += "\nArguments:\n" + positional;
  text += "\nOptions:\n" + options;
  if (!commands_.empty()) {
    std::string commands;
    for (const Arguments& command : commands_) add_line(commands, command.name_, command.help_);
    text += "\nCommands:\n" + commands;
  }
  const Arguments* with_footer = this;
  while (with_footer->footer_.empty() && with_footer->parent_ != nullptr) with_footer = with_footer->parent_;
  return with_footer->footer_.empty() ? text : text + "\n" + with_footer->footer_ + "\n";
}

Result<Arguments::Request> Arguments::parse(std::span<const std::string> arguments) const {
  return Parser(*this).parse(arguments);
}

}  // namespace silhouette::cli
