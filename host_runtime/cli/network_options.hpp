// What `run` and `serve` share: a network, how it is computed, and the crossbars that may hold its weights.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/config/keys_without_effect.hpp"
#include "host_runtime/events/event_reader.hpp"
#include "host_runtime/graph/crossbar_mapping.hpp"
#include "host_runtime/graph/crossbar_report.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/graph/step_warnings.hpp"

namespace memprop::host::cli {

/// --dt, --integrator, --reset, --first-step-recurrence, --arithmetic, --if-integration, --current-jump,
/// --crossbar, --device-time, --set, --seed, --width, --height.
void add_network_options(boost::program_options::options_description& options);
/// --engine, --chip.
void add_engine_options(boost::program_options::options_description& options);

struct LoadedNetwork {
    std::string file;
    Discretisation discretisation;
    std::vector<std::string> warnings;  ///< printed already
    std::optional<SilenceWatch> silence;
    std::unique_ptr<CrossbarMapping> mapping;  ///< null: ideal weights
    std::unique_ptr<RunningNetwork> network;
    std::vector<KeyWithoutEffect> without_effect;  ///< of the crossbars; on standard error already
    ChipNetwork* chip = nullptr;                   ///< the network, if it runs on the cycle-level chip
    events::ReaderOptions reader;                  ///< for events of its input
};

/// On standard error.
void print_warning(const std::string& file, const std::string& warning);

/// Reads the network and makes all checks; what was chosen goes to stderr. Throws InputError.
LoadedNetwork load_network_with(const boost::program_options::variables_map& options,
                                const std::string& file);

}  // namespace memprop::host::cli
