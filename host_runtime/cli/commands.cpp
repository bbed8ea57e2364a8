#include "host_runtime/cli/commands.hpp"

namespace memprop::host::cli {

std::span<const Command> commands() {
    return {};
}

}  // namespace memprop::host::cli
