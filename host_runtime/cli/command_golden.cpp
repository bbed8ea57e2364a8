// memprop golden: results that another implementation has recorded, computed anew from their inputs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/golden/compare.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kUsage = "memprop golden --kind KIND FILE";

std::string notes() {
    std::string kinds;
    for (const golden::GoldenKind& kind : golden::golden_kinds()) {
        kinds += fmt::format("  {:<20} {}\n", kind.name, kind.description);
    }
    return fmt::format(
        "Takes the inputs from FILE (.npz or HDF5), computes the results and compares them with those of "
        "FILE.\n"
        "Prints one line of JSON: spikes_differ (number of spikes), max_relative_error, and arrays: the "
        "error of\n"
        "each result array, max |x - golden| / max |golden| over the finite golden values (max |x| where "
        "they\n"
        "are all 0); 1e300 if a NaN or an infinity is not where the golden array has it.\n"
        "The exit status is 0 however large the errors are, 2 if FILE is not a file of this "
        "kind.\n\nKinds:\n{}",
        kinds);
}

const golden::GoldenKind& find_kind(const std::string& name) {
    std::vector<std::string_view> names;
    for (const golden::GoldenKind& kind : golden::golden_kinds()) {
        if (kind.name == name) {
            return kind;
        }
        names.push_back(kind.name);
    }
    throw InputError("--kind", name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace

int command_golden(Arguments arguments) {
    std::string kind_name, path;
    po::options_description visible("Options"), hidden;
    visible.add_options()("kind", po::value(&kind_name)->value_name("KIND")->required(),
                          "what FILE is; see below")("help,h", "explain and exit");
    hidden.add_options()("file", po::value(&path)->required());
    po::positional_options_description positional;
    positional.add("file", 1);
    po::variables_map values;
    if (!parse_options(arguments, kUsage, visible, hidden, positional, notes(), values)) {
        return 0;
    }
    const golden::GoldenKind& kind = find_kind(kind_name);
    golden::GoldenFile file(path);
    const golden::Computation computation = kind.compute(file);
    const golden::Comparison comparison = golden::compare(file, computation.arrays);
    for (const std::string& remark : computation.remarks) {
        say("{}\n", remark);
    }
    nlohmann::ordered_json arrays = nlohmann::ordered_json::object();
    for (const auto& [name, error] : comparison.arrays) {
        arrays[name] = error;
    }
    put("{}\n", nlohmann::ordered_json{{"spikes_differ", comparison.spikes_differ},
                                       {"max_relative_error", comparison.max_relative_error},
                                       {"arrays", arrays}}
                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
}

}  // namespace memprop::host::cli
