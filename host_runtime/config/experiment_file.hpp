// Experiment files: one TOML table per part of Experiment. What keys there are, their types,
// ranges and meaning come from the `describe` functions of the configuration structs.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/config/experiment.hpp"

namespace memprop::host {

/// Reads `file` and applies the overrides ("crossbar.read_noise_scale=2"; the value is parsed as TOML,
/// and taken as a string if that fails). Throws InputError naming file, line, column, key, value, what
/// is allowed and, for an unknown key, the nearest one there is.
Experiment load_experiment(const std::filesystem::path& file, std::span<const std::string> overrides);

/// The same from a text; `source` stands for the file name in messages.
Experiment parse_experiment(std::string_view text, std::string_view source,
                            std::span<const std::string> overrides);

/// One override, as in load_experiment.
void apply_override(const std::string& override_text, Experiment& config);

/// Takes the overrides of one table, such as "chip", out of `overrides`.
std::vector<std::string> take_overrides_of(std::string_view table, std::vector<std::string>& overrides);

/// The file with every key and its meaning; reading it back gives an equal configuration.
std::string print_experiment(const Experiment& config);

/// "key = value" of every key, in order.
std::vector<std::pair<std::string, std::string>> flatten_experiment(const Experiment& config);

}  // namespace memprop::host
