#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/exchange/initial_weights.hpp"
#include "host_runtime/exchange/scales.hpp"
#include "host_runtime/nir/kind.hpp"
#include "host_runtime/nir/read.hpp"
#include "host_runtime/results/checkpoint.hpp"
#include "host_runtime/tasks/file_tasks.hpp"

namespace memprop::host::cli {
namespace {

constexpr std::string_view kNotes =
    "Prints crossbar.weight_scale_per_us, crossbar.weight_scale_out_per_us and update.epsilon_us that suit "
    "the\n"
    "devices of the experiment, as TOML: the largest weights take three quarters of what a pair can hold.\n"
    "Without --init these are the weights that the run starts with; learning makes them larger. Better: "
    "train\n"
    "with update.scheme = \"vanilla\", weights as numbers, and give its checkpoint.\n";

/// Of a run whose weights are numbers.
learning::NetworkWeights weights_of(Experiment config, const std::optional<std::string>& init) {
    config.update.scheme = "vanilla";
    config.run.engine = learning::EngineKind::functional;
    std::unique_ptr<learning::Task> task = make_any_task(config);
    if (init && !nir::is_checkpoint(*init)) {
        return initial_weights(nir::read_network(*init), *init, config);
    }
    if (init) {
        if (const auto of_devices = read_weights_to_program(*init, config, make_any_task)) {
            return *of_devices;
        }
    }
    const auto trainer = learning::make_trainer(config, std::move(task));
    if (init) {
        read_checkpoint_weights(*init, config, *trainer);
    }
    return snapshot_of(*trainer);
}

}  // namespace

int command_scales(Arguments arguments) {
    namespace po = boost::program_options;
    std::string experiment, init;
    std::vector<std::string> overrides;
    po::options_description visible("Options"), hidden;
    visible.add_options()("set", po::value(&overrides)->value_name("KEY=VALUE")->composing(),
                          "override one key; may be repeated")(
        "init", po::value(&init)->value_name("FILE"), "the weights of a checkpoint.h5 or of a NIR network")(
        "help,h", "explain and exit");
    hidden.add_options()("experiment", po::value(&experiment)->required());
    po::positional_options_description positional;
    positional.add("experiment", 1);
    po::variables_map values;
    if (!parse_options(arguments, "memprop scales EXPERIMENT.toml [--init FILE] [--set KEY=VALUE]...",
                       visible, hidden, positional, kNotes, values)) {
        return 0;
    }
    const Experiment config = load_experiment(experiment, overrides);
    const auto weights = weights_of(config, values.count("init") != 0 ? std::optional(init) : std::nullopt);
    put_text(print_scales(config, find_scales(config, weights)));
    return 0;
}

}  // namespace memprop::host::cli
