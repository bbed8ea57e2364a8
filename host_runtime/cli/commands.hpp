// The commands of the program `memprop`. Each has its own file command_NAME.cpp, parses its own
// options with Boost.Program_options and returns the exit code; errors are thrown (base/error.hpp).
#pragma once

#include <span>
#include <string_view>

namespace memprop::host::cli {

using Arguments = std::span<const char* const>;  ///< without the program's and the command's name

struct Command {
    std::string_view name;
    std::string_view summary;
    int (*run)(Arguments);
};

/// All commands, in the order in which help lists them.
std::span<const Command> commands();

}  // namespace memprop::host::cli
