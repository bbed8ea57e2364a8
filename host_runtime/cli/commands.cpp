#include "host_runtime/cli/commands.hpp"

#include <array>

#include "host_runtime/cli/command_list.hpp"

namespace memprop::host::cli {

std::span<const Command> commands() {
    static constexpr std::array kCommands{
        Command{"train", "train a network on a task and write results", command_train},
        Command{"config", "print an experiment with every key resolved and explained", command_config},
        Command{"scales", "choose what weight a uS stands for, and the step of a pulse", command_scales},
        Command{"run", "run a network on recorded events", command_run},
        Command{"serve", "keep a network running on live events", command_serve},
        Command{"core", "run a network on the digital e-prop core", command_core},
        Command{"export", "write a trained network as a NIR file", command_export},
        Command{"image", "write what loads a network into the cycle-level chip", command_image},
        Command{"inspect", "print what a network file holds", command_inspect},
        Command{"characterize", "measure the statistics of a device model", command_characterize},
        Command{"golden", "compute results recorded elsewhere anew and compare them", command_golden},
    };
    return kCommands;
}

}  // namespace memprop::host::cli
