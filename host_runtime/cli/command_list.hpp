// The functions behind the commands, one per file command_NAME.cpp.
#pragma once

#include "host_runtime/cli/commands.hpp"

namespace memprop::host::cli {

int command_inspect(Arguments arguments);
int command_run(Arguments arguments);

}  // namespace memprop::host::cli
