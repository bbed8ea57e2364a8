// What the commands share in parsing their options with Boost.Program_options.
#pragma once

#include <boost/program_options.hpp>
#include <string_view>

#include "host_runtime/cli/commands.hpp"

namespace memprop::host::cli {

/// Parses `arguments`. Prints `usage`, the options and `notes` to stdout and returns false if --help is
/// among them. Throws InputError for what the options do not know.
bool parse_options(Arguments arguments, std::string_view usage,
                   const boost::program_options::options_description& visible,
                   const boost::program_options::options_description& hidden,
                   const boost::program_options::positional_options_description& positional,
                   std::string_view notes, boost::program_options::variables_map& values);

}  // namespace memprop::host::cli
