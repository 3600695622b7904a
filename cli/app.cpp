#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "exit_codes.hpp"
#include "format.hpp"
#include "silhouette/version.hpp"

namespace silhouette::cli {
namespace {

constexpr std::size_t kShownName = 120;

std::shared_ptr<CLI::Formatter> help_formatter() {
  auto formatter = std::make_shared<CLI::Formatter>();
  formatter->label("SUBCOMMAND", "COMMAND");
  formatter->label("OPTIONS", "options");
  formatter->label("Positionals", "Arguments");
  formatter->label("REQUIRED", "");
  formatter->column_width(24);
  return formatter;
}

void describe(CLI::App& app) {
  app.name("silhouette");
  app.description("Segments images on this machine: finds people, animals and things in a photo, pixel by pixel.");
  app.set_version_flag("--version", fmt::format("silhouette {}", kVersion), "Print the version and exit");
  app.formatter(help_formatter());
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(0, 1);
  app.footer(fmt::format(R"(Examples:
  silhouette segment photo.jpg                     what is in it, and photo.overlay.png beside it
  silhouette segment photo.jpg --cutout cut.png    the photo with everything else transparent
  silhouette segment photos/ --mask masks/ --json  masks of a whole folder, results as JSON
  silhouette models list                           the models that are known by name
  'silhouette COMMAND --help' has more for each command.

{})",
                         kExitCodesHelp));
}

/// "silhouette help [COMMAND…]", for those who expect it.
void add_help(CLI::App& app, Command& chosen) {
  CLI::App& command = *app.add_subcommand("help", "Print the help of a command")->group("Commands");
  const auto names = std::make_shared<std::vector<std::string>>();
  command.add_option("COMMAND", *names, "Command, and a command of it [this program]")->option_text("...");
  command.callback([&app, names, &chosen] {
    chosen = [&app, names](Context& context) {
      CLI::App* at = &app;
      std::string path = at->get_name();
      for (const auto& name : *names) {
        const auto found = at->get_subcommands([&](CLI::App* one) { return one->get_name() == name; });
        if (found.empty()) {
          return context.console.fail(
              {ErrorCode::kInvalidArgument,
               fmt::format("there is no command '{} {}'; see 'silhouette --help'", path, shorten(name, kShownName))});
        }
        at = found.front();
        path += " " + name;
      }
      // Not App::help, which prints that of the command that was parsed.
      context.console.out(at->get_formatter()->make_help(at, path, CLI::AppFormatMode::Normal));
      return kExitOk;
    };
  });
}

/// CLI11 says "--mask: 1 required TEXT missing".
std::string plain_message(const CLI::ParseError& error) {
  const std::string text = error.what();
  const auto count = text.find(": 1 required ");
  return count != text.npos && text.ends_with(" missing") ? text.substr(0, count) + " needs a value" : text;
}

/// The message of an error in the arguments, with where to read on.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "silhouette";
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  const auto unknown = app.remaining(true);
  if (at == &app && !unknown.empty() && !unknown.front().starts_with('-')) {
    return fmt::format(
        "there is no command '{0}'; did you mean 'silhouette segment {0}'? 'silhouette --help' lists them",
        shorten(unknown.front(), kShownName));
  }
  return fmt::format("{}; see '{} --help'", plain_message(error), command);
}

int parse_and_run(int argc, char** argv, Context& context) {
  CLI::App app;
  Command chosen;
  describe(app);
  add_segment(app, chosen);
  add_models(app, chosen);
  add_bench(app, chosen);
  add_info(app, chosen);
  add_help(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    context.console.out(app.help());
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    context.console.out(std::string(version.what()) + "\n");
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    context.console.error(usage_message(app, error));
    return kExitUsage;
  }
  if (!chosen) {
    context.console.error(
        "no command given; 'silhouette segment PHOTO' segments a photo, 'silhouette --help' has more");
    return kExitUsage;
  }
  return chosen(context);
}

}  // namespace

int run(int argc, char** argv) {
  Signals signals;
  Console console;
  Context context{console, signals};
  int exit_code = kExitInternal;
  try {
    exit_code = parse_and_run(argc, argv, context);
  } catch (const std::bad_alloc&) {
    console.error("out of memory");
    exit_code = kExitLimit;
  } catch (const std::exception& error) {
    console.error(fmt::format("internal error: {}", error.what()));
  }
  if (Signals::caught() != 0) exit_code = kExitSignalBase + Signals::caught();
  return console.finish(exit_code);
}

}  // namespace silhouette::cli
