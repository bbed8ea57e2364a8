// Experiment files: one TOML table per part of Experiment. What keys there are, their types,
// ranges and meaning come from the `describe` functions of the configuration structs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/config/experiment.hpp"

namespace memprop::host {

/// What an experiment has where neither file nor overrides say anything: the published values of its device.
/// Throws InputError for a device that there is not.
Experiment defaults_of(const std::string& device);

/// The one way from a file to an experiment: the defaults of the device that file and overrides name, then
/// the file, then the overrides ("crossbar.read_noise_scale=2"; the value is parsed as TOML, and taken as a
/// string if that fails). Throws InputError naming file, line, column, key, value, what is allowed and, for
/// an unknown key, the nearest one there is.
Experiment load_experiment(const std::filesystem::path& file, std::span<const std::string> overrides);

/// The same from a text; `source` stands for the file name in messages.
Experiment parse_experiment(std::string_view text, std::string_view source,
                            std::span<const std::string> overrides);

/// The tables with names that overrides alone say, such as "population.exc.size=3", checked each by itself.
learning::NetworkTables parse_tables(std::span<const std::string> overrides);

/// Which override is to blame for the InputError of parse_experiment(): the first with which the experiment
/// is refused that was not without it. Empty if the text is, or nothing is refused.
std::optional<std::size_t> override_at_fault(std::string_view text, std::string_view source,
                                             std::span<const std::string> overrides);

/// Takes the overrides of one table, such as "chip", out of `overrides`.
std::vector<std::string> take_overrides_of(std::string_view table, std::vector<std::string>& overrides);

/// The file with every key and its meaning; reading it back gives an equal configuration.
std::string print_experiment(const Experiment& config);

/// Every key ("crossbar.bits") with its value as TOML, in order.
std::vector<std::pair<std::string, std::string>> flatten_experiment(const Experiment& config);

/// The value of a key among those of flatten_experiment(); null if it is not there.
const std::string* find_value(std::span<const std::pair<std::string, std::string>> flat,
                              std::string_view key);

/// The keys that name a file, each with the file, relative to the working directory. What these files hold is
/// part of the experiment.
std::vector<std::pair<std::string, std::string>> named_files(const Experiment& config);

}  // namespace memprop::host
