#include "host_runtime/cli/commands.hpp"

#include <array>

#include "host_runtime/cli/command_list.hpp"

namespace memprop::host::cli {

std::span<const Command> commands() {
    static const std::array list{
        Command{"run", "runs a network on recorded events", command_run},
        Command{"inspect", "prints what a network file holds", command_inspect},
    };
    return list;
}

}  // namespace memprop::host::cli
