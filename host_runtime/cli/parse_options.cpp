#include "host_runtime/cli/parse_options.hpp"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::host::cli {

namespace po = boost::program_options;

std::optional<po::variables_map> parse_options(Arguments arguments, const std::string& usage,
                                               const po::options_description& visible,
                                               const po::positional_options_description& positional,
                                               const po::options_description& positional_options) {
    po::options_description help_option, all;
    help_option.add_options()("help,h", "print this help");
    all.add(visible).add(positional_options).add(help_option);
    po::variables_map values;
    try {
        const std::vector<std::string> words(arguments.begin(), arguments.end());
        // No guessing of abbreviated names: a new option must not change what an old command line means.
        const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser(words).options(all).positional(positional).style(style).run(),
                  values);
        if (values.count("help") != 0) {
            std::ostringstream text;
            text << usage << "\n\n" << visible << "  -h [ --help ]         print this help\n";
            fmt::print("{}", text.str());
            return std::nullopt;
        }
        po::notify(values);
    } catch (const po::error& error) {
        throw InputError(fmt::format("{}\nusage: {}", error.what(), usage.substr(0, usage.find('\n'))));
    }
    return values;
}

}  // namespace memprop::host::cli
