// The functions behind the table in commands.cpp, one file each.
#pragma once

#include "host_runtime/cli/commands.hpp"

namespace memprop::host::cli {

int command_train(Arguments arguments);
int command_config(Arguments arguments);
int command_characterize(Arguments arguments);
int command_core(Arguments arguments);
int command_export(Arguments arguments);
int command_golden(Arguments arguments);
int command_image(Arguments arguments);
int command_inspect(Arguments arguments);
int command_scales(Arguments arguments);
int command_run(Arguments arguments);
int command_serve(Arguments arguments);

}  // namespace memprop::host::cli
