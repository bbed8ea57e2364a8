#include <fmt/format.h>

#include <string>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/commands.hpp"
#include "host_runtime/version.hpp"

namespace {

using memprop::host::cli::commands;

std::string help() {
    std::string text =
        "memprop: spiking networks that learn with e-prop on memristive hardware\n\nCommands:\n";
    for (const auto& command : commands()) {
        text += fmt::format("  {:<14} {}\n", command.name, command.summary);
    }
    return text + "\n`memprop COMMAND --help` explains one command, `memprop --version` tells the version.\n";
}

int run(int argc, char** argv) {
    memprop::apply_simd_environment();
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "--help" || name == "-h" || name == "help") {
        memprop::put_text(help());
        return 0;
    }
    if (name == "--version") {
        memprop::put("memprop {}\n", memprop::host::version());
        return 0;
    }
    if (name.empty()) {
        memprop::say_text(help());
        return 2;
    }
    for (const auto& command : commands()) {
        if (command.name == name) {
            return command.run({argv + 2, static_cast<std::size_t>(argc - 2)});
        }
    }
    throw memprop::InputError(fmt::format("unknown command '{}'; `memprop --help` lists them", name));
}

}  // namespace

int main(int argc, char** argv) {
    return memprop::run_program("memprop", [&] { return run(argc, argv); });
}
