#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "crossbar/characterize/characterize.hpp"
#include "crossbar/device/device_model.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/keys_without_effect.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

const crossbar::CurveKind& find_curve(const std::string& name) {
    std::vector<std::string_view> names;
    for (const auto& kind : crossbar::curve_kinds()) {
        if (kind.name == name) {
            return kind;
        }
        names.push_back(kind.name);
    }
    throw InputError("--curve", name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

template <class T>
T in_range(std::string_view option, T value, T low, T high) {
    if (!(value >= low && value <= high)) {
        throw InputError(option, value, fmt::format("must be in [{}, {}]", low, high));
    }
    return value;
}

/// Refuses what cannot be written to, before the measurement and not after it.
void need_place(const std::string& file) {
    const std::filesystem::path path = file;
    if (file.empty() || std::filesystem::is_directory(path)) {
        throw InputError("--csv", file, "must name a file");
    }
    if (path.has_parent_path() && !std::filesystem::is_directory(path.parent_path())) {
        throw InputError("--csv", file, "must be in a directory that exists");
    }
}

std::string notes() {
    std::string text = "Curves:\n";
    for (const auto& kind : crossbar::curve_kinds()) {
        text += fmt::format("  {:<13} {}\n", kind.name, kind.description);
    }
    return text + "Keys of --set are those of [crossbar] in an experiment, e.g. crossbar.g_max_us=20.\n";
}

}  // namespace

int command_characterize(Arguments arguments) {
    std::string device, curve_name, csv_file;
    std::vector<std::string> overrides;
    std::int64_t devices = 0, pulses = 0, seed = 0;
    double interval_seconds = 0;
    po::options_description visible("Options"), hidden;
    visible.add_options()("set", po::value(&overrides)->value_name("KEY=VALUE")->composing(),
                          "override one key of the experiment's defaults; may be repeated")(
        "devices", po::value(&devices)->value_name("N")->default_value(10000), "devices measured")(
        "pulses", po::value(&pulses)->value_name("K")->default_value(20),
        "pulses of staircase, reset and up_down (each way)")(
        "interval", po::value(&interval_seconds)->value_name("S")->default_value(38.6, "38.6"),
        "seconds between a pulse and its read, and between pulses")(
        "curve", po::value(&curve_name)->value_name("NAME")->default_value("staircase"), "what to measure")(
        "csv", po::value(&csv_file)->value_name("FILE"), "write the table there instead of to stdout")(
        "seed", po::value(&seed)->value_name("N")->default_value(1), "fixes everything random")(
        "help,h", "explain and exit");
    hidden.add_options()("device", po::value(&device)->required());
    po::positional_options_description positional;
    positional.add("device", 1);
    po::variables_map values;
    if (!parse_options(arguments,
                       "memprop characterize DEVICE [--curve NAME] [--csv FILE] [--set KEY=VALUE]...",
                       visible, hidden, positional, notes(), values)) {
        return 0;
    }
    overrides.push_back(fmt::format("crossbar.device=\"{}\"", crossbar::find_device_kind(device).name));
    const Experiment experiment = parse_experiment("", "", overrides);
    say_text(without_effect_text(keys_without_effect_on_devices(experiment)));
    const crossbar::CharacterizeOptions options{
        .config = experiment.crossbar,
        .devices = static_cast<std::uint32_t>(in_range<std::int64_t>("--devices", devices, 1, 100'000'000)),
        .pulses = static_cast<std::uint32_t>(in_range<std::int64_t>("--pulses", pulses, 1, 100'000)),
        .interval_seconds = in_range("--interval", interval_seconds, 0.0, 1e12),
        .seed = static_cast<std::uint64_t>(in_range<std::int64_t>("--seed", seed, 0, INT64_MAX))};
    if (values.count("csv") != 0) {
        need_place(csv_file);
    }
    const std::string csv = crossbar::to_csv(find_curve(curve_name).measure(options));
    if (csv_file.empty()) {
        put_text(csv);
    } else {
        write_text_atomically(csv_file, csv);
    }
    return 0;
}

}  // namespace memprop::host::cli
