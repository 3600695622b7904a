#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette::cli {

struct Context;

/// A command with its options parsed: runs and returns the exit code.
using Command = std::function<int(Context&)>;

/// An option or a positional argument of a command.
struct Argument {
  /// Stores a value given for it; an error says what it should have been ("give a number").
  using Take = std::function<Result<void>(const std::string& value)>;

  std::string name;        ///< "--mask" or "INPUT"
  std::string short_name;  ///< "-r", or empty
  std::string shown;       ///< what the help has for its value; empty for flags
  std::string help;
  Take take;
  bool flag = false;     ///< takes no value
  bool several = false;  ///< a positional argument that takes all values that are left
  bool is_required = false;
  const Argument* companion = nullptr;  ///< without which it means nothing

  [[nodiscard]] bool positional() const { return !name.starts_with('-'); }
  Argument& required() {
    is_required = true;
    return *this;
  }
  Argument& needs(const Argument& other) {
    companion = &other;
    return *this;
  }
};

/// A command, its commands and its arguments. Values are stored where `add_…` is told to, as they are parsed.
class Arguments {
 public:
  Arguments(std::string name, std::string help) : name_(std::move(name)), help_(std::move(help)) {}
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  Arguments& add_command(const std::string& name, std::string help);
  void set_footer(std::string_view text) { footer_ = text; }
  /// What the command does; without it, it needs one of its commands.
  void set_run(Command run) { run_ = std::move(run); }

  // Names that begin with a dash are options, "-r,--recursive" in two forms. `shown` is what the help has for the
  // value.
  Argument& add_flag(std::string_view name, bool& value, std::string help);
  Argument& add_text(std::string_view name, std::string shown, std::string& value, std::string help);
  Argument& add_texts(std::string_view name, std::vector<std::string>& values, std::string help);
  Argument& add_choice(std::string_view name, std::string shown, std::string& value, std::vector<std::string> choices,
                       std::string help);
  /// A whole number from `min` to `max`.
  template <typename T>
    requires std::integral<T> || std::same_as<T, std::optional<std::uint64_t>>
  Argument& add_number(std::string_view name, std::string shown, T& value, std::int64_t min, std::int64_t max,
                       std::string help) {
    return add_whole(
        name, std::move(shown), [&value](std::int64_t number) { value = static_cast<T>(number); }, min, max,
        std::move(help));
  }
  /// A finite number of at least 0.
  Argument& add_number(std::string_view name, std::string shown, double& value, std::string help);
  /// A number of bytes, with a unit or without.
  Argument& add_size(std::string_view name, std::string shown, std::optional<std::uint64_t>& value, std::string help);

  /// "silhouette models list".
  [[nodiscard]] std::string path() const;
  [[nodiscard]] const Arguments* find_command(std::string_view name) const;
  [[nodiscard]] std::string help_text() const;
  [[nodiscard]] const Command& run() const { return run_; }

  /// What the arguments of a process ask for.
  struct Request {
    const Arguments* command = nullptr;  ///< that they name, this one if none
    bool help = false;                   ///< wants help instead
    bool version = false;                ///< wants the version instead
  };
  /// Reads the arguments and stores their values.
  [[nodiscard]] Result<Request> parse(std::span<const std::string> arguments) const;

 private:
  Argument& add(std::string_view name, std::string shown, std::string help, Argument::Take take);
  Argument& add_whole(std::string_view name, std::string shown, std::function<void(std::int64_t)> set, std::int64_t min,
                      std::int64_t max, std::string help);
  [[nodiscard]] const Argument* find_option(std::string_view name) const;

  friend class Parser;
  std::string name_;
  std::string help_;
  std::string footer_;
  Command run_;
  const Arguments* parent_ = nullptr;
  // Deques, since others point to their elements.
  std::deque<Arguments> commands_;
  std::deque<Argument> arguments_;
};

}  // namespace silhouette::cli
