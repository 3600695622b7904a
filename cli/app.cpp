#include <fmt/format.h>

#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "command.hpp"
#include "exit_codes.hpp"
#include "files.hpp"
#include "format.hpp"
#include "silhouette/version.hpp"

namespace silhouette::cli {
namespace {

void describe(Arguments& program) {
  program.set_footer(fmt::format(R"(Examples:
  silhouette segment photo.jpg                     what is in it, and photo.overlay.png beside it
  silhouette segment photo.jpg --cutout cut.png    the photo with everything else transparent
  silhouette remove me.jpg                         the same of people, with edges that follow hair
  silhouette segment photos/ --mask masks/ --json  masks of a whole folder, results as JSON
  silhouette models list                           the models that are known by name
  'silhouette COMMAND --help' has more for each command.

{})",
                                 kExitCodesHelp));
  add_segment(program);
  add_remove(program);
  add_models(program);
  add_bench(program);
  add_info(program);
}

/// "silhouette help [COMMAND…]", for those who expect it.
void add_help(Arguments& program) {
  constexpr std::size_t kShownName = 120;
  Arguments& command = program.add_command("help", "Print the help of a command");
  const auto names = std::make_shared<std::vector<std::string>>();
  command.add_texts("COMMAND", *names, "Command, and a command of it [this program]");
  command.set_run([&program, names](Context& context) {
    const Arguments* at = &program;
    for (const auto& name : *names) {
      const auto* const found = at->find_command(name);
      if (found == nullptr) {
        return context.console.fail(
            {ErrorCode::kInvalidArgument, fmt::format("there is no command '{} {}'; see 'silhouette --help'",
                                                      at->path(), shorten(name, kShownName))});
      }
      at = found;
    }
    context.console.out(at->help_text());
    return kExitOk;
  });
}

int parse_and_run(std::span<char* const> arguments, Context& context) {
  Arguments program("silhouette",
                    "Segments images on this machine: finds people, animals and things in a photo, pixel by pixel.");
  describe(program);
  add_help(program);
  // A process can be started without even its name.
  const std::vector<std::string> texts(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  const auto request = program.parse(texts);
  if (!request) return context.console.fail(request.error());
  if (request->help) {
    context.console.out(request->command->help_text());
    return kExitOk;
  }
  if (request->version) {
    context.console.out(fmt::format("silhouette {}\n", kVersion));
    return kExitOk;
  }
  return request->command->run()(context);
}

}  // namespace

int run(int argc, char** argv) {
  reserve_standard_descriptors();
  Signals signals;
  Console console;
  Context context{console, signals};
  int exit_code = kExitInternal;
  try {
    exit_code = parse_and_run(std::span(argv, static_cast<std::size_t>(argc)), context);
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
