// Every key of an experiment with its value and meaning.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host_runtime/config/experiment.hpp"

namespace memprop::host {

struct ConfigEntry {
    std::string table;  ///< as it stands in brackets: population."my neurons"
    std::string key;
    std::string value;  ///< as TOML
    std::string doc;
    std::string file;  ///< that the key names
};

/// Those of named tables alone.
std::vector<ConfigEntry> list_entries(learning::NetworkTables tables);

/// In the order of the tables.
std::vector<ConfigEntry> list_entries(Experiment config);

/// The parameters of a field table with their defaults.
std::vector<ConfigEntry> list_parameters(std::span<const network::Field> fields);

/// Tables and keys as they stand in a file.
std::string print_entries(std::span<const ConfigEntry> entries);

}  // namespace memprop::host
