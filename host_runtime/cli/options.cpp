#include "host_runtime/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"

namespace memprop::host::cli {

namespace po = boost::program_options;

bool parse_options(Arguments arguments, std::string_view usage, const po::options_description& visible,
                   const po::options_description& hidden,
                   const po::positional_options_description& positional, std::string_view notes,
                   po::variables_map& values) {
    const std::vector<std::string> words(arguments.begin(), arguments.end());
    const auto asks_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
    if (std::any_of(words.begin(), words.end(), asks_help)) {
        std::ostringstream options;
        options << visible;
        put("Usage: {}\n\n{}\n{}", usage, options.str(), notes);
        return false;
    }
    po::options_description all;
    all.add(visible).add(hidden);
    try {
        // No guessing of abbreviated options: a typing error must not mean something else.
        const auto style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser(words).options(all).positional(positional).style(style).run(),
                  values);
        po::notify(values);
    } catch (const po::error& error) {
        throw InputError(fmt::format("{}\nUsage: {}", error.what(), usage));
    }
    return true;
}

}  // namespace memprop::host::cli
