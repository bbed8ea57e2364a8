#include <fmt/format.h>

#include <string>
#include <vector>

#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/config/experiment_file.hpp"

namespace memprop::host::cli {

int command_config(Arguments arguments) {
    namespace po = boost::program_options;
    std::string experiment;
    std::vector<std::string> overrides;
    po::options_description visible("Options"), hidden;
    visible.add_options()("set", po::value(&overrides)->value_name("KEY=VALUE")->composing(),
                          "override one key; may be repeated")("help,h", "explain and exit");
    hidden.add_options()("experiment", po::value(&experiment)->required());
    po::positional_options_description positional;
    positional.add("experiment", 1);
    po::variables_map values;
    if (!parse_options(arguments, "memprop config EXPERIMENT.toml [--set KEY=VALUE]...", visible, hidden,
                       positional, "Prints the experiment with every key, its value, meaning and choices.\n",
                       values)) {
        return 0;
    }
    fmt::print("{}", print_experiment(load_experiment(experiment, overrides)));
    return 0;
}

}  // namespace memprop::host::cli
