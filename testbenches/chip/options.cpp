#include "testbenches/chip/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "testbenches/support/option_reader.hpp"

namespace memprop::tb {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kIntroduction =
    R"(tb_chip: runs a chip with its host, measures cycles and energy

  tb_chip                                            the default network on one core, 5 % of the inputs active
  tb_chip --set chip.mesh_width=2 --set chip.mesh_height=2 --json       on four cores, result as JSON
  tb_chip --experiment examples/digits.toml --task --samples 3 --learn on    learning the experiment's task
  tb_chip --stimulus spikes.csv --csv steps.csv      inputs from a file; phases of every step to a file
  tb_chip --set network.recurrent=8 --set network.inputs=4 --steps 5 --trace chip.vcd   waveforms for gtkwave

The network is mapped onto the chip and loaded through the bus; then samples run. With --learn on, each is
followed by a weight update. `memprop config` explains the keys of --set.

)";
po::options_description describe() {
    const auto text = [](const char* fallback) { return po::value<std::string>()->default_value(fallback); };
    po::options_description options("Options");
    auto add = options.add_options();
    add("help,h", "this text");
    add("experiment", po::value<std::string>(), "TOML file; without it all keys have their defaults");
    add("set", po::value<std::vector<std::string>>(), "KEY=VALUE: override a key; may be repeated");
    add("task", "samples of the experiment's task in place of a stimulus");
    add("samples", text("1"), "samples to run");
    add("steps", text("100"), "time steps of a sample; with --stimulus at least up to its last event");
    add("activity", text("0.05"), "probability of a spike per input and step, 0 to 1");
    add("stimulus", po::value<std::string>(), "CSV file with the header step,input instead of --activity");
    add("learn", text("off"), "on or off");
    add("stalls", text("0"),
        "probability that the first flit of a router's FIFO is held back, per cycle, 0 to 0.9; for "
        "verification: cycles change, the numbers do not");
    add("seed", text("1"), "sets run.seed, which fixes everything random");
    add("json", "one JSON object on the last line of stdout");
    add("csv", po::value<std::string>(), "write a line for every time step to this file");
    add("trace", po::value<std::string>(), "write waveforms to this file, NAME.vcd");
    add("trace-steps", po::value<std::string>(), "FIRST:LAST, steps of all samples: of these only");
    return options;
}

ChipOptions read(const OptionReader& given) {
    ChipOptions options;
    given.refuse_together("stimulus", "activity");
    std::vector<std::string> overrides = given.texts("set");
    if (given.is_set("seed")) {
        overrides.push_back(fmt::format("run.seed={}", given.integer("seed", 0, INT64_MAX)));
    }
    options.experiment = given.has("experiment") ? host::load_experiment(given.text("experiment"), overrides)
                                                 : host::parse_experiment("", "tb", overrides);
    options.experiment.run.engine = learning::EngineKind::cycle;
    if (auto& devices = options.experiment.crossbar; devices.energy.missing().empty()) {
        devices.energy = options.experiment.chip.device_costs(devices.energy, devices.device);
    }
    options.samples = given.small("samples", 1, 1'000'000);
    options.steps = given.small("steps", 1, 1'000'000);
    options.activity = given.number("activity", 0.0, 1.0);
    options.stalls = given.number("stalls", 0.0, 0.9);
    options.learn = given.second_of("learn", "off", "on");
    if (given.is_set("stimulus")) {
        options.stimulus_file = given.text("stimulus");
        options.steps = given.is_set("steps") ? options.steps : 0;
    }
    options.own_task = given.has("task");
    for (const char* name : {"stimulus", "activity", "steps"}) {
        if (options.own_task && given.is_set(name)) {
            throw InputError(fmt::format("--task and --{} exclude each other", name));
        }
    }
    if (!options.own_task && options.experiment.learning.loss == learning::Loss::cross_entropy) {
        throw InputError("learning.loss", "cross_entropy", "needs --task: a stimulus has no labels");
    }
    if (given.is_set("csv")) {
        options.csv_file = given.text("csv");
    }
    if (given.is_set("trace")) {
        options.waveforms = host::parse_waveforms(
            given.text("trace"), given.is_set("trace-steps") ? given.text("trace-steps") : std::string());
    } else if (given.is_set("trace-steps")) {
        throw InputError("--trace-steps needs --trace");
    }
    options.json = given.has("json");
    return options;
}

}  // namespace

std::optional<ChipOptions> parse_chip_options(int argc, const char* const* argv) {
    const po::options_description described = describe();
    po::variables_map given;
    try {
        const po::positional_options_description none;
        po::store(po::command_line_parser(argc, argv).options(described).positional(none).run(), given);
        po::notify(given);
    } catch (const po::error& error) {
        throw InputError(fmt::format("{}; --help lists the options", error.what()));
    }
    if (given.count("help") != 0) {
        std::ostringstream list;
        list << described;
        put("{}{}", kIntroduction, list.str());
        return std::nullopt;
    }
    return read(OptionReader(given));
}

std::unique_ptr<Stimulus> make_chip_stimulus(ChipOptions& options, std::uint32_t rows) {
    if (!options.stimulus_file) {
        return make_random_stimulus(rows, options.steps, options.activity,
                                    static_cast<std::uint64_t>(options.experiment.run.seed));
    }
    auto stimulus = read_stimulus(*options.stimulus_file, rows, "input");
    if (options.steps > 0 && stimulus->steps() > options.steps) {
        throw InputError("--steps", options.steps,
                         fmt::format("the stimulus has events up to step {}", stimulus->steps() - 1));
    }
    if (stimulus->steps() > 1'000'000) {
        throw InputError(fmt::format("{}: step", options.stimulus_file->string()), stimulus->steps() - 1,
                         "must be less than 1000000: a sample is held in memory");
    }
    if (options.steps == 0) {
        options.steps = std::max(1U, static_cast<std::uint32_t>(stimulus->steps()));
    }
    return stimulus;
}

}  // namespace memprop::tb
