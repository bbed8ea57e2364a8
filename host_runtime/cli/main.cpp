#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "host_runtime/cli/commands.hpp"
#include "host_runtime/version.hpp"

namespace {

using memprop::host::cli::commands;

void print_help(std::FILE* to) {
    fmt::print(to, "memprop: spiking networks that learn with e-prop on memristive hardware\n\nCommands:\n");
    for (const auto& command : commands()) {
        fmt::print(to, "  {:<14} {}\n", command.name, command.summary);
    }
    fmt::print(to,
               "\n`memprop COMMAND --help` explains one command, `memprop --version` tells the "
               "version.\n");
}

int run(int argc, char** argv) {
    memprop::apply_simd_environment();
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "--help" || name == "-h" || name == "help") {
        print_help(stdout);
        return 0;
    }
    if (name == "--version") {
        fmt::print("memprop {}\n", memprop::host::version());
        return 0;
    }
    if (name.empty()) {
        print_help(stderr);
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
    try {
        return run(argc, argv);
    } catch (const memprop::InputError& error) {
        fmt::print(stderr, "memprop: {}\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "memprop: {}\n", error.what());
        return 1;
    }
}
