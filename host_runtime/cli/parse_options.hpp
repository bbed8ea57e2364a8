// What the commands share when they read their options.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>

#include "host_runtime/cli/commands.hpp"

namespace memprop::host::cli {

/// Parses the arguments of a command; `usage` is its first line of help. Nothing is returned if --help was
/// asked for (and printed). Throws InputError naming the option that is wrong.
std::optional<boost::program_options::variables_map> parse_options(
    Arguments arguments, const std::string& usage, const boost::program_options::options_description& visible,
    const boost::program_options::positional_options_description& positional,
    const boost::program_options::options_description& positional_options);

}  // namespace memprop::host::cli
